"""Held-out rows and levels against closed forms, importance sampling and simulated truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_support import Silent, spec_path
from scipy import stats

from hiermix import pipeline
from hiermix.engines import ENGINES
from hiermix.spec import load_spec
from hiermix.studies.folds import deal_levels, deal_rows, factor_to_hold
from hiermix.studies.heldout import FEW_DRAWS, Asked, predict_held_out
from hiermix.studies.holdout import hold_out
from hiermix.studies.pooling import compare_pooling
from hiermix.studies.training import rows_of, trained_on

pytestmark = pytest.mark.statistical

MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison

SURE = 1e6
"""Shape of gamma priors that hold group sds where they are, to a thousandth."""

LOOSE = {
    "policy": "explore",
    "limits": {"ess_bulk": 10, "ess_tail": 10, "rhat": 1.1, "mcse": 0.5},
}


def known(sd: float) -> str:
    return f"Gamma({SURE!r}, {SURE / sd!r})"


def prepared(folder: Path, table: pd.DataFrame, formula: str, priors=None, fit=None, **model):
    table.to_csv(folder / "data.csv", index=False)
    document = {
        "data": {"path": "data.csv", "types": {"g": "category"}},
        "model": {"formula": formula, **model},
        "priors": priors or {},
        "fit": {"seed": 1, "draws": 1000, "tune": 500, "chains": 4, **(fit or {})},
        "gates": LOOSE,
    }
    return pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), folder, Silent())


INTERCEPT, SLOPE, TAU, TAU_X, OMEGA, SIGMA = 3.0, 1.5, 1.2, 0.7, 0.6, 0.9


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory):
    """Return a model with known sds, its data, and the joint normal of all rows."""
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(8), [2, 5, 3, 4, 6, 3, 5, 4])
    h = rng.integers(0, 5, len(g))
    x = rng.normal(1.0, 1.0, len(g))
    mean = (
        1
        + 0.5 * x
        + (rng.normal(0, TAU, 8) + x[:, None] * rng.normal(0, TAU_X, 8))[np.arange(len(g)), g]
    )
    y = mean + rng.normal(0, OMEGA, 5)[h] + rng.normal(0, SIGMA, len(g))
    table = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g], "h": [f"h{i}" for i in h]})
    model = prepared(
        tmp_path_factory.mktemp("closed"),
        table,
        "y ~ x + (x || g) + (1 | h)",
        {
            "Intercept": f"Normal(0.5, {INTERCEPT})",
            "x": f"Normal(0, {SLOPE})",
            "1|g": known(TAU),
            "x|g": known(TAU_X),
            "1|h": known(OMEGA),
            "sigma": SIGMA,
        },
    )
    centred = x - x.mean()
    covariance = (
        INTERCEPT**2
        + SLOPE**2 * np.outer(centred, centred)
        + (g[:, None] == g) * (TAU**2 + TAU_X**2 * np.outer(x, x))
        + (h[:, None] == h) * OMEGA**2
        + np.eye(len(g)) * SIGMA**2
    )
    return model, table, np.full(len(g), 0.5), covariance


def conditional(mean, covariance, y, held):
    """Return mean and covariance of held-out rows given the others."""
    kept = ~held
    gain = np.linalg.solve(covariance[np.ix_(kept, kept)], covariance[np.ix_(kept, held)]).T
    return (
        mean[held] + gain @ (y[kept] - mean[kept]),
        covariance[np.ix_(held, held)] - gain @ covariance[np.ix_(kept, held)],
    )


@pytest.mark.parametrize("folds", [None, 3])
def test_levels_are_predicted_as_by_the_conditional_normal(closed, folds: int | None) -> None:
    model, table, mean, covariance = closed
    division = deal_levels(factor_to_hold(model, "g", Path()), folds, 1)
    study = hold_out(model, division, "g", Silent())
    y = table["y"].to_numpy()
    n_draws = 4000
    rows = study.rows[study.rows["method"] == "partial"].reset_index(drop=True)
    levels = study.levels[study.levels["method"] == "partial"].set_index("level")
    scores = study.scores.set_index("method")
    total = 0.0
    for number in range(len(division.names)):
        held = division.fold == number
        centre, spread = conditional(mean, covariance, y, held)
        total += stats.multivariate_normal(centre, spread).logpdf(y[held])
        sd = np.sqrt(np.diag(spread))
        at = rows.index[held]
        error = MCSE_UNITS * sd / np.sqrt(n_draws)
        assert (np.abs(rows.loc[at, "mean"] - centre) < error).all()
        # Of normal draws the sd has the relative error 1 / sqrt(2 n).
        assert (np.abs(rows.loc[at, "sd"] / sd - 1) < MCSE_UNITS / np.sqrt(2 * n_draws)).all()
        # A quantile's error is sqrt(p (1 - p) / n) / density: 2.11 sds / sqrt(n) at 0.95.
        for end, sign in (("lower", -1), ("upper", 1)):
            off = rows.loc[at, end] - (centre + sign * 1.645 * sd)
            assert (np.abs(off) < MCSE_UNITS * 2.2 * sd / np.sqrt(n_draws)).all()
        exact = stats.norm(centre, sd).logpdf(y[held])
        assert (np.abs(rows.loc[at, "log_score"] - exact) < 0.05).all()
        names = table["g"].to_numpy()[held]
        for level in np.unique(names):
            of = names == level
            own = spread[np.ix_(of, of)]
            joint = stats.multivariate_normal(centre[of], own).logpdf(y[held][of])
            assert levels.loc[level, "log_score"] == pytest.approx(joint, abs=0.15)
            average = float(np.sqrt(own.mean()))
            assert abs(levels.loc[level, "mean"] - centre[of].mean()) < (
                MCSE_UNITS * average / np.sqrt(n_draws)
            )
            width = levels.loc[level, "upper"] - levels.loc[level, "lower"]
            assert width == pytest.approx(2 * 1.645 * average, rel=0.1)
            assert levels.loc[level, "actual"] == pytest.approx(y[held][of].mean())
    elpd, error = scores.loc["partial", ["elpd", "elpd_mcse"]].astype(float)
    # Log of a mean is biased down by half its relative variance.
    assert abs(elpd - total) < MCSE_UNITS * error + error**2 and error < 0.3
    assert np.isnan(scores.loc["none", "elpd"]) and scores.loc["none", "rows"] == 0


def test_rows_in_folds_are_predicted_as_by_the_conditional_normal(closed) -> None:
    model, table, mean, covariance = closed
    division = deal_rows(len(table), 8, 2)
    study = hold_out(model, division, "g", Silent())
    y, total = table["y"].to_numpy(), 0.0
    rows = study.rows[study.rows["method"] == "partial"].reset_index(drop=True)
    for number in range(8):
        held = division.fold == number
        centre, spread = conditional(mean, covariance, y, held)
        total += stats.multivariate_normal(centre, spread).logpdf(y[held])
        error = MCSE_UNITS * np.sqrt(np.diag(spread) / 4000)
        assert (np.abs(rows.loc[held, "mean"] - centre) < error).all()
    score = study.scores.set_index("method").loc["partial"]
    error = float(score["elpd_mcse"])
    assert abs(score["elpd"] - total) < MCSE_UNITS * error + error**2 and error < 0.5
    inside = (rows["lower"] <= rows["actual"]) & (rows["actual"] <= rows["upper"])
    assert score["coverage"] == pytest.approx(inside.mean())


def test_nuts_predicts_new_levels_as_the_exact_engine_does(closed) -> None:
    model, table, mean, covariance = closed
    held = (table["g"] == "g4").to_numpy()
    trained = trained_on(model, np.flatnonzero(~held))
    asked = Asked(rows_of(model.design, np.flatnonzero(held)), None, (1, 1))
    # Known sds held by a narrow prior are nothing to sample on their own scale.
    trained = replace(trained, engine="nuts", successors=())
    found = predict_held_out(pipeline.fit(trained, Silent()), asked)
    y = table["y"].to_numpy()
    centre, spread = conditional(mean, covariance, y, held)
    sd = np.sqrt(np.diag(spread))
    assert (np.abs(found.rows.mean - centre) < MCSE_UNITS * sd / np.sqrt(1000)).all()
    assert (np.abs(found.rows.sd / sd - 1) < MCSE_UNITS / np.sqrt(2 * 1000)).all()
    exact = stats.multivariate_normal(centre, spread).logpdf(y[held])
    assert abs(found.scores.joint - exact) < MCSE_UNITS * found.scores.mcse + 0.02


def test_rows_one_at_a_time_are_what_importance_sampling_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    g = np.repeat(np.arange(6), 4)
    y = rng.normal(0, 1, 6)[g] + rng.normal(0, 1, 24)
    model = prepared(tmp_path, pd.DataFrame({"y": y, "g": [f"g{i}" for i in g]}), "y ~ 1 + (1 | g)")
    study = hold_out(model, deal_rows(24, 24, 1), "g", Silent())
    refitted = study.scores.set_index("method")
    sampled = compare_pooling(model, "g", Silent()).accuracy.set_index("method")
    for method in ("complete", "partial"):
        assert sampled.loc[method, "loo_high_k"] == 0
        # Each of the 24 terms of PSIS-LOO has a Monte Carlo error of about 0.02.
        assert refitted.loc[method, "elpd"] == pytest.approx(
            sampled.loc[method, "elpd_loo"], abs=0.3
        )


def test_what_importance_sampling_fails_at_is_left_out_by_refits() -> None:
    path = spec_path("sleepstudy")
    model = pipeline.prepare(
        load_spec(path.read_bytes(), str(path), ["fit.draws=500"]), path.parent, Silent()
    )
    study = compare_pooling(model, "Subject", Silent(), refit=True)
    accuracy = study.accuracy.set_index("method")
    division = deal_levels(factor_to_hold(model, "Subject", path.parent), None, 1)
    held = hold_out(model, division, "Subject", Silent()).scores.set_index("method")
    for method in ("complete", "partial"):
        assert accuracy.loc[method, "level_high_k"] == 0
        assert "left out by a refit" in accuracy.loc[method, "note"]
        assert accuracy.loc[method, "elpd_level"] == pytest.approx(
            held.loc[method, "elpd"], abs=1.0
        )


def test_partial_pooling_predicts_best_where_levels_are_alike_but_not_equal(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(9)
    g = np.repeat(np.arange(30), 4)
    y = 2 + rng.normal(0, 0.6, 30)[g] + rng.normal(0, 1, 120)
    model = prepared(
        tmp_path, pd.DataFrame({"y": y, "g": [f"g{i:02d}" for i in g]}), "y ~ 1 + (1 | g)"
    )
    scores = hold_out(model, deal_rows(120, 10, 1), "g", Silent()).scores.set_index("method")
    assert (scores["rows"] == 120).all()
    for other in ("none", "complete"):
        less, error = scores.loc[other, ["elpd_diff", "elpd_diff_se"]].astype(float)
        assert less < 0 and less < -error
        assert scores.loc["partial", "rmse"] < scores.loc[other, "rmse"]


EXPERIMENTS, REPETITIONS, FOLDS = 12, 200, 4
MU, BETWEEN = 0.5, 1.0


def test_intervals_of_held_out_experiments_cover_what_they_promise(tmp_path: Path) -> None:
    """90 % intervals cover 86-94 % of 2,400 experiments that were held out.

    Three of the twelve are held out at a time: 0.900 of them are covered. Each alone takes three
    times as long and gave 0.892 on the same data.
    """
    rng = np.random.default_rng(12)
    se = np.linspace(0.4, 1.6, EXPERIMENTS)
    table = pd.DataFrame(
        {"y": rng.normal(size=EXPERIMENTS), "se": se, "g": [f"e{i:02d}" for i in range(12)]}
    )
    model = prepared(
        tmp_path,
        table,
        "y ~ 1 + (1 | g)",
        {"Intercept": "Normal(0, 5)", "1|g": "HalfNormal(2)"},
        {"engine": "exact", "draws": 300, "tune": 100, "chains": 2},
        known_se="se",
    )
    inside = []
    for repetition in range(REPETITIONS):
        theta = rng.normal(MU, BETWEEN, EXPERIMENTS)
        y = rng.normal(theta, se)
        inside += covered(with_response(model, y), repetition)
    coverage = np.mean(inside)
    assert len(inside) == EXPERIMENTS * REPETITIONS
    assert 0.86 < coverage < 0.94


def with_response(model, y):
    design = replace(model.design, response=replace(model.design.response, values=y))
    return replace(model, design=design, plan=replace(model.plan, design=design, centring=()))


def covered(model, seed: int, folds: int | None = FOLDS) -> list[bool]:
    """Return whether intervals hold experiments that were held out; nothing else is worked out."""
    division = deal_levels(model.design.main.factors[0], folds, seed)
    found: list[bool] = []
    for number in range(len(division.names)):
        held = division.held(number)
        trained = trained_on(model, division.kept(number))
        fit = (
            ENGINES["exact"]
            .open(trained.plan, Silent())
            .sample(pipeline.fit_request(trained.loaded.spec))
        )
        result = pipeline.RunResult(trained, fit, (), trained.verdict, None, ())
        asked = Asked(rows_of(model.design, held), None, (seed, number))
        rows = predict_held_out(result, asked).rows
        y = model.design.response.values[held]
        found += ((rows.lower <= y) & (y <= rows.upper)).tolist()
    return found


@pytest.fixture(scope="module")
def far_apart(tmp_path_factory: pytest.TempPathFactory):
    """Return a model that one of six levels does not fit, with the joint normal of all rows."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(6), 8)
    y = np.array([0.0, 0.2, -0.2, 0.1, -0.1, 4.0])[g] + rng.normal(0, 0.8, len(g))
    table = pd.DataFrame({"y": y, "g": [f"g{i}" for i in g]})
    model = prepared(
        tmp_path_factory.mktemp("far"),
        table,
        "y ~ 1 + (1 | g)",
        {"Intercept": "Normal(0, 2)", "1|g": known(1.0), "sigma": 0.8},
    )
    return model, table, 4.0 + 0.64 * np.eye(len(g))


