"""Pooling weights, ranks and the comparison of methods, against numbers from elsewhere."""

import json
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from run_support import ROOT, Silent, draws_of, spec_path
from scipy import stats
from scipy.special import logsumexp

from hiermix import pipeline
from hiermix.spec import load_spec
from hiermix.studies.pooling import compare_pooling
from hiermix.studies.truth import read_truth

pytestmark = pytest.mark.statistical

MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison
ROUNDING = 3e-4  # of the references, which have three or four decimals

COUNTRIES = ["US", "UK", "DE", "BR", "JP", "AU"]

# Closed form in mu and theta, quadrature over tau, flat prior on mu.
LIFTS = {
    0.01: {
        "theta": [0.00856, 0.00881, 0.00950, 0.01049, 0.01051, 0.00998],
        "w": [0.493, 0.341, 0.214, 0.094, 0.030, 0.012],
    },
    0.05: {
        "theta": [0.00850, 0.00876, 0.00967, 0.01144, 0.01196, 0.01098],
        "w": [0.574, 0.433, 0.304, 0.162, 0.065, 0.029],
    },
}
BEST = [0.083, 0.102, 0.148, 0.223, 0.236, 0.207]  # under HalfNormal(0.02)

SCHOOLS = [9.81, 7.55, 6.36, 7.37, 5.53, 6.30, 9.55, 7.84]
NEW_SCHOOL_SD = 7.58


def prepared(example, *overrides, root=None):
    path = spec_path(example)
    loaded = load_spec(path.read_bytes(), str(path), overrides)
    return pipeline.prepare(loaded, root or path.parent, Silent())


def lifts(scale):
    """Fit the lifts under a prior on the mean that is flat at their scale."""
    return pipeline.fit(
        prepared(
            "ab_lifts",
            "priors.Intercept=Normal(0, 10)",
            f"priors.1|country=HalfNormal({scale})",
            "fit.draws=5000",
        ),
        Silent(),
    )


def mcse(draws) -> float:
    return float(az.mcse(draws, method="mean"))


@pytest.mark.parametrize("scale", list(LIFTS))
def test_pooling_weights_of_the_lifts_are_those_of_quadrature(scale) -> None:
    result = lifts(scale)
    table = result.tables.group_effects.set_index("level").loc[COUNTRIES]
    tau = draws_of(result)["1|country_sigma"]
    for country, theta, w in zip(COUNTRIES, *LIFTS[scale].values(), strict=True):
        row = table.loc[country]
        weight = tau**2 / (tau**2 + row["raw_se"] ** 2)
        # The references have three decimals of w.
        assert abs(row["pooling"] - w) <= 5e-4 + MCSE_UNITS * mcse(weight)
        error = row["coefficient_sd"] / np.sqrt(row["ess_bulk"])
        assert abs(row["coefficient_mean"] - theta) <= max(ROUNDING, MCSE_UNITS * error)
    raw = pd.read_csv(ROOT / "examples/ab_lifts/lifts.csv").set_index("country").loc[COUNTRIES]
    np.testing.assert_allclose(table["raw_estimate"], raw["lift"], rtol=1e-9)
    np.testing.assert_allclose(table["raw_se"], raw["se"], rtol=1e-9)
    if scale == 0.05:
        assert table.loc[["JP", "AU"], "coefficient_mean"].between(0.0100, 0.0125).all()


def test_chances_of_the_best_country_are_those_of_quadrature() -> None:
    result = lifts(0.02)
    table = result.tables.group_effects.set_index("level").loc[COUNTRIES]
    theta = np.stack([draws_of(result)[f"1|country[{c}]"] for c in COUNTRIES])
    for place, (country, chance) in enumerate(zip(COUNTRIES, BEST, strict=True)):
        best = (theta.argmax(axis=0) == place).astype(float)
        found = table.loc[country, "prob_best"]
        assert found == pytest.approx(best.mean(), abs=1e-12)
        assert abs(found - chance) <= 5e-4 + MCSE_UNITS * mcse(best)


def schools(*overrides, root=None):
    return prepared(
        "eight_schools",
        "priors.Intercept=Normal(0, 20)",
        "priors.1|school=HalfNormal(10)",
        "fit.draws=5000",
        *overrides,
        root=root,
    )


