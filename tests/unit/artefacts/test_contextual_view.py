"""Contextual effects as a report shows them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.contextual_view import contextual_sentences, contextual_view
from hiermix.artefacts.texts import DASH
from hiermix.summary.tables import CRE_COLUMNS, CRE_TEXTS
from tests.unit.artefacts import fabric

ROWS = [
    ("g", "x", "within", {"mean": 0.84456, "sd": 0.102, "mcse_mean": 0.002}),
    ("g", "x", "between", {"mean": 1.3, "sd": 0.11, "mcse_mean": 0.003}),
    (
        "g",
        "x",
        "contextual",
        {
            "mean": 0.46,
            "sd": 0.14,
            "lower": 0.23,
            "upper": 0.7,
            "mcse_mean": 0.003,
            "prob_positive": 0.9998,
            "tail_probability": 0.00075,
            "conclusion": "group means matter",
        },
    ),
    ("g", "z", "within", {"mean": 1.0}),
    ("g", "z", "between", {"mean": 1.0}),
    (
        "g",
        "z",
        "contextual",
        {"mean": 0.0, "tail_probability": 0.4, "conclusion": "group means do not matter"},
    ),
    (
        "g",
        "all terms",
        "mundlak-test",
        {
            "tail_probability": 0.0005,
            "wald_chi2": 32.2,
            "wald_df": 2.0,
            "wald_p": 1e-7,
            "conclusion": "group means matter",
        },
    ),
    ("g", "x", "random", {"mean": 1.235, "sd": 0.063}),
    ("g", "x", "fixed", {"mean": 0.841, "sd": 0.092}),
]


@pytest.fixture
def tables():
    rows = [
        {**dict.fromkeys(CRE_COLUMNS, np.nan), "conclusion": "", **given}
        | dict(zip(CRE_TEXTS, texts, strict=True))
        for *texts, given in ROWS
    ]
    return replace(fabric.result().tables, cre=pd.DataFrame(rows))


def test_a_run_without_contextual_effects_has_no_section():
    assert contextual_view(fabric.result().tables) is None


def test_the_sentence_says_which_means_matter(tables):
    assert contextual_sentences(tables.cre) == [
        "By g: group means matter taken together (tail probability 0.0005); "
        "group means matter for x (tail probability 0.00075); group means do not matter, "
        "as far as these data show, for z (tail probability 0.4)."
    ]


def test_effects_have_the_digits_that_mean_something(tables):
    first = contextual_view(tables).effects[0]
    assert (first["term"], first["within"], first["contextual"]) == ("x", "0.845", "0.460")
    assert first["contextual_interval"] == "0.230 to 0.700"
    assert (first["prob_positive"], first["conclusion"]) == ("1.000", "matter")


def test_three_estimators_stand_in_a_row(tables):
    first, second = contextual_view(tables).estimators
    assert first == {
        "term": "x",
        "random": "1.235 (0.063)",
        "within": "0.84 (0.10)",
        "fixed": "0.841 (0.092)",
    }
    assert (second["term"], second["random"], second["fixed"]) == ("z", DASH, DASH)


def test_without_other_estimators_there_is_no_table_of_them(tables):
    own = tables.cre[~tables.cre["effect"].isin(["random", "fixed"])]
    assert contextual_view(replace(tables, cre=own)).estimators == []


def test_joint_tests_have_their_statistic(tables):
    (test,) = contextual_view(tables).tests
    assert (test["wald_chi2"], test["wald_df"], test["conclusion"]) == ("32.20", "2", "matter")
    assert test["tail_probability"] == "0.0005"


def test_a_term_with_several_columns_is_judged_by_its_joint_test(tables):
    rows = tables.cre[tables.cre["effect"].isin(["contextual", "mundlak-test"])].copy()
    rows["term"] = ["f[b]", "f[c]", "f"]
    rows["conclusion"] = ["group means matter", "group means matter", "group means do not matter"]
    assert contextual_sentences(rows) == [
        "By g: group means do not matter, as far as these data show, for f "
        "(tail probability 0.0005)."
    ]