def test_a_log_score_that_a_few_draws_decide_is_told(far_apart) -> None:
    model, table, covariance = far_apart
    study = hold_out(model, deal_levels(factor_to_hold(model, "g", Path()), None, 1), "g", Silent())
    levels = study.levels[study.levels["method"] == "complete"].set_index("level")
    y, off = table["y"].to_numpy(), {}
    for level, row in levels.iterrows():
        held = (table["g"] == level).to_numpy()
        centre, spread = conditional(np.zeros(len(y)), covariance, y, held)
        exact = stats.multivariate_normal(centre, spread).logpdf(y[held])
        off[level] = row["log_score"] - exact
    # Without effects of its own no draw is where the sixth level is.
    assert off.pop("g5") < -1 and FEW_DRAWS in levels.loc["g5", "note"]
    assert all(abs(value) < 0.2 for value in off.values())
    assert (levels.drop("g5")["note"] == "").all()
    notes = study.scores.set_index("method")["note"]
    assert notes["complete"] == f"1 of 6 folds: {FEW_DRAWS}" and notes["partial"] == ""


def test_a_refit_that_a_few_draws_decide_replaces_nothing(far_apart) -> None:
    accuracy = compare_pooling(far_apart[0], "g", Silent(), refit=True).accuracy
    complete = accuracy.set_index("method").loc["complete"]
    assert complete["level_high_k"] == 1 and np.isnan(complete["elpd_level"])
