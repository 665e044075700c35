"""Power-scaling and the grid of priors against closed forms and quadrature."""

import json
from dataclasses import replace
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from arviz_stats import psense_summary
from model_support import panel, plan_of
from run_support import ROOT, Silent, draws_of, spec_path
from scipy import stats

from hiermix import pipeline
from hiermix.engines.bambi_model import build_model
from hiermix.engines.base import Fit, FitRequest
from hiermix.spec import load_spec
from hiermix.studies.sensitivity import Asked, sensitivity_of
from hiermix.studies.sensitivity.log_prior import log_prior_draws
from hiermix.studies.sensitivity.power import power_scaling

pytestmark = pytest.mark.statistical

MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison
ROUNDING = 1e-5  # of the references of the lifts, which have five decimals
QUADRATURE = 1e-3  # of eight schools, in points: nodes of tau


def studied(document, folder: Path, asked: Asked):
    result = pipeline.fit(
        pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), folder, Silent()), Silent()
    )
    return result, of_result(result, asked)


def of_result(result, asked: Asked):
    status = str(result.verdict.status)
    return sensitivity_of(result.prepared, result.fit, result.tables, status, asked, Silent())


def example(name, *overrides):
    path = spec_path(name)
    loaded = load_spec(path.read_bytes(), str(path), overrides)
    return pipeline.fit(pipeline.prepare(loaded, path.parent, Silent()), Silent())


# --- power-scaling ---------------------------------------------------------------------------

ALPHAS = (0.99, 1.01)
N, SE, PRIOR_MEAN, PRIOR_SD = 12, 1.0, 3.0, 0.8


def normal_posterior(y, prior_power=1.0, likelihood_power=1.0):
    """The mean of normal data with a known sd and a normal prior, each raised to a power."""
    prior, data = prior_power / PRIOR_SD**2, likelihood_power * len(y) / SE**2
    mean = (prior * PRIOR_MEAN + data * y.mean()) / (prior + data)
    return stats.norm(mean, (prior + data) ** -0.5)


def distance(before, after, low, high) -> float:
    """The cumulative Jensen-Shannon distance between two distributions, by quadrature."""
    x = np.linspace(low, high, 20_001)

    def one_sided(p, q):
        middle = (p + q) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            pm_, qm = (np.where(c > 0, c * np.log2(c / middle), 0.0) for c in (p, q))
        # The terms that make up for what lacks to a density cancel in the sum.
        total = np.trapezoid(pm_ + qm, x)
        return np.sqrt(max(total, 0) / np.trapezoid(p + q, x))

    return max(
        one_sided(before.cdf(x), after.cdf(x)),
        one_sided(before.sf(x), after.sf(x)),
    )


def exact_sensitivity(y, component: str, low, high) -> float:
    base = normal_posterior(y)
    rates = [
        distance(base, normal_posterior(y, **{f"{component}_power": alpha}), low, high)
        / abs(np.log2(alpha))
        for alpha in ALPHAS
    ]
    return float(np.mean(rates))


def conjugate(folder: Path, y, seed):
    pd.DataFrame({"y": y, "se": SE}).to_csv(folder / "d.csv", index=False)
    document = {
        "data": {"path": "d.csv"},
        "model": {"formula": "y ~ 1", "known_se": "se"},
        "priors": {"Intercept": f"Normal({PRIOR_MEAN}, {PRIOR_SD})"},
        "fit": {"seed": seed, "draws": 1000},
    }
    ready = pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), folder, Silent())
    return pipeline.fit(ready, Silent())