def test_eight_schools_have_the_published_means_and_the_spread_of_a_new_one() -> None:
    result = pipeline.fit(schools(), Silent())
    table = result.tables.group_effects
    error = MCSE_UNITS * table["coefficient_sd"] / np.sqrt(table["ess_bulk"])
    assert (np.abs(table["coefficient_mean"] - SCHOOLS) <= 5e-3 + error).all()
    draws = draws_of(result)
    mu, tau2 = draws["Intercept"], draws["1|school_sigma"] ** 2
    new = np.square(mu - mu.mean()) + tau2
    sd = np.sqrt(new.mean())
    assert abs(sd - NEW_SCHOOL_SD) <= 5e-3 + MCSE_UNITS * mcse(new) / (2 * sd)


def test_leaving_out_a_school_without_a_refit_is_leaving_it_out(tmp_path: Path) -> None:
    study = compare_pooling(schools(), None, Silent())
    accuracy = study.accuracy.set_index("method").loc["partial"]
    assert accuracy["level_high_k"] == 0
    data = pd.read_csv(ROOT / "examples/eight_schools/eight_schools.csv")
    total, error = 0.0, 0.0
    for place, row in data.iterrows():
        data.drop(place).to_csv(tmp_path / "seven.csv", index=False)
        draws = draws_of(pipeline.fit(schools("data.path=seven.csv", root=tmp_path), Silent()))
        scale = np.hypot(row["se"], draws["1|school_sigma"])
        each = stats.norm(draws["Intercept"], scale).logpdf(row["y"])
        total += logsumexp(each) - np.log(each.size)
        density = np.exp(each)
        error += (mcse(density) / density.mean()) ** 2
    # Importance sampling has errors of about the same size.
    assert abs(accuracy["elpd_level"] - total) <= MCSE_UNITS * np.sqrt(2 * error)
    assert accuracy["elpd_loo"] == accuracy["elpd_level"]


TAU, SIGMA, LEVELS, REPETITIONS = 1.0, 2.0, 40, 8


def simulated(folder: Path, seed: int):
    """Fit one simulated panel by all methods; its levels have 2 to 20 rows."""
    rng = np.random.default_rng(seed)
    effects = 3.0 + rng.normal(0, TAU, LEVELS)
    level = np.repeat(np.arange(LEVELS), rng.integers(2, 21, LEVELS))
    table = pd.DataFrame(
        {
            "g": [f"g{i:02d}" for i in level],
            "y": effects[level] + rng.normal(0, SIGMA, len(level)),
            "true": effects[level],
        }
    )
    table.to_csv(folder / "data.csv", index=False)
    document = {
        "data": {"path": "data.csv"},
        "model": {"formula": "y ~ 1 + (1 | g)"},
        "fit": {"seed": 1, "draws": 500},
    }
    ready = pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), folder, Silent())
    factor = ready.design.main.factors[0]
    truth = read_truth(ready, factor, ["true"], folder)
    np.testing.assert_allclose(truth["Intercept"], effects)
    return compare_pooling(ready, None, Silent(), truth)


def test_partial_pooling_beats_none_and_complete_where_the_truth_is_known(tmp_path: Path) -> None:
    found = [simulated(tmp_path, seed) for seed in range(REPETITIONS)]
    scores = pd.concat([study.truth for study in found]).groupby("method")
    square = scores["rmse"].apply(lambda rmse: np.square(rmse).mean())
    assert square["partial"] < 0.85 * square["none"]
    assert square["partial"] < 0.5 * square["complete"]
    coverage = scores["coverage"].mean()
    # 320 levels: 0.9 +- 3.5 standard errors.
    assert coverage["partial"] == pytest.approx(0.9, abs=0.06)
    assert coverage["none"] == pytest.approx(0.9, abs=0.06)
    assert coverage["complete"] < 0.3
    elpd = pd.concat([study.accuracy for study in found]).groupby("method")["elpd_loo"].sum()
    assert elpd["partial"] > elpd["none"] and elpd["partial"] > elpd["complete"]


def test_no_pooling_is_least_squares_and_complete_pooling_has_no_levels(tmp_path: Path) -> None:
    study = simulated(tmp_path, 3)
    effects = study.results["partial"].tables.group_effects
    error = MCSE_UNITS * study.levels["none_sd"] / np.sqrt(2000)
    assert (np.abs(study.levels["none_estimate"] - effects["raw_estimate"]) <= error).all()
    assert study.levels["complete_estimate"].nunique() == 1
    plan = study.results["complete"].prepared.plan
    assert plan.design.main.group == ()
    wide = study.results["none"].tables.variance.set_index("quantity").loc["sd", "mean"]
    assert float(np.atleast_1d(wide)[0]) > 100 * TAU
    assert study.results["partial"].prepared.loaded.spec.priors == {}
