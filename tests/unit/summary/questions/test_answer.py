"""Answers against numpy on the same draws."""

import arviz_stats.base as azb
import numpy as np
import pandas as pd
import pytest
from model_support import panel
from question_support import Asked

from hiermix.spec.questions import stated_question
from hiermix.summary.questions.answer import MEAN_OF_LEVELS, Levels, answer
from hiermix.summary.questions.table import FAILED, QUESTION_COLUMNS, QUESTION_TEXTS
from hiermix.summary.questions.targets import Part, Target, target_draws

CHAINS = 4


@pytest.fixture(scope="module")
def asked():
    return Asked(panel(), "y ~ x + f + (x | g)")


def coefficients(asked):
    return asked.draws["Intercept"][:, None] + asked.draws["1|g"]


def mcse(values):
    return azb.array_stats.mcse(values.reshape(CHAINS, -1).astype(float))


def test_levels_themselves_have_means_intervals_and_probabilities(asked):
    table = asked.answers({"of": "1|g", "threshold": 0.1})
    theta = coefficients(asked)
    assert tuple(table.columns) == QUESTION_COLUMNS
    assert table["level"].tolist() == [f"g{i}" for i in range(7)]
    np.testing.assert_allclose(table["mean"], theta.mean(axis=0))
    np.testing.assert_allclose(table["sd"], theta.std(axis=0, ddof=1))
    np.testing.assert_allclose(table["median"], np.median(theta, axis=0))
    np.testing.assert_allclose(table["lower"], np.quantile(theta, 0.05, axis=0))
    np.testing.assert_allclose(table["upper"], np.quantile(theta, 0.95, axis=0))
    np.testing.assert_allclose(table["prob_above"], (theta > 0.1).mean(axis=0))
    np.testing.assert_allclose(table["prob_below"], (theta < 0.1).mean(axis=0))
    for column, values in (
        ("mcse_mean", theta), ("mcse_above", theta > 0.1), ("mcse_below", theta < 0.1),
    ):  # fmt: skip
        np.testing.assert_allclose(table[column], [mcse(v) for v in values.T], rtol=1e-8)
    assert set(table["direction"]) <= {"above", "below", "undecided"}
    assert table["prob_best"].isna().all() and set(table["rope"]) == {""}


def test_pairs_are_each_level_less_each_later_one(asked):
    table = asked.answers(
        {"of": "x|g", "contrast": "pairwise", "levels": ["g4", "g0", "g2"], "threshold": -0.1}
    )
    theta = asked.draws["x"][:, None] + asked.draws["x|g"]
    pairs = [(4, 0), (4, 2), (0, 2)]
    assert list(zip(table["level"], table["against"], strict=True)) == [
        (f"g{i}", f"g{j}") for i, j in pairs
    ]
    for row, (i, j) in zip(table.to_dict("records"), pairs, strict=True):
        difference = theta[:, i] - theta[:, j]
        assert row["mean"] == pytest.approx(difference.mean())
        assert row["prob_above"] == pytest.approx((difference > -0.1).mean())
        assert row["mcse_mean"] == pytest.approx(mcse(difference), rel=1e-8)


