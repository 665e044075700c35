"""Rows as a report shows them."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from hiermix.artefacts.texts import (
    DASH,
    ELLIPSIS,
    MINUS,
    bytes_text,
    compact,
    cut_inside,
    cut_to,
    decimals,
    ems,
    fixed,
    seconds_text,
    shown,
)
from hiermix.artefacts.views import (
    MAX_BRIEF,
    WORST,
    brief_sentences,
    ordered_findings,
    population_rows,
    variance_rows,
    worst_rows,
)
from hiermix.gates import Verdict
from tests.unit.artefacts import fabric


@pytest.fixture(scope="module")
def tables():
    return fabric.result().tables


def test_estimates_have_the_digits_that_their_error_allows(tables) -> None:
    rows = {row["parameter"]: row for row in population_rows(tables)}
    assert rows["Intercept"]["mean"] == "250.8"
    assert rows["Days"]["mean"] == "10.42"
    assert rows["Days"]["role"] == "common effect"
    assert rows["sigma"]["rhat"] == "1.000"


def test_a_missing_number_is_a_dash(tables) -> None:
    summary = tables.summary.assign(rhat=math.nan, mcse_mean=math.nan, ess_bulk=math.nan)
    row = population_rows(replace(tables, summary=summary))[0]
    assert (row["rhat"], row["mcse_mean"], row["ess_bulk"]) == (DASH, DASH, DASH)


def test_variances_are_left_to_the_file(tables) -> None:
    quantities = {row["quantity"] for row in variance_rows(tables)}
    assert quantities == {"sd", "ICC", "R² conditional", "R² marginal", "pooling factor"}


def test_the_page_begins_with_the_effects_and_how_much_levels_differ(tables) -> None:
    shown = {row["parameter"]: row for row in population_rows(tables)}
    days = shown["Days"]
    said = brief_sentences(tables)
    assert said[0] == f"Days: {days['mean']} ({days['lower']} to {days['upper']})"
    assert [
        text.partition(" differs between levels of Subject by an sd of ")[0] for text in said[1:]
    ] == [
        "Intercept",
        "Days",
    ]


def test_without_other_effects_the_intercept_is_told(tables) -> None:
    alone = tables.summary[tables.summary["parameter"] == "Intercept"]
    said = brief_sentences(replace(tables, summary=alone))
    assert said[0].startswith("Intercept: 250.8 (")


def test_of_many_effects_the_page_begins_with_a_few(tables) -> None:
    row = tables.summary[tables.summary["parameter"] == "Days"]
    many = pd.concat([row.assign(parameter=f"x{i}") for i in range(MAX_BRIEF + 3)])
    said = brief_sentences(replace(tables, summary=many))
    assert sum(text.startswith("x") for text in said) == MAX_BRIEF
    assert said[-1] == "3 more are in the tables below"


def test_the_worst_parameters_are_those_whose_chains_agree_least(tables) -> None:
    effects = tables.group_effects.assign(rhat=1.0, ess_bulk=400.0)
    effects.loc[4, ["rhat", "ess_bulk"]] = [1.2, 30.0]
    effects.loc[7, "rhat"] = math.nan
    rows = worst_rows(replace(tables, group_effects=effects))
    levels = effects["level"]
    assert len(rows) == WORST
    assert rows[0]["parameter"] == f"Intercept by Subject: {levels[7]}"
    assert rows[0]["rhat"] == DASH
    assert rows[1] == {
        "parameter": f"Intercept by Subject: {levels[4]}",
        "rhat": "1.2000",
        "ess_bulk": "30",
    }


def test_failures_come_first() -> None:
    verdict = Verdict("publish", (*fabric.FINDINGS, fabric.BROKEN))
    assert [f.status for f in ordered_findings(verdict)] == ["fail", "warn", "pass"]


@pytest.mark.parametrize(
    ("mcse", "sd", "digits"),
    [
        *(
            (0.02, 1, 2),
            (0.1, 1, 1),
            (3.0, 50, 0),
            (math.nan, 0.5, 2),
            (0.0, 0.0, 3),
            (1e-20, 1, 8),
        ),
        *((6.6e5, 2.8e7, -5), (math.nan, 2.8e7, -6), (2.2e-12, 9e-11, 12), (math.nan, 9e-11, 12)),
        (1e-20, 1e-10, 14),
    ],
)
def test_decimals(mcse: float, sd: float, digits: int) -> None:
    assert decimals(mcse, sd) == digits


@pytest.mark.parametrize("unit", [1e-9, 1e-7, 1e-3, 1.0, 1e4, 1e9, 1e14])
def test_estimates_keep_their_digits_in_any_unit_and_have_none_beyond_their_error(unit) -> None:
    mean, sd, mcse = 2.178412 * unit, 0.0934567 * unit, 0.00221 * unit
    digits = decimals(mcse, sd)
    for value in (mean, -mean, sd):
        shown = float(fixed(value, digits).replace(MINUS, "-").replace(",", ""))
        # Half of the first digit of the error, which is at most the error itself.
        assert abs(shown - value) <= mcse / 2
        assert shown / 10.0**-digits == pytest.approx(round(shown / 10.0**-digits), abs=1e-6)


def test_a_small_number_that_rounds_to_nothing_has_no_digits() -> None:
    assert fixed(3e-14, 12) == fixed(0.0, 12) == "0"
    assert fixed(-2.17841e-9, 12) == f"{MINUS}2.178e-09"
    assert fixed(0.5, 12) == "0.50000000"


def test_numbers_as_text() -> None:
    assert fixed(-1.25, 1) == f"{MINUS}1.2"
    assert fixed(-0.04, 1) == "0.0"
    assert fixed(math.nan, 1) == fixed(None, 1) == compact(None) == DASH
    assert fixed(math.inf, 1) == "∞"
    assert fixed(-math.inf, 1) == compact(-math.inf) == f"{MINUS}∞"
    assert fixed(1e200, 2) == "1e+200"
    assert compact(-1e-7) == f"{MINUS}1e-07"
    assert seconds_text(3725) == "62 min 5 s"
    assert bytes_text(2.5 * 2**30) == "2.5 GiB"


def test_texts_are_shown_without_what_cannot_be_seen() -> None:
    assert shown("a\u200bb\n\u2028\udc80") == r"a\u200bb\n\u2028\udc80"
    assert shown("naïve 日本 🙂") == "naïve 日本 🙂"
    assert cut_to("W" * 50, 10) == "W" * 9 + ELLIPSIS
    assert all(ems(cut(c * 80, 18)) <= 18 for c in "iWx日" for cut in (cut_to, cut_inside))


def test_long_names_that_differ_at_their_ends_stay_different() -> None:
    names = [f"a_rather_long_predictor_name_{i}" for i in range(40)]
    assert len({cut_inside(name, 18) for name in names}) == 40
