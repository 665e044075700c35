"""Studies of held-out rows: what is fitted, what is said, what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from model_support import panel
from run_support import Silent

from hiermix import pipeline
from hiermix.errors import EngineError, UsageError
from hiermix.spec import load_spec
from hiermix.studies import exact_left_out, refits
from hiermix.studies.exact_left_out import check_refits
from hiermix.studies.folds import deal_levels, deal_rows, factor_to_hold
from hiermix.studies.heldout import Asked, predict_held_out
from hiermix.studies.holdout import check_holdout, hold_out
from hiermix.studies.holdout_tables import NEW_LEVEL, NO_NUMBER, ROW_COLUMNS
from hiermix.studies.training import rows_of, trained_on
from hiermix.studies.unseen_densities import BY_DRAWS

pytestmark = pytest.mark.slow

LOOSE = {"ess_bulk": 10, "ess_tail": 10, "rhat": 1.1, "mcse": 0.5}


@pytest.fixture
def prepare(tmp_path: Path):
    table = panel(n_groups=6, rows=6)
    table["dose"] = np.where(table["g"] == "g5", 1.0, 0.0)
    table.to_csv(tmp_path / "data.csv", index=False)

    def prepared(formula: str, limits=LOOSE, **model) -> pipeline.Prepared:
        document = {
            "data": {"path": "data.csv"},
            "model": {"formula": formula, **model},
            "fit": {"seed": 1, "draws": 100, "tune": 100, "chains": 2, "max_attempts": 1},
            "gates": {"policy": "explore", "limits": limits},
        }
        return pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), tmp_path, Silent())

    return prepared


def by(model, name, folds=None):
    return deal_levels(factor_to_hold(model, name, Path()), folds, 1)


def test_every_row_is_predicted_once_by_each_method_in_the_order_of_the_data(prepare) -> None:
    model = prepare("y ~ x + (1 | g)")
    n_obs = model.design.n_obs
    study = hold_out(model, deal_rows(n_obs, 3, 1), "g", Silent())
    assert tuple(study.rows.columns) == ROW_COLUMNS
    assert study.rows["method"].tolist() == (
        ["none"] * n_obs + ["complete"] * n_obs + ["partial"] * n_obs
    )
    for _, own in study.rows.groupby("method"):
        assert own["row"].tolist() == list(range(1, n_obs + 1))
        assert own["actual"].tolist() == model.design.response.values.tolist()
        assert own["fold"].value_counts().min() >= n_obs // 3
        inside = (own["lower"] <= own["actual"]) & (own["actual"] <= own["upper"])
        assert own["inside"].tolist() == inside.tolist()
    scores = study.scores.set_index("method")
    errors = study.rows.assign(square=np.square(study.rows["mean"] - study.rows["actual"]))
    for method, own in errors.groupby("method"):
        assert scores.loc[method, "rmse"] == pytest.approx(np.sqrt(own["square"].mean()))
        assert scores.loc[method, "coverage"] == pytest.approx(own["inside"].astype(float).mean())
    assert not study.failed and study.by is None


def test_workers_find_what_this_process_finds(prepare) -> None:
    model = prepare("y ~ x + (1 | g)")
    folds = deal_rows(model.design.n_obs, 2, 1)
    here = hold_out(model, folds, "g", Silent())
    there = hold_out(model, folds, "g", Silent(), jobs=2)
    for name in ("scores", "rows"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(there, name), check_exact=True)


def test_a_column_that_is_no_factor_is_held_out_by_its_values(prepare, tmp_path: Path) -> None:
    model = prepare("y ~ x + (1 | g)")
    dose = deal_levels(factor_to_hold(model, "dose", tmp_path), None, 1)
    study = hold_out(model, dose, "g", Silent())
    rows = study.rows[study.rows["method"] == "none"].set_index("row")
    g = panel(n_groups=6, rows=6)["g"].to_numpy()
    # Each of the two doses has levels of its own.
    assert rows["mean"].isna().all() and set(rows["note"]) == {NEW_LEVEL}
    assert study.by == "dose" and len(study.levels) == 6
    one = study.levels[(study.levels["method"] == "partial")].iloc[1]
    assert one["rows"] == (g == "g5").sum()


def test_no_pooling_predicts_the_rows_of_levels_that_are_left(prepare) -> None:
    model = prepare("y ~ x + (1 | g)")
    folds = deal_rows(model.design.n_obs, 2, 1)
    # One level is held out as a whole, beside rows of others.
    g5 = factor_to_hold(model, "g", Path()).index == 5
    folds = replace(folds, fold=np.where(g5, 0, folds.fold))
    study = hold_out(model, folds, "g", Silent())
    rows = study.rows[study.rows["method"] == "none"]
    table = pd.DataFrame({"g": panel(n_groups=6, rows=6)["g"], "fold": folds.fold})
    alone = (table.groupby("g")["fold"].transform("nunique") == 1).to_numpy()
    assert g5.sum() <= alone.sum() < len(alone)
    assert rows["mean"].isna().tolist() == alone.tolist()
    score = study.scores.set_index("method").loc["none"]
    assert np.isnan(score["elpd"]) and np.isnan(score["elpd_mcse"])
    assert score["rows"] == (~alone).sum() and score["rmse"] > 0
    assert score["note"].startswith(f"{alone.sum()} of {len(alone)} rows: {NEW_LEVEL}")


def test_a_column_that_only_the_held_out_level_varies_in_is_no_obstacle(prepare) -> None:
    model = prepare("y ~ dose + (1 | g)")
    study = hold_out(model, by(model, "g"), "g", Silent())
    level = study.levels[study.levels["method"] == "partial"].set_index("level").loc["g5"]
    assert np.isfinite(level["mean"]) and np.isfinite(level["log_score"])


def test_counts_of_trials_are_summed_to_shares(prepare) -> None:
    model = prepare("p(k, n) ~ 1 + (1 | g)", family="binomial")
    study = hold_out(model, by(model, "g", 2), "g", Silent())
    table = panel(n_groups=6, rows=6)
    rows = study.rows[study.rows["method"] == "partial"]
    assert rows["trials"].tolist() == [12.0] * len(table)
    assert rows["actual"].tolist() == table["k"].tolist()
    assert (rows["lower"] >= 0).all() and (rows["upper"] <= 12).all()
    levels = study.levels[study.levels["method"] == "partial"]
    shares = table.groupby("g")[["k", "n"]].sum()
    np.testing.assert_allclose(levels["actual"], shares["k"] / shares["n"])
    assert levels["mean"].between(0, 1).all() and study.scores["elpd"].iloc[-1] < 0


def test_a_modelled_sigma_has_scores_and_other_families_say_why_not(prepare) -> None:
    model = prepare("y ~ 1 + (1 | g)", components={"sigma": "~ x"})
    study = hold_out(model, by(model, "g", 2), "g", Silent())
    rows = study.rows[study.rows["method"] == "partial"]
    assert np.isfinite(rows["log_score"]).all()
    other = prepare("y ~ 1 + (1 | g)", family="t")
    study = hold_out(other, by(other, "g", 2), "g", Silent())
    rows = study.rows[study.rows["method"] == "partial"]
    assert np.isfinite(rows["mean"]).all() and rows["log_score"].isna().all()
    assert set(rows["note"]) == {"no log score: family t"}
    assert study.scores["elpd"].isna().all()


def test_a_failed_gate_counts_and_is_named(prepare) -> None:
    model = prepare("y ~ 1 + (1 | g)", limits={**LOOSE, "ess_bulk": 100_000})
    study = hold_out(model, by(model, "g", 2), "g", Silent())
    assert study.failed
    assert study.scores.set_index("method")["failed"].to_dict() == {
        "none": 0,
        "complete": 2,
        "partial": 2,
    }
    assert any("partial: gates failed 2 of 2 fits" in problem for problem in study.problems)


def test_a_fold_without_a_posterior_is_told_and_the_others_stand(
    prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = prepare("y ~ 1 + (1 | g)")
    real, seen = refits.fit, []

    def failing(prepared, listener):
        seen.append(prepared)
        if len(seen) == 1:
            raise EngineError("engine.test", "it broke")
        return real(prepared, listener)

    monkeypatch.setattr(refits, "fit", failing)
    study = hold_out(model, deal_rows(model.design.n_obs, 3, 1), "g", Silent())
    assert study.failed
    assert "partial: no posterior without fold 1: it broke" in study.problems
    # No pooling takes common effects from partial pooling's fit of the fold.
    assert "none: no posterior without fold 1: it broke" in study.problems
    partial = study.rows[study.rows["method"] == "partial"]
    lost = partial["fold"] == "1"
    assert partial.loc[lost, "mean"].isna().all() and partial.loc[~lost, "mean"].notna().all()
    assert set(partial.loc[lost, "note"]) == {"no posterior: it broke"}
    assert study.scores.set_index("method")["elpd"].isna().to_dict() == {
        "none": True,
        "complete": False,
        "partial": True,
    }


def test_no_posterior_at_all_is_an_error(prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(prepared, listener):
        raise EngineError("engine.test", "it broke")

    monkeypatch.setattr(refits, "fit", failing)
    model = prepare("y ~ 1 + (1 | g)")
    with pytest.raises(EngineError, match="it broke"):
        hold_out(model, by(model, "g"), "g", Silent())


def test_merged_rows_are_refused(prepare) -> None:
    model = prepare("y ~ 1 + (1 | g)")
    merged = replace(model, frame=replace(model.frame, multiplicity=np.full(model.design.n_obs, 2)))
    for check in (check_holdout, check_refits):
        with pytest.raises(UsageError, match="merged"):
            check(merged)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("grade ~ 1 + (1 | g)", {"family": "cumulative"}),
        ("censored(y, status) ~ 1 + (1 | g)", {}),
    ],
)
def test_responses_that_are_no_plain_numbers_are_refused(prepare, formula, options) -> None:
    with pytest.raises(UsageError) as caught:
        check_holdout(prepare(formula, **options))
    assert caught.value.id == "usage.holdout-response"


def test_levels_that_a_link_makes_no_distribution_of_are_not_called_unpooled(prepare) -> None:
    model = prepare("exp(y / 4) ~ 1 + (1 | g)", family="gamma", link="inverse")
    study = hold_out(model, by(model, "g", 2), "g", Silent())
    for table in (study.rows, study.levels):
        own = table[table["method"] == "partial"]
        empty = own["mean"].isna()
        assert empty.any() and set(own.loc[empty, "note"]) == {NO_NUMBER}
        assert set(table.loc[table["method"] == "none", "note"]) == {NEW_LEVEL}


def test_a_fold_without_one_of_two_arms_is_fitted(prepare, tmp_path: Path) -> None:
    table = pd.DataFrame({"g": list("abcdef") * 4, "arm": [0] * 12 + [1] * 12, "n": 50})
    table["hits"] = 10 + np.arange(24) % 7
    table.to_csv(tmp_path / "data.csv", index=False)
    model = prepare("p(hits, n) ~ arm + (1 | g)", family="binomial")
    document = model.loaded.spec.model_dump(mode="json", exclude_unset=True)
    document["arms"] = {"column": "arm", "control": 0, "treatment": 1}
    loaded = load_spec(json.dumps(document), "s.yaml")
    model = pipeline.prepare(loaded, tmp_path, Silent())
    study = hold_out(model, by(model, "arm"), "g", Silent())
    assert study.scores["rows"].tolist() == [24, 24, 24]


def test_new_levels_of_a_modelled_sigma_are_drawn_apart_and_said_to_be(
    prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variance of their sum is that of independent effects."""
    from hiermix.studies import heldout

    model = prepare("y ~ x + (1 | g)", components={"sigma": "~ 1 + (1 | g) + (1 | f)"})
    held = np.arange(12)
    kept = np.arange(12, model.design.n_obs)
    asked_of = rows_of(model.design, held)
    assert {f.name for f in asked_of.components["sigma"].factors} == {"g", "f"}
    seen = {}
    densities = heldout.log_densities

    def spied(outcome, piece, rng):
        seen["sigma"] = outcome.sigma
        return densities(outcome, piece, rng)

    monkeypatch.setattr(heldout, "log_densities", spied)
    relabelled = renamed(asked_of, "f")
    result = pipeline.fit(trained_on(model, kept), Silent())
    found = predict_held_out(result, Asked(relabelled, None, (1, 1)))
    assert found.scores.reason == BY_DRAWS
    draws = result.fit.tree["posterior"]
    centre, *sds = (
        draws[name].to_numpy().reshape(-1)
        for name in ("sigma_Intercept", "sigma_1|g_sigma", "sigma_1|f_sigma")
    )
    new = [i for i, level in enumerate(asked_of_levels(relabelled, "g")) if level == "g0"]
    z = (np.log(seen["sigma"][:, new[0]]) - centre) / np.hypot(*sds)
    # Of 200 normal draws the sd has a standard error of 0.05; one z for both would make it 1.4.
    assert z.std() == pytest.approx(1.0, abs=0.2)


