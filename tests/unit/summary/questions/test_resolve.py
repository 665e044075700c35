"""Questions about what the model does not have: refused before anything is sampled."""

import pytest
from model_support import panel
from question_support import Asked

from hiermix.errors import InputErrors
from hiermix.summary.questions import response_checks
from hiermix.summary.questions.resolve import MAX_PAIRWISE


@pytest.fixture(scope="module")
def asked():
    return Asked(panel(), "y ~ x * z + f + poly(z, 2) + (f | g) + offset(w)", n_draws=20)


def only(asked, question):
    with pytest.raises(InputErrors) as caught:
        asked.check(question)
    (error,) = caught.value.errors
    return error


R = {"scale": "response"}

BAD = [
    ({"of": "1|h"}, "question.unknown-target", "did you mean '1|g'?", "of"),
    ({"of": "zzz"}, "question.unknown-target", "it has 1|g", "of"),
    ({"of": "f|g"}, "question.unknown-target", "f[b]|g, f[c]|g", "of"),
    ({"of": "poly(z, 2)"}, "question.unknown-target", "poly(z, 2)[0]", "of"),
    ({"of": "1|g", "levels": ["g1", "G2"]}, "question.unknown-level", "mean 'g2'", "levels.1"),
    ({"of": "f", "contrast": "reference", "reference": "d"}, "question.unknown-level",
     "levels: a, b, c", "reference"),
    ({"of": "f", "levels": ["b"], "contrast": "reference", "reference": "b"},
     "question.few-levels", "no level is left", "levels"),
    ({"of": "x", "contrast": "pairwise"}, "question.no-levels", "is one number", "contrast"),
    ({"of": "sigma", "best": "max"}, "question.no-levels", "is one number", "best"),
    ({"of": "f", "scale": "deviation"}, "question.deviation", "deviations", "scale"),
    ({"of": "1|g", "best": "max", "top": 7}, "question.top", "fewer than the 7 levels", "top"),
    ({"of": "g", **R}, "question.grouping-factor", "'1|g'", "of"),
    ({"of": "X", **R}, "question.unknown-predictor", "did you mean 'x'?", "of"),
    ({"of": "x", "contrast": "pairwise", **R}, "question.no-levels", "is a number", "contrast"),
    ({"of": "f", "values": [0, 1], **R}, "question.values", "'f' is a factor", "values"),
    ({"of": "x", "by": "z", **R}, "question.by", "factors: f, g", "by"),
    ({"of": "f", "by": "f", **R}, "question.by", "same value in every row", "by"),
    ({"of": "x", "at": {"f": "q"}, **R}, "question.unknown-level", "not a level", "at.f"),
    ({"of": "x", "at": {"z": "1"}, **R}, "question.at", "a number expected", "at.z"),
    ({"of": "x", "at": {"f": 1}, **R}, "question.at", "a level expected", "at.f"),
    ({"of": "x", "at": {"x": 1}, "values": [0, 1], **R}, "question.at", "'x' itself", "at.x"),
    ({"of": "f", "at": {"f": "a"}, **R}, "question.at", "'f' itself", "at.f"),
    ({"of": "x", "at": {"g": "g1"}, **R}, "question.grouping-factor", "grouping", "at.g"),
    ({"of": "f", "levels": ["a", "q"], **R}, "question.unknown-level", "'q'", "levels.1"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "id", "words", "key"), BAD, ids=lambda v: str(v)[:40])
def test_what_the_model_does_not_have(asked, question, id, words, key):
    error = only(asked, question)
    assert (error.id, error.where.key) == (id, f"questions.0.{key}")
    assert words in f"{error.message} | {error.hint}"
    assert error.hint


def test_all_problems_come_at_once(asked):
    with pytest.raises(InputErrors) as caught:
        asked.check({"of": "zzz"}, {"of": "f", "levels": ["q", "r"]}, {"of": "x"})
    assert [e.where.key for e in caught.value.errors] == [
        "questions.0.of", "questions.1.levels.0", "questions.1.levels.1",
    ]  # fmt: skip


def test_of_many_unknown_levels_the_first_are_reported(asked):
    with pytest.raises(InputErrors) as caught:
        asked.check({"of": "1|g", "levels": [f"no{i}" for i in range(5000)]})
    *first, last = caught.value.errors
    assert [e.where.key for e in first] == [f"questions.0.levels.{i}" for i in range(8)]
    assert "4,992 more are not levels of '1|g'" in last.message


def test_pairs_of_many_levels_are_refused():
    many = Asked(panel(n_groups=MAX_PAIRWISE + 1, rows=5), "y ~ x + (1 | g)", n_draws=8)
    error = only(many, {"of": "1|g", "contrast": "pairwise"})
    assert error.id == "question.too-many-pairs"
    assert "101 levels have 5,050 pairs" in error.message
    assert "contrast: mean" in error.hint
    levels = [f"g{i}" for i in range(MAX_PAIRWISE)]
    assert len(many.check({"of": "1|g", "contrast": "pairwise", "levels": levels})) == 1


def test_rows_are_not_averaged_by_very_many_levels(asked, monkeypatch):
    monkeypatch.setattr(response_checks, "MAX_BY", 6)
    error = only(asked, {"of": "x", "by": "g", **R})
    assert (error.id, error.where.key) == ("question.by", "questions.0.by")
    assert "'g' has 7 levels; 6 at most" in error.message


@pytest.mark.parametrize(
    ("formula", "options", "question", "id"),
    [
        ("grade ~ x", {"family": "cumulative"}, {"of": "x"}, "question.response-family"),
        ("count ~ x", {"family": "zero_inflated_poisson"}, {"of": "x"}, "question.response-family"),
        ("truncated(y, -99) ~ x", {}, {"of": "x"}, "question.response-family"),
        ("y ~ log(exposure)", {}, {"of": "exposure", "values": [-1, 2]},
         "question.cannot-evaluate"),
        ("y ~ C(w) + x", {}, {"of": "w"}, "question.cannot-evaluate"),
        ("y ~ x + z + (1 | g)", {"cre": [{"group": "g", "terms": ["x"], "form": "within-between"}]},
         {"of": "x"}, "question.within-between"),
    ],
)  # fmt: skip
def test_expected_responses_that_would_be_wrong_are_refused(formula, options, question, id):
    asked = Asked(panel(), formula, n_draws=8, **options)
    error = only(asked, {**question, "scale": "response"})
    assert error.id == id
    assert error.hint