def test_against_the_mean_is_against_that_of_the_asked_levels(asked):
    levels = ["g1", "g2", "g5"]
    table = asked.answers({"of": "1|g", "contrast": "mean", "levels": levels})
    theta = coefficients(asked)[:, [1, 2, 5]]
    centred = theta - theta.mean(axis=1, keepdims=True)
    assert set(table["against"]) == {MEAN_OF_LEVELS}
    np.testing.assert_allclose(table["mean"], centred.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(table["sd"], centred.std(axis=0, ddof=1))


def test_a_reference_is_no_row_of_its_own(asked):
    table = asked.answers({"of": "1|g", "contrast": "reference", "reference": "g3"})
    theta = coefficients(asked)
    others = [0, 1, 2, 4, 5, 6]
    assert table["level"].tolist() == [f"g{i}" for i in others]
    assert set(table["against"]) == {"g3"}
    np.testing.assert_allclose(table["mean"], (theta[:, others] - theta[:, [3]]).mean(axis=0))


def test_deviations_leave_out_the_common_effect(asked):
    table = asked.answers({"of": "x|g", "scale": "deviation"})
    np.testing.assert_allclose(table["mean"], asked.draws["x|g"].mean(axis=0))


def test_a_factors_reference_level_is_zero_and_is_named(asked):
    table = asked.answers({"of": "f", "contrast": "pairwise"})
    f = np.column_stack([np.zeros(200), asked.draws["f"]])
    assert list(zip(table["level"], table["against"], strict=True)) == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip
    np.testing.assert_allclose(
        table["mean"], [(f[:, i] - f[:, j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    )


def test_a_parameter_is_one_row(asked):
    table = asked.answers({"of": "x|g_sigma", "threshold": 0.3}, {"of": "f[c]"})
    assert table["level"].tolist() == ["", ""]
    sigma = asked.draws["x|g_sigma"]
    assert table["prob_above"][0] == (sigma > 0.3).mean()
    assert table["mean"][1] == pytest.approx(asked.draws["f"][:, 1].mean())


def test_best_and_top_equal_brute_force(asked):
    for best, sign in (("max", 1), ("min", -1)):
        table = asked.answers({"of": "1|g", "best": best, "top": 3})
        theta = sign * coefficients(asked)
        leader = theta.max(axis=1, keepdims=True)
        loss = leader - theta
        rank = (-theta).argsort(axis=1).argsort(axis=1)
        np.testing.assert_allclose(table["prob_best"], (theta == leader).mean(axis=0))
        np.testing.assert_allclose(table["expected_loss"], loss.mean(axis=0))
        np.testing.assert_allclose(table["prob_top"], (rank < 3).mean(axis=0))
        assert table["prob_best"].sum() == pytest.approx(1)
        assert table["prob_top"].sum() == pytest.approx(3)
        (chosen,) = table.index[table["choice"] == "best"]
        assert chosen == theta.mean(axis=0).argmax()
        for column, values in (
            ("mcse_best", theta == leader), ("mcse_loss", loss), ("mcse_top", rank < 3),
        ):  # fmt: skip
            np.testing.assert_allclose(table[column], [mcse(v) for v in values.T], rtol=1e-8)


def test_rope_shares_count_its_limits(asked):
    table = asked.answers({"of": "x", "rope": [-0.2, 0.3]})
    x = asked.draws["x"]
    inside = (x >= -0.2) & (x <= 0.3)
    assert table["prob_rope"].item() == inside.mean()
    assert table["mcse_rope"].item() == pytest.approx(mcse(inside), rel=1e-8)


def test_levels_in_pieces_are_the_same_levels(asked, monkeypatch):
    questions = [
        {"of": "1|g", "contrast": "mean", "best": "max", "top": 2, "rope": [-0.1, 0.1]},
        {"of": "1|g", "contrast": "pairwise"},
    ]
    whole = asked.answers(*questions)
    monkeypatch.setattr("hiermix.summary.draws.CHUNK_BYTES", 2 * 200 * 8)
    pd.testing.assert_frame_equal(asked.answers(*questions), whole)


def test_a_draw_that_is_not_finite_leaves_no_number_and_no_word():
    theta = np.random.default_rng(1).normal(size=(3, CHAINS, 50))
    theta[1, 0, 0] = np.nan
    (question,) = stated_question({"of": "1|g", "rope": [-1, 1], "best": "max", "top": 1})
    table = answer("q", question, Levels(("a", "b", "c"), theta.__getitem__, 200), 0.9, "eti")
    broken = table.loc[1]
    words = [name for name in QUESTION_TEXTS if name not in ("question", "of", "scale", "level")]
    assert [broken[name] for name in words] == [""] * len(words)
    stated = ("threshold", "decide", "rope_lower", "rope_upper", "top")
    numbers = [n for n in QUESTION_COLUMNS if n not in (*QUESTION_TEXTS, *stated)]
    assert broken[numbers].isna().all()
    # Nobody knows who is best among levels of which one is unknown.
    assert table[["prob_best", "expected_loss", "prob_top"]].isna().all(axis=None)
    assert set(table["choice"]) == {""}
    assert table.loc[[0, 2], "mean"].notna().all()


def test_every_answer_of_a_failed_run_says_so(asked):
    table = asked.answers({"of": "1|g"}, {"of": "x"}, failed=True)
    assert all(note.startswith(FAILED) for note in table["note"])
    assert not any(FAILED in note for note in asked.answers({"of": "x"})["note"])


def test_a_variable_that_the_posterior_lacks_is_nan(asked):
    posterior = asked.fit.tree["posterior"].dataset
    lost = Target("z", "parameter", ("",), Part("z", {}))
    assert np.isnan(target_draws(lost, posterior, np.zeros(1, dtype=int))).all()
    fixed = Target("z", "parameter", ("",), Part("z", {}, 0.5))
    assert (target_draws(fixed, posterior, np.zeros(1, dtype=int)) == 0.5).all()


@pytest.mark.parametrize(
    "question",
    [
        {"of": "1|g", "best": "max", "top": 2, "rope": [-1, 1]},
        {"of": "1|g", "contrast": "pairwise"},
        {"of": "1|g", "contrast": "mean"},
        {"of": "1|g", "contrast": "reference", "reference": "b"},
    ],
)
def test_infinite_draws_have_no_answers_and_no_warnings(question):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, CHAINS, 100))
    values[:2, 0, 0] = np.inf
    levels = Levels(
        ("a", "b", "c"), lambda at: values[at], CHAINS * 100,
        ("b", values[1:2]) if "reference" in question else None,
    )  # fmt: skip
    table = answer("q", stated_question(question)[0], levels, 0.9, "eti")
    touched = (table["level"] != "c") | (table["against"] != "")
    assert table.loc[touched, ["prob_above", "sd"]].isna().all().all()
    assert (table.loc[touched, "direction"] == "").all()