def renamed(design, name: str):
    """Return a design whose levels of a factor in sigma are all new."""

    def other(term):
        factor = term.factor
        if factor.name != name:
            return term
        levels = tuple(f"new {level}" for level in factor.levels)
        return replace(term, factor=replace(factor, levels=levels))

    sigma = design.components["sigma"]
    sigma = replace(sigma, group=tuple(map(other, sigma.group)))
    return replace(design, components={"sigma": sigma})


def asked_of_levels(design, name: str) -> list[str]:
    """Return the level of each row."""
    factor = next(f for f in design.main.factors if f.name == name)
    return [factor.levels[i] for i in factor.index]


def test_a_refit_leaves_out_no_row_that_is_all_of_its_level_without_pooling(
    prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = pd.DataFrame({"y": np.sin(np.arange(7)), "g": list("abbcccc")})
    alone.to_csv(tmp_path / "data.csv", index=False)
    model = prepare("y ~ 1 + (1 | g)")
    (factor,) = model.design.main.factors
    asked: list[list[str]] = []

    def listed(makers, listener, *, jobs):
        asked.append(list(makers))
        return {name: EngineError("engine.none", "none") for name in makers}

    monkeypatch.setattr(exact_left_out, "fit_pieces", listed)
    left_out = exact_left_out.Refits(factor, Silent(), 1)
    for method in ("none", "partial"):
        leave = left_out.of_rows(method, SimpleNamespace(prepared=model))
        assert np.isnan(leave(np.array([0, 4]))).tolist() == [True, True]
    assert asked == [["4"], ["0", "4"]]
