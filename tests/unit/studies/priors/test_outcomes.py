"""Outcomes that priors imply, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of
from scipy.stats import norm

from hiermix.studies.priors.outcomes import draw_outcomes
from hiermix.studies.priors.parameters import draw_parameters
from hiermix.studies.priors.rows import some_rows

N = 20_000


def outcomes_of(plan, n=N, seed=1):
    parameters = draw_parameters(plan, n, np.random.default_rng(seed))
    return draw_outcomes(plan, parameters, n, np.random.default_rng(seed + 1))


def z_of_mean(draws: np.ndarray, truth: float) -> float:
    return float(abs(draws.mean() - truth) / (draws.std() / np.sqrt(len(draws))))


def test_variance_of_a_row_is_the_sum_of_the_variances() -> None:
    table = panel()
    priors = {
        "Intercept": "Normal(3, 2)",
        "x": "Normal(0, 1.5)",
        "1|g": "HalfNormal(1.2)",
        "x|g": "HalfNormal(0.7)",
        "1|h": "HalfNormal(0.5)",
        "sigma": 0.8,
    }
    plan = plan_of(table, "y ~ x + (x | g) + (1 | h)", priors=priors)
    values = outcomes_of(plan).values
    x = table["x"].to_numpy()
    # HalfNormal(s): E(tau^2) = s^2; the correlation of (x | g) is symmetric about 0.
    variance = 4 + 2.25 * (x - x.mean()) ** 2 + 1.44 + 0.49 * x**2 + 0.25 + 0.64
    for row in (0, 5, len(x) - 1):
        assert z_of_mean(values[row], 3.0) < 4
        assert z_of_mean((values[row] - 3) ** 2, variance[row]) < 4


def test_rows_of_a_level_share_its_effects() -> None:
    table = panel()
    priors = {"Intercept": "Normal(0, 0.001)", "1|g": "HalfNormal(2)", "sigma": 1.0}
    values = outcomes_of(plan_of(table, "y ~ 1 + (1 | g)", priors=priors)).values
    g = table["g"].to_numpy()
    same, other = np.flatnonzero(g == g[0])[1], np.flatnonzero(g != g[0])[0]
    assert z_of_mean(values[0] * values[same], 4.0) < 4
    assert z_of_mean(values[0] * values[other], 0.0) < 4


def test_effects_have_the_correlation_of_their_prior() -> None:
    table = pd.DataFrame({"y": np.arange(8.0), "x": [1.0, -1.0] * 4, "g": list("aabbccdd")})
    priors = {
        "Intercept": "Normal(0, 0.001)",
        "1|g": "Gamma(mu=1, sigma=0.001)",
        "x|g": "Gamma(mu=1, sigma=0.001)",
        "cor|g": "LKJ(0.5)",
        "sigma": 0.001,
    }
    plan = plan_of(table, "y ~ 1 + (x | g)", priors=priors)
    parameters = draw_parameters(plan, N, np.random.default_rng(1))
    values = draw_outcomes(plan, parameters, N, np.random.default_rng(2)).values
    # With sds of 1: (y_0^2 - y_1^2) / 4 = u_0 u_1 has the mean r in each draw.
    product = (values[0] ** 2 - values[1] ** 2) / 4
    rho = parameters["cor|g"][0]
    assert z_of_mean(product * rho, float((rho**2).mean())) < 4
    assert (rho**2).mean() > 0.4


def test_offset_and_known_standard_errors_belong_to_the_row() -> None:
    table = panel()
    priors = {"Intercept": "Normal(0, 0.001)"}
    plan = plan_of(table, "y ~ 1 + offset(z)", priors=priors, known_se="se")
    values = outcomes_of(plan).values
    for row in (0, 3):
        assert z_of_mean(values[row], table["z"][row]) < 4
        assert z_of_mean((values[row] - table["z"][row]) ** 2, table["se"][row] ** 2) < 4


def test_wide_priors_on_the_logit_scale_put_their_mass_at_0_and_1() -> None:
    priors = {"Intercept": "Normal(0, 10)"}
    wide = outcomes_of(plan_of(panel(), "hit ~ 1", family="bernoulli", priors=priors)).chance
    narrow = outcomes_of(plan_of(panel(), "hit ~ 1", family="bernoulli")).chance
    edge = np.log(0.999 / 0.001)
    for chance, sd in ((wide, 10), (narrow, 1.5)):
        truth = 2 * norm.sf(edge / sd)
        share = ((chance[0] < 1e-3) | (chance[0] > 1 - 1e-3)).mean()
        assert abs(share - truth) < 4 * np.sqrt(truth * (1 - truth) / N)
    assert ((wide < 0.1) | (wide > 0.9)).mean() > 0.8


MODELS = [
    *(("y", family) for family in ("gaussian", "t", "laplace", "asymmetriclaplace", "exgaussian")),
    *(("hit", "bernoulli"), ("angle", "vonmises"), ("share", "beta"), ("grade", "categorical")),
    *(("grade", "cumulative"), ("grade", "sratio")),
    *(("positive", f) for f in ("gamma", "lognormal", "exponential", "wald", "weibull")),
    *(("positive", f) for f in ("hurdle_gamma", "hurdle_lognormal")),
    *(("count", f) for f in ("poisson", "negativebinomial", "zero_inflated_poisson")),
    *(("count", f) for f in ("zero_inflated_negativebinomial", "hurdle_poisson")),
    ("count", "hurdle_negativebinomial"),
    *(("p(k, n)", f) for f in ("binomial", "beta_binomial", "zero_inflated_binomial")),
]


@pytest.mark.parametrize(("response", "family"), MODELS, ids=[m[1] for m in MODELS])
def test_every_family_gives_outcomes_in_its_support(response: str, family: str) -> None:
    table = panel()
    plan = plan_of(table, f"{response} ~ x + (x | g)", family=family)
    found = outcomes_of(plan, 200)
    values = found.values[np.isfinite(found.values)]
    assert found.values.shape == (len(table), 200) and len(values)
    if family in ("gamma", "wald"):  # their links let the mean leave the support
        assert np.isnan(found.values).any()
    else:
        assert np.isfinite(found.values).all()
    low = {"y": -np.inf, "angle": -np.pi}.get(response, 0.0)
    high = {"hit": 1.0, "share": 1.0, "grade": 2.0, "p(k, n)": 1.0, "angle": np.pi}
    assert values.min() >= low and values.max() <= high.get(response, np.inf)
    if response in ("hit", "count", "grade"):
        assert (values == np.round(values)).all()


def test_a_modelled_sigma_sets_the_spread_of_its_row() -> None:
    table = panel()
    priors = {"Intercept": "Normal(0, 0.001)", "sigma_z": "Normal(1, 0.001)"}
    plan = plan_of(table, "y ~ 1", components={"sigma": "~ 0 + z"}, priors=priors)
    values = outcomes_of(plan).values
    for row in (0, 4):
        assert z_of_mean(values[row] ** 2, np.exp(2 * table["z"][row])) < 4


def test_some_rows_are_the_rows_of_the_whole() -> None:
    table = panel()
    plan = plan_of(table, "p(k, n) ~ x + (x | g) + (1 | h)", family="binomial")
    kept = np.array([2, 3, 11])
    part = some_rows(plan.design, kept)
    assert part.n_obs == 3
    assert part.response.values.tolist() == table["k"][kept].tolist()
    assert part.main.common[0].values[:, 0].tolist() == table["x"][kept].tolist()
    for term in part.main.group:
        levels = [term.factor.levels[i] for i in term.factor.index]
        assert levels == table[term.factor.name][kept].tolist()
