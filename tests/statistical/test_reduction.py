"""Merged rows have the posterior of the rows: same log density up to a known constant.

Densities and gradients are compared at random points, without sampling, with those of the
unreduced model and with scipy's on the rows themselves.
"""

import arviz as az
import numpy as np
import pandas as pd
import pytest
from model_support import plan_of
from run_support import Silent
from scipy import special, stats

from hiermix.engines import FitRequest
from hiermix.engines.bambi_model import build_model
from hiermix.engines.nuts import NutsEngine
from hiermix.model.reduction import reduce_plan

TOLERANCE = 1e-8  # relative; float64 sums of 500 terms
POINTS = 20
MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


def repeated(seed=0, n=500) -> pd.DataFrame:
    """Unbalanced rows with few distinct predictors: means over cells differ from those of rows."""
    rng = np.random.default_rng(seed)
    g = rng.choice(5, n, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    h = rng.integers(0, 3, n)
    x = rng.choice([0.0, 1.0, 2.5], n, p=[0.8, 0.15, 0.05])
    f = rng.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1])
    effect = rng.normal(0, 0.7, 5)[g] + rng.normal(0, 0.4, 3)[h]
    eta = -0.3 + 0.6 * x + (f == "b") * 0.8 + effect
    trials = rng.integers(1, 9, n)
    exposure = rng.choice([0.5, 1.0, 4.0], n)
    return pd.DataFrame(
        {
            "x": x,
            "f": f,
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "sub": [f"s{i}_{j}" for i, j in zip(g, h % 2, strict=True)],
            "hit": (rng.uniform(size=n) < special.expit(eta)).astype(int),
            "n": trials,
            "k": rng.binomial(trials, special.expit(eta)),
            "e": exposure,
            "count": rng.poisson(exposure * np.exp(0.4 * eta)),
            "y": eta + rng.normal(0, 0.6, n),
            "w": rng.choice([0.5, 1.0, 3.0], n),
        }
    )


MODELS = [
    ("bernoulli", "hit ~ x + (x | g)", {}),
    ("bernoulli", "hit ~ x + f + (1 | g) + (1 | h)", {"link": "probit"}),
    ("bernoulli", "hit ~ x + (1 | g / sub)", {"link": "cloglog"}),
    ("bernoulli", "hit ~ x * f + (f | g)", {"parameterization": "centered"}),
    ("bernoulli", "hit ~ x + f + (1 | g)", {"parameterization": "noncentered"}),
    ("bernoulli", "hit ~ x + (x | g)", {"cre": [{"group": "g", "terms": ["x"]}]}),
    ("bernoulli", "hit ~ 0 + x + offset(e) + (1 | g)", {}),
    ("binomial", "p(k, n) ~ x + f + (x || g)", {}),
    ("binomial", "p(k, n) ~ x + (1 | g)", {"link": "probit"}),
    ("poisson", "count ~ x + offset(log(e)) + (x | g) + (1 | h)", {}),
    ("poisson", "count ~ f + (f | g)", {}),
    ("gaussian", "y ~ x + f + (x | g) + (1 | h)", {}),
    ("gaussian", "y ~ x + offset(e) + (1 | g / sub)", {}),
    ("gaussian", "y ~ x + (x | g)", {"cre": [{"group": "g", "terms": ["x"]}]}),
    ("gaussian", "y ~ 1 + (1 | g)", {"priors": {"sigma": 0.7}}),
    ("gaussian", "weighted(y, w) ~ x + f + (f | g)", {"parameterization": "centered"}),
    ("gaussian", "weighted(y, w) ~ poly(x, 2) + (1 | h)", {}),
]


def random_points(model, seed=5):
    rng = np.random.default_rng(seed)
    start = model.initial_point()
    for _ in range(POINTS):
        yield {n: v + rng.normal(0, 0.4, size=v.shape) for n, v in start.items()}


@pytest.mark.parametrize(
    ("family", "formula", "options"), MODELS, ids=[f"{m[0]}: {m[1]}" for m in MODELS]
)
def test_density_and_gradient_of_the_cells_are_those_of_the_rows(family, formula, options):
    plan = plan_of(repeated(), formula, family=family, **options)
    merged = reduce_plan(plan)
    assert merged.merges
    rows, cells = build_model(plan).pymc_model, build_model(merged.plan).pymc_model
    assert [v.name for v in cells.value_vars] == [v.name for v in rows.value_vars]
    densities = [m.compile_logp(mode="FAST_COMPILE") for m in (rows, cells)]
    gradients = [m.compile_dlogp(mode="FAST_COMPILE") for m in (rows, cells)]
    for point in random_points(rows):
        of_rows, of_cells = (float(density(point)) for density in densities)
        assert np.isfinite(of_rows)
        assert of_cells - merged.constant == pytest.approx(of_rows, rel=TOLERANCE)
        expected, found = (gradient(point) for gradient in gradients)
        scale = TOLERANCE * np.max(np.abs(expected))
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=scale)


