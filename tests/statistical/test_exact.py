"""The exact engine against quadrature and the nuts engine, and what its draws depend on."""

import hashlib
import json
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from exact_support import marginal_of, statement_of
from model_support import panel, plan_of
from run_support import Silent
from scipy import stats

from hiermix.engines import FitRequest
from hiermix.engines.exact import ExactEngine
from hiermix.engines.nuts import NutsEngine

CASES = Path(__file__).parents[1] / "cases"

MCSE_UNITS = 4.0
"""Two-sided false alarm 6e-5 per comparison; some 100 are made here."""

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


def sample(plan, engine=ExactEngine, **changes):
    settings = {"draws": 1000, "tune": 1000, "chains": 4, "seed": 3, "cores": 2} | changes
    return engine().open(plan, Silent()).sample(FitRequest(**settings))


def distances(draws, mean, sd):
    """Return how far mean and sd are from exact numbers, in units of their MCSE."""
    values = np.asarray(draws)
    yield (values.mean() - mean) / float(az.mcse(values, method="mean"))
    yield (values.std() - sd) / float(az.mcse(values, method="sd"))


@pytest.fixture(scope="module")
def dyestuff():
    table = pd.read_csv(CASES / "dyestuff.csv")
    priors = {
        "Intercept": "Normal(1528, 157.6)",
        "1|Batch": "HalfNormal(63.02)",
        "sigma": "HalfStudentT(4, 63.02)",
    }
    plan = plan_of(table, "Yield ~ 1 + (1 | Batch)", priors=priors)
    return sample(plan, draws=5000).tree["posterior"]


def test_dyestuff_has_its_quadrature_moments(dyestuff):
    reference = json.loads((CASES / "dyestuff_exact.json").read_text(encoding="utf-8"))
    names = {"b_Intercept": "Intercept", "sd_Batch__Intercept": "1|Batch_sigma", "sigma": "sigma"}
    for numbers in reference["parameters"]:
        draws = dyestuff[names[numbers["variable"]]]
        for distance in distances(draws, numbers["mean"], numbers["sd"]):
            assert abs(distance) <= MCSE_UNITS, numbers["variable"]
        for probability in (0.025, 0.25, 0.75, 0.975):
            if f"q{100 * probability:g}" in numbers:
                exact = numbers[f"q{100 * probability:g}"]
                found = float(np.quantile(draws, probability))
                error = float(az.mcse(draws.values, method="quantile", prob=probability))
                assert abs(found - exact) <= MCSE_UNITS * error
    effects = dyestuff["1|Batch"].values
    for level, exact in enumerate(reference["group_effect_means"]["Batch__Intercept"].values()):
        error = float(az.mcse(effects[:, :, level], method="mean"))
        assert abs(effects[:, :, level].mean() - exact) <= MCSE_UNITS * error