def test_sensitivities_of_a_normal_mean_are_those_of_the_closed_form(tmp_path: Path) -> None:
    y = np.random.default_rng(5).normal(0.0, SE, N)
    found, expected = {"prior": [], "likelihood": []}, {"prior": [], "likelihood": []}
    errors = {"prior": [], "likelihood": []}
    for seed in range(10):
        result = conjugate(tmp_path, y, seed)
        (row,) = power_scaling(result.fit, result.prepared.plan).table.to_dict("records")
        draws = draws_of(result)["Intercept"]
        for component in found:
            found[component].append(row[component])
            errors[component].append(row[f"mcse_{component}"])
            expected[component].append(exact_sensitivity(y, component, draws.min(), draws.max()))
        assert row["diagnosis"] == "potential prior-data conflict"
    for component in found:
        difference = np.array(found[component]) - np.array(expected[component])
        spread = difference.std(ddof=1)
        assert abs(difference.mean()) <= MCSE_UNITS * spread / np.sqrt(len(difference))
        # Both are estimates of one standard error, from 10 fits and from 20 parts of each.
        assert 0.4 < np.mean(errors[component]) / spread < 2.5
        assert spread < 0.1 * np.mean(expected[component])


def test_sensitivities_are_those_of_arviz() -> None:
    result = example("eight_schools")
    plan, tree = result.prepared.plan, result.fit.tree
    own = power_scaling(result.fit, plan).table.set_index("parameter")
    shape = tree["posterior"].sizes["chain"], tree["posterior"].sizes["draw"]
    logs = log_prior_draws(result.fit, plan)
    prior = xr.Dataset(
        {name: (("chain", "draw"), values.reshape(shape)) for name, values in logs.items()}
    )
    whole = xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].dataset[["Intercept", "1|school_sigma"]],
            "log_likelihood": tree["log_likelihood"].dataset,
            "log_prior": prior,
        }
    )
    theirs = psense_summary(whole, round_to=12)
    for name, row in theirs.iterrows():
        assert own.loc[name, "prior"] == pytest.approx(row["prior"], rel=1e-6)
        assert own.loc[name, "likelihood"] == pytest.approx(row["likelihood"], rel=1e-6)
        words = row["diagnosis"] if row["diagnosis"].startswith("potential") else ""
        assert own.loc[name, "diagnosis"] == words


PRIORS = {
    "Intercept": "StudentT(4, 1, 0.7)",
    "x": "Normal(0.2, 0.6)",
    "f": "Laplace(0, 1.5)",
    "z": "TruncatedNormal(mu=0, sigma=1, upper=3)",
    "1|g": "HalfStudentT(4, 0.8)",
    "x|g": "Gamma(2, 3)",
    "1|h": "LogNormal(-0.5, 0.6)",
    "sigma": "Exponential(1.5)",
}


def test_the_log_prior_is_pymcs_of_the_model_that_bambi_built() -> None:
    table = panel()
    plan = replace(plan_of(table, "y ~ x + f + z + (x || g) + (1 | h)", priors=PRIORS), centring=())
    built = build_model(plan)
    names = {label: name for name, label in built.names.items()}
    rng = np.random.default_rng(2)
    shape, centred, stored = (2, 15), {}, {}
    for parameter in plan.parameters:
        if parameter.role == "group_specific":
            continue
        values = rng.normal(size=(*shape, *parameter.shape))
        if parameter.role in ("group_sd", "residual"):
            values = np.exp(values / 2)
        centred[parameter.name] = values
        stored[parameter.name] = values.copy()
    part = plan.design.main
    for term, means in zip(part.common, plan.centres(part), strict=True):
        stored["Intercept"] -= stored[term.name].reshape(*shape, -1) @ means
    fit = Fit(
        xr.DataTree.from_dict({"posterior": dataset(plan, stored)}),
        "nuts",
        "nutpie",
        FitRequest(15, 0, 2, 1, 1),
    )
    ours = log_prior_draws(fit, plan)
    whole = dataset(plan, centred, names)
    for rv in built.pymc_model.free_RVs:
        if rv.name not in whole:
            own = rng.normal(size=(*shape, *rv.shape.eval()))
            whole[rv.name] = (("chain", "draw", *(f"{rv.name}_{i}" for i in range(rv.ndim))), own)
    theirs = pm.stats.compute_log_prior(
        xr.DataTree.from_dict({"posterior": whole}),
        var_names=[names[name] for name in ours],
        model=built.pymc_model,
        extend_inferencedata=False,
        progressbar=False,
    )
    for name, values in ours.items():
        own = theirs[names[name]].to_numpy().reshape(*shape, -1).sum(-1)
        np.testing.assert_allclose(values.reshape(shape), own, rtol=1e-8, atol=1e-8)