def eta_of_rows(table, values):
    """Return Intercept at row means + x + f + 1|g + x|g of every row."""
    x = table["x"].to_numpy()
    dummies = np.column_stack([table["f"] == "b", table["f"] == "c"]).astype(float)
    g = table["g"].map({f"g{i}": i for i in range(5)}).to_numpy()
    eta = values["Intercept"] + values["x"] * (x - x.mean())
    eta = eta + (dummies - dummies.mean(axis=0)) @ values["f"]
    return eta + values["1|g"][g] + values["x|g"][g] * x


def rows_logit(t, eta, values):
    return stats.bernoulli.logpmf(t["hit"], special.expit(eta))


def rows_probit(t, eta, values):
    return stats.bernoulli.logpmf(t["hit"], stats.norm.cdf(eta))


def rows_cloglog(t, eta, values):
    return stats.bernoulli.logpmf(t["hit"], -np.expm1(-np.exp(eta)))


def rows_binomial(t, eta, values):
    return stats.binom.logpmf(t["k"], t["n"], special.expit(eta))


def rows_poisson(t, eta, values):
    return stats.poisson.logpmf(t["count"], t["e"] * np.exp(eta))


def rows_gaussian(t, eta, values):
    return stats.norm.logpdf(t["y"], eta + t["e"], values["sigma"])


def rows_weighted(t, eta, values):
    return t["w"] * stats.norm.logpdf(t["y"], eta, values["sigma"])


AGAINST_SCIPY = [
    ("bernoulli", "hit", "", {}, rows_logit),
    ("bernoulli", "hit", "", {"link": "probit"}, rows_probit),
    ("bernoulli", "hit", "", {"link": "cloglog"}, rows_cloglog),
    ("binomial", "p(k, n)", "", {}, rows_binomial),
    ("poisson", "count", " + offset(log(e))", {}, rows_poisson),
    ("gaussian", "y", " + offset(e)", {}, rows_gaussian),
    ("gaussian", "weighted(y, w)", "", {}, rows_weighted),
]


@pytest.mark.parametrize(
    ("family", "left", "offset", "options", "of_rows"),
    AGAINST_SCIPY,
    ids=[case[-1].__name__ for case in AGAINST_SCIPY],
)
def test_likelihood_of_the_cells_is_that_of_the_rows_by_scipy(
    family, left, offset, options, of_rows
):
    table = repeated(seed=2)
    formula = f"{left} ~ x + f{offset} + (x || g)"
    merged = reduce_plan(plan_of(table, formula, family=family, **options))
    assert merged.merges
    built = build_model(merged.plan)
    model = built.pymc_model
    likelihood = model.compile_logp(
        vars=[*model.observed_RVs, *model.potentials], mode="FAST_COMPILE"
    )
    read = model.compile_fn(
        model.replace_rvs_by_values([model[name] for name in built.names]),
        inputs=model.value_vars,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    for point in random_points(model):
        values = dict(zip(built.names.values(), read(point), strict=True))
        expected = float(np.sum(of_rows(table, eta_of_rows(table, values), values)))
        found = float(likelihood(point)) - merged.constant
        assert found == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize(
    ("family", "formula"),
    [("bernoulli", "hit ~ x + (1 | g)"), ("gaussian", "y ~ x + (1 | g)")],
)
def test_fits_with_and_without_merging_agree(family, formula):
    plan = plan_of(repeated(seed=4), formula, family=family)
    base = {"draws": 1000, "tune": 500, "chains": 2, "seed": 3, "cores": 2}
    merged, plain = (
        NutsEngine().open(plan, Silent()).sample(FitRequest(**base, reduce=reduce))
        for reduce in (True, False)
    )
    assert merged.facts["reduction"]["method"].endswith(" cells")
    assert plain.facts["reduction"]["reason"] == "data.reduce: off"
    for name, draws in merged.tree["posterior"].data_vars.items():
        a, b = az.mcse(draws).to_numpy(), az.mcse(plain.tree["posterior"][name]).to_numpy()
        gap = draws.mean(("chain", "draw")) - plain.tree["posterior"][name].mean(("chain", "draw"))
        assert (np.abs(gap) <= MCSE_UNITS * np.hypot(a, b)).all(), name
    for group in ("log_likelihood", "posterior_predictive", "observed_data"):
        assert merged.tree[group].sizes == plain.tree[group].sizes
        assert merged.tree[group].sizes["__obs__"] == 500


def test_pointwise_log_likelihood_is_that_of_each_original_row():
    table = repeated(seed=4)
    plan = plan_of(table, "hit ~ x + (1 | g)", family="bernoulli")
    request = FitRequest(draws=50, tune=100, chains=2, seed=1, cores=2)
    tree = NutsEngine().open(plan, Silent()).sample(request).tree
    draw = tree["posterior"].isel(chain=1, draw=7)
    levels = draw["1|g"].to_series()
    eta = float(draw["Intercept"]) + float(draw["x"]) * table["x"] + table["g"].map(levels)
    np.testing.assert_allclose(
        tree["log_likelihood"]["hit"].isel(chain=1, draw=7),
        stats.bernoulli.logpmf(table["hit"], special.expit(eta)),
        rtol=1e-9,
    )