def test_two_levels_and_a_prior_that_reaches_zero_have_their_quadrature_moments():
    """The hardest case for a proposal: the posterior of the sd is its prior, almost."""
    y, se, scale = np.array([0.3, -0.1]), np.array([1.0, 0.8]), 2.0
    table = pd.DataFrame({"y": y, "se": se, "g": ["a", "b"]})
    priors = {"Intercept": "Normal(0, 1)", "1|g": f"HalfCauchy({scale})"}
    plan = plan_of(table, "y ~ 1 + (1 | g)", known_se="se", priors=priors)
    draws = sample(plan, draws=4000).tree["posterior"]["1|g_sigma"]
    grid = np.linspace(-12, 12, 40_001)
    tau = np.exp(grid)
    variance = se**2 + tau[:, None] ** 2
    # The intercept is integrated out of two observations: their covariance gains 1.
    determinant = variance.prod(axis=1) + variance.sum(axis=1)
    quadratic = (y[0] ** 2 * (variance[:, 1] + 1) + y[1] ** 2 * (variance[:, 0] + 1)) - 2 * y[
        0
    ] * y[1]
    density = stats.halfcauchy(scale=scale).pdf(tau) * tau
    density *= determinant**-0.5 * np.exp(-0.5 * quadratic / determinant)
    density /= density.sum()
    # A Cauchy tail has no mean: compare logs.
    mean = float(density @ grid)
    sd = float(np.sqrt(density @ (grid - mean) ** 2))
    for distance in distances(np.log(draws), mean, sd):
        assert abs(distance) <= MCSE_UNITS


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("n_levels", [2, 3, 4])
def test_few_levels_of_very_many_rows_have_their_quadrature_moments(n_levels, seed):
    """The sd may be anything up to where its prior ends, the residual sd nothing but one number."""
    means = np.array([0.02, -0.05, 0.04, 0.01])[:n_levels]
    table = pd.DataFrame(
        {
            "y": np.concatenate([means - 1, means + 1]),
            "g": [f"g{i % n_levels}" for i in range(2 * n_levels)],
            "w": 1e7,
        }
    )
    priors = {"Intercept": "Normal(0, 2)", "1|g": "HalfNormal(5)", "sigma": "HalfNormal(2)"}
    plan = plan_of(table, "weighted(y, w) ~ 1 + (1 | g)", priors=priors)
    draws = sample(plan, seed=seed).tree["posterior"]["1|g_sigma"].values
    # 2e7 rows a level leave se^2 = 1 / 2e7 of its mean, whatever sigma is within its tiny sd.
    grid = np.linspace(-9.0, 4.0, 20_001)
    tau = np.exp(grid)
    density = np.empty(len(grid))
    for i, sd in enumerate(tau):
        covariance = np.diag(np.full(n_levels, sd**2 + 1 / 2e7)) + 4.0
        density[i] = stats.multivariate_normal(np.zeros(n_levels), covariance).logpdf(means)
    density += stats.halfnorm(scale=5).logpdf(tau) + grid
    density = np.exp(density - density.max())
    density /= density.sum()
    mean = float(density @ grid)
    sd = float(np.sqrt(density @ (grid - mean) ** 2))
    for distance in distances(np.log(draws), mean, sd):
        assert abs(distance) <= MCSE_UNITS
    for far in (0.3, 1.0, 3.0):
        share = float(density[tau > far].sum())
        beyond = (draws > far).astype(float)
        # Where no draw is, the error is that of a share of so many.
        error = max(float(az.mcse(beyond, method="mean")), np.sqrt(share / beyond.size))
        assert abs(beyond.mean() - share) <= MCSE_UNITS * error


MODELS = {
    "crossed slopes": ("y ~ x + (x || g) + (1 | h)", {}),
    "correlated": ("y ~ x + (x | g)", {}),
    "three correlated, nested": ("y ~ x + z + (x + z | g) + (1 | sub)", {}),
    "known errors": ("y ~ x + (1 | g)", {"known_se": "se"}),
    "weights": ("weighted(y, w) ~ x + (1 | g)", {}),
}


@pytest.mark.parametrize("name", MODELS)
def test_both_engines_sample_one_posterior(name):
    formula, options = MODELS[name]
    plan = plan_of(panel(n_groups=12), formula, **options)
    exact, nuts = (sample(plan, engine).tree for engine in (ExactEngine, NutsEngine))
    assert exact["posterior"].data_vars.keys() == nuts["posterior"].data_vars.keys()
    for variable, ours in exact["posterior"].data_vars.items():
        theirs = nuts["posterior"][variable]
        assert ours.dims == theirs.dims
        for a, b in zip(_scalars(ours), _scalars(theirs), strict=True):
            for method, moment in (("mean", np.mean), ("sd", np.std)):
                error = np.hypot(*(float(az.mcse(v, method=method)) for v in (a, b)))
                assert abs(moment(a) - moment(b)) <= MCSE_UNITS * error, (variable, method)
    for group in ("log_likelihood", "posterior_predictive", "observed_data"):
        ours, theirs = (tree[group][plan.design.response.name] for tree in (exact, nuts))
        assert ours.dims == theirs.dims
        assert ours.shape == theirs.shape
    ours, theirs = (
        tree["log_likelihood"][plan.design.response.name].sum("__obs__").values
        for tree in (exact, nuts)
    )
    error = np.hypot(*(float(az.mcse(v, method="mean")) for v in (ours, theirs)))
    assert abs(ours.mean() - theirs.mean()) <= MCSE_UNITS * error