def dataset(plan, values, names=None) -> xr.Dataset:
    variables = {}
    for name, array in values.items():
        dims = [f"{name}_{i}" for i in range(array.ndim - 2)]
        if names is None:
            dims = [dim for dim, _ in plan.parameter(name).dims]
        variables[names[name] if names else name] = (("chain", "draw", *dims), array)
    return xr.Dataset(variables)


# --- the grid --------------------------------------------------------------------------------


def schools_by_quadrature(prior_sd):
    """E tau and E theta of eight schools under mu ~ N(0, 20), tau ~ HalfNormal(prior_sd)."""
    data = pd.read_csv(ROOT / "examples/eight_schools/eight_schools.csv")
    y, variance = data["y"].to_numpy(float), data["se"].to_numpy(float) ** 2
    tau = np.linspace(0, 12 * prior_sd, 40_001)
    total = variance + tau[:, None] ** 2
    precision = 1 / 20**2 + (1 / total).sum(axis=1)
    mu = (y / total).sum(axis=1) / precision
    log_weight = -0.5 * (np.log(total).sum(axis=1) + np.log(precision))
    log_weight += -0.5 * ((y**2 / total).sum(axis=1) - precision * mu**2)
    log_weight += stats.halfnorm(scale=prior_sd).logpdf(tau)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    theta = (y * tau[:, None] ** 2 + mu[:, None] * variance) / total
    return float(weight @ tau), weight @ theta, data["school"].astype(str).tolist()


def test_eight_schools_under_other_priors_are_those_of_quadrature() -> None:
    result = example(
        "eight_schools",
        "priors.Intercept=Normal(0, 20)",
        "priors.1|school=HalfNormal(10)",
        "fit.draws=5000",
    )
    study = of_result(result, Asked((0.5, 2.0)))
    grid = study.grid.set_index(["factor", "parameter"])
    for factor in (0.5, 1.0, 2.0):
        tau, theta, schools = schools_by_quadrature(10 * factor)
        row = grid.loc[(factor, "1|school_sigma")]
        assert row["scaled_prior"] == f"HalfNormal(sigma={10 * factor:g})"
        assert abs(row["mean"] - tau) <= QUADRATURE + MCSE_UNITS * row["mcse_mean"]
        own = study.level_grid[study.level_grid["factor"] == factor].set_index("level")
        for school, expected in zip(schools, theta, strict=True):
            mean, error = own.loc[school, ["mean", "mcse_mean"]]
            assert abs(mean - expected) <= QUADRATURE + MCSE_UNITS * error
    sd = grid.loc[(1.0, "1|school_sigma"), "sd"]
    for factor, flagged in ((0.5, True), (2.0, False)):
        moved = schools_by_quadrature(10 * factor)[0] - schools_by_quadrature(10)[0]
        row = grid.loc[(factor, "1|school_sigma")]
        assert row["shift"] == pytest.approx(moved / sd, abs=0.03)
        assert row["prior_sensitive"] == flagged == (abs(moved / sd) > 0.3)
    assert any("prior-sensitive: 1|school_sigma" in words for bad, words in study.sentences if bad)
    power = study.power.set_index("parameter")
    assert power.loc["1|school_sigma", "prior"] >= 0.05
    assert power.loc["1|school_sigma", "diagnosis"].startswith("potential")


# Of the same quadrature, flat prior on the mean; (E mu, E tau, E theta of US to AU).
LIFTS = {
    0.05: (0.01022, 0.00634, [0.00850, 0.00876, 0.00967, 0.01144, 0.01196, 0.01098]),
    0.01: (0.00964, 0.00415, [0.00856, 0.00881, 0.00950, 0.01049, 0.01051, 0.00998]),
}
COUNTRIES = ["US", "UK", "DE", "BR", "JP", "AU"]


