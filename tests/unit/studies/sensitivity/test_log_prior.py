"""Log densities of priors against SciPy, and joint ones against numpy."""

import numpy as np
import pytest
import xarray as xr
from model_support import panel, plan_of
from scipy import stats

from hiermix.engines.base import Fit, FitRequest
from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import parse_prior
from hiermix.studies.sensitivity.log_prior import log_density, log_prior_draws

REAL = {
    "Normal(0.3, 1.7)": stats.norm(0.3, 1.7),
    "StudentT(4, 0.3, 1.7)": stats.t(4, 0.3, 1.7),
    "Cauchy(0.3, 1.7)": stats.cauchy(0.3, 1.7),
    "Laplace(0.3, 1.7)": stats.laplace(0.3, 1.7),
    "Logistic(0.3, 1.7)": stats.logistic(0.3, 1.7),
    "Gumbel(0.3, 1.7)": stats.gumbel_r(0.3, 1.7),
    "SkewNormal(-2, 0.3, 1.7)": stats.skewnorm(-2, 0.3, 1.7),
    "ExGaussian(0.3, 1.7, 0.8)": stats.exponnorm(0.8 / 1.7, 0.3, 1.7),
}

N_CHAINS, N_DRAWS = 2, 30


@pytest.mark.parametrize("text", REAL)
def test_densities_on_the_real_line_are_scipys(text) -> None:
    x = np.linspace(-6, 6, 41)
    np.testing.assert_allclose(log_density(parse_prior(text), x), REAL[text].logpdf(x), rtol=1e-9)


def test_every_distribution_but_lkj_has_a_density() -> None:
    known = {text.partition("(")[0] for text in REAL}
    real = {name for name, d in DISTRIBUTIONS.items() if d.support == "real"}
    assert known == real
    prior = parse_prior("TruncatedNormal(mu=-1, sigma=2, upper=0)")
    expected = stats.truncnorm(-np.inf, 0.5, -1, 2).logpdf([-3.0, 1.0])
    np.testing.assert_allclose(log_density(prior, np.array([-3.0, 1.0])), expected)


def random_fit(plan) -> Fit:
    """Draws without any pattern: positive sds, correlations of random matrices."""
    rng = np.random.default_rng(4)
    variables = {}
    for parameter in plan.parameters:
        values = rng.normal(size=(N_CHAINS, N_DRAWS, *parameter.shape))
        if parameter.role in ("group_sd", "residual", "auxiliary"):
            values = np.exp(values / 2)
        if parameter.role == "correlation":
            values = np.tanh(values / 4)
        dims = ("chain", "draw", *(name for name, _ in parameter.dims))
        variables[parameter.variable] = (dims, values)
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})
    return Fit(tree, "nuts", "nutpie", FitRequest(N_DRAWS, 0, N_CHAINS, 1, 1))


def flat(fit, name) -> np.ndarray:
    values = fit.tree["posterior"][name].to_numpy()
    return values.reshape(N_CHAINS * N_DRAWS, *values.shape[2:])


def test_the_prior_of_an_intercept_is_at_the_means_of_the_predictors() -> None:
    table = panel()
    priors = {"Intercept": "Normal(1, 0.5)", "f": "StudentT(3, 0, 2)", "x": "Cauchy(0, 1)"}
    plan = plan_of(table, "y ~ x + f + (1 | g)", priors=priors)
    fit = random_fit(plan)
    found = log_prior_draws(fit, plan)
    dummies = np.stack([(table["f"] == name).to_numpy(float) for name in "bc"], axis=1)
    centred = flat(fit, "Intercept") + flat(fit, "x") * table["x"].mean()
    centred = centred + flat(fit, "f") @ dummies.mean(axis=0)
    np.testing.assert_allclose(found["Intercept"], stats.norm(1, 0.5).logpdf(centred))
    np.testing.assert_allclose(found["f"], stats.t(3, 0, 2).logpdf(flat(fit, "f")).sum(axis=1))
    assert set(found) == {"Intercept", "x", "f", "1|g_sigma", "sigma"}


def test_group_specific_effects_and_fixed_parameters_have_no_part_in_it() -> None:
    plan = plan_of(panel(), "y ~ x + (x || g)", priors={"sigma": 0.7})
    assert set(log_prior_draws(random_fit(plan), plan)) == {
        "Intercept",
        "x",
        "1|g_sigma",
        "x|g_sigma",
    }


def test_each_column_has_its_own_prior() -> None:
    priors = {"f[b]|g": "HalfNormal(3)", "f|g": "HalfNormal(1)"}
    plan = plan_of(panel(), "y ~ f + (0 + f || g)", priors=priors)
    fit = random_fit(plan)
    expected = stats.halfnorm(scale=[1, 3, 1]).logpdf(flat(fit, "f|g_sigma")).sum(axis=1)
    np.testing.assert_allclose(log_prior_draws(fit, plan)["f|g_sigma"], expected)


def test_correlations_have_the_density_of_lkj_for_each_bar() -> None:
    plan = plan_of(panel(), "y ~ x + (x + z | g) + (0 + f | g)", priors={"cor|g": "LKJ(2.5)"})
    fit = random_fit(plan)
    draws = flat(fit, "cor|g")
    expected = np.zeros(len(draws))
    for place, row in enumerate(draws):
        for a, b, c in (row[:3], row[3:6]):
            matrix = np.array([[1, a, b], [a, 1, c], [b, c, 1]])
            expected[place] += 1.5 * np.log(np.linalg.det(matrix))
    assert draws.shape[1] == 6
    np.testing.assert_allclose(log_prior_draws(fit, plan)["cor|g"], expected, rtol=1e-9)