def _scalars(variable):
    values = variable.values
    return values.reshape(*values.shape[:2], -1).transpose(2, 0, 1)


def test_the_log_likelihood_is_that_of_the_rows():
    table = panel()
    plan = plan_of(table, "y ~ x + offset(z) + (x | g)")
    tree = sample(plan, draws=20, chains=2).tree
    posterior = tree["posterior"].dataset.isel(chain=1, draw=7)
    level = plan.design.main.group[0].factor.index
    mean = (
        posterior["Intercept"].item()
        + (posterior["x"].item() + posterior["x|g"].values[level]) * table["x"]
        + table["z"]
        + posterior["1|g"].values[level]
    )
    expected = stats.norm(mean, posterior["sigma"].item()).logpdf(table["y"])
    found = tree["log_likelihood"]["y"].isel(chain=1, draw=7)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def digest(tree, chains=2, draws=200):
    whole = hashlib.sha256()
    for name in sorted(map(str, tree["posterior"].data_vars)):
        whole.update(np.ascontiguousarray(tree["posterior"][name].values[:chains, :draws]))
    return whole.hexdigest()


def test_draws_depend_on_the_seed_alone():
    plan = plan_of(panel(), "y ~ x + (x | g) + (1 | h)")
    first = digest(sample(plan, draws=200, chains=2, cores=1).tree)
    assert digest(sample(plan, draws=200, chains=2, cores=2).tree) == first
    assert digest(sample(plan, draws=200, chains=3).tree) == first
    assert digest(sample(plan, draws=700, chains=2).tree) == first
    assert digest(sample(plan, draws=200, chains=2, seed=4).tree) != first
    session = ExactEngine().open(plan, Silent())
    request = FitRequest(draws=200, tune=1000, chains=2, seed=3, cores=2)
    session.sample(request)
    assert digest(session.sample(request).tree) == first


def test_an_interrupted_run_goes_on_with_the_chains_that_were_kept(tmp_path):
    plan = plan_of(panel(), "y ~ x + (x | g)")
    whole = digest(sample(plan, draws=200, chains=2).tree)
    store = tmp_path / "kept"
    sample(plan, draws=200, chains=1, chain_store=store)
    assert [path.name for path in store.iterdir()] == ["chain-0.npz"]
    assert digest(sample(plan, draws=200, chains=2, chain_store=store).tree) == whole


def test_the_mode_that_the_prior_hides_is_found():
    """Levels differ by 1 and rows by .1, the prior says that levels differ by .02.

    Almost all of the posterior is where the data are; the prior's own draws never come there.
    """
    rng = np.random.default_rng(5)
    level = np.repeat(np.arange(8), 3)
    table = pd.DataFrame({"g": [f"g{i}" for i in level]})
    table["y"] = rng.normal(size=8)[level] + 0.1 * rng.normal(size=24)
    priors = {"1|g": "LogNormal(-3.9, 0.5)"}
    plan = plan_of(table, "y ~ 1 + (1 | g)", priors=priors)
    marginal = marginal_of(statement_of(plan))
    grid = np.linspace(-6, 2, 161)
    points = np.array([(a, b) for a in grid for b in grid])
    density = marginal.log_posterior(points)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    posterior = sample(plan).tree["posterior"]
    for name, column in (("sigma", 0), ("1|g_sigma", 1)):
        mean = float(weight @ points[:, column])
        sd = float(np.sqrt(weight @ (points[:, column] - mean) ** 2))
        for distance in distances(np.log(posterior[name]), mean, sd):
            assert abs(distance) <= MCSE_UNITS, name