def test_lifts_under_a_tighter_prior_are_those_of_the_references() -> None:
    result = example(
        "ab_lifts",
        "priors.Intercept=Normal(0, 10)",
        "priors.1|country=HalfNormal(0.05)",
        "fit.draws=5000",
    )
    study = of_result(result, Asked((0.2,)))
    grid = study.grid.set_index(["scaled_prior", "parameter"])
    for scale, (mu, tau, theta) in LIFTS.items():
        prior = f"HalfNormal(sigma={scale:g})"
        for name, expected in (("Intercept", mu), ("1|country_sigma", tau)):
            row = grid.loc[(prior, name)]
            assert abs(row["mean"] - expected) <= ROUNDING + MCSE_UNITS * row["mcse_mean"]
        factor = scale / 0.05
        own = study.level_grid[np.isclose(study.level_grid["factor"], factor)].set_index("level")
        for country, expected in zip(COUNTRIES, theta, strict=True):
            mean, error = own.loc[country, ["mean", "mcse_mean"]]
            assert abs(mean - expected) <= ROUNDING + MCSE_UNITS * error
    levels = study.levels.set_index("level")
    for country, before, after in zip(COUNTRIES, LIFTS[0.05][2], LIFTS[0.01][2], strict=True):
        row = levels.loc[country]
        error = MCSE_UNITS * np.sqrt(2) * row["sd"] / np.sqrt(5000)
        assert abs(row["shift"] * row["sd"] - (after - before)) <= 2 * ROUNDING + error


def test_nothing_is_sensitive_where_the_data_say_enough(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    effects, slopes = rng.normal(3, 1, 40), rng.normal(0.5, 0.4, 40)
    level = np.repeat(np.arange(40), 60)
    x = rng.normal(size=len(level))
    y = effects[level] + slopes[level] * x + rng.normal(0, 1, len(level))
    table = pd.DataFrame({"g": [f"g{i:02d}" for i in level], "x": x, "y": y})
    table.to_csv(tmp_path / "d.csv", index=False)
    document = {
        "data": {"path": "d.csv"},
        "model": {"formula": "y ~ x + (x | g)"},
        "fit": {"seed": 1, "draws": 1000},
    }
    _, study = studied(document, tmp_path, Asked((0.5, 2.0, 4.0)))
    assert not study.failed
    assert set(study.grid["scaled"]) == {"1|g_sigma", "x|g_sigma", "all"}
    assert not study.grid["prior_sensitive"].any()
    assert len(study.levels) == 80 and not study.levels["prior_sensitive"].any()
    assert (study.power["diagnosis"] == "").all()
    assert not any(bad for bad, words in study.sentences if "excludes 0" not in words)


def test_levels_with_next_to_no_data_are_flagged(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {"g": [f"g{i}" for i in range(5)], "y": [0.1, -0.2, 0.0, 0.2, 6.0], "se": 2.0}
    )
    table["y"] += rng.normal(0, 0.01, 5)
    table.to_csv(tmp_path / "d.csv", index=False)
    document = {
        "data": {"path": "d.csv"},
        "model": {"formula": "y ~ 1 + (1 | g)", "known_se": "se"},
        "priors": {"1|g": "HalfNormal(0.5)", "Intercept": "Normal(0, 5)"},
        "fit": {"seed": 1, "draws": 2000},
    }
    result, study = studied(document, tmp_path, Asked((0.5, 2.0)))
    levels = study.levels.set_index("level")
    # Brute force from the draws of the run and of the same model with the wider prior.
    wide = {**document, "priors": {**document["priors"], "1|g": "HalfNormal(1)"}}
    other = draws_of(
        pipeline.fit(
            pipeline.prepare(load_spec(json.dumps(wide), "s.yaml"), tmp_path, Silent()), Silent()
        )
    )
    own = draws_of(result)
    before = own["Intercept"] + own["1|g[g4]"]
    after = other["Intercept"] + other["1|g[g4]"]
    shift = (after.mean() - before.mean()) / before.std(ddof=1)
    assert shift > 0.3 and az.mcse(after, method="mean") < 0.1
    assert levels.loc["g4", "prior_sensitive"]
    assert levels.loc["g4", "shift_at"] == "1|g_sigma x 2"
    assert levels.loc["g4", "shift"] == pytest.approx(shift, abs=0.02)
    assert not levels.loc[["g0", "g1", "g2", "g3"], "prior_sensitive"].any()
