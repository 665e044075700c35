"""Levels as the report shows them."""

from dataclasses import replace

import numpy as np
import pytest

from hiermix.artefacts.level_view import QUANTILE_HEADS, level_views
from hiermix.artefacts.plots.forest import EACH_END, MAX_LEVELS
from hiermix.artefacts.texts import MINUS
from hiermix.summary.group_effects import common_mean
from tests.unit.artefacts import fabric


def number(text: str) -> float:
    return float(text.replace(MINUS, "-"))


@pytest.fixture(scope="module")
def tables():
    return fabric.result().tables


@pytest.fixture(scope="module")
def many():
    return fabric.result(labels=tuple(f"L{i:03d}" for i in range(MAX_LEVELS + 25))).tables


def test_levels_are_sorted_by_coefficient_the_largest_first(tables) -> None:
    views = level_views(tables)
    assert [(v.group, v.term, v.n_levels, v.left_out, v.gap) for v in views] == [
        ("Subject", "Intercept", 18, 0, None),
        ("Subject", "Days", 18, 0, None),
    ]
    values = [number(row["coefficient_mean"]) for row in views[0].rows]
    assert values == sorted(values, reverse=True)
    assert views[0].quantiles == []


def test_the_common_effect_is_what_coefficients_and_deviations_differ_by(tables) -> None:
    effects = tables.group_effects
    days = effects[effects["term"] == "Days"]
    (common,) = tables.summary.loc[tables.summary["parameter"] == "Days", "mean"]
    assert common_mean(days) == pytest.approx(common)
    alone = days.assign(coefficient_mean=days["deviation_mean"])
    assert common_mean(alone) == 0.0
    views = level_views(replace(tables, group_effects=alone))
    assert [view.common for view in (*level_views(tables), *views)] == [True, True, False]


def test_of_many_levels_the_largest_and_the_smallest_are_shown(many) -> None:
    view = level_views(many)[1]
    own = many.group_effects[many.group_effects["term"] == "Days"]
    ranked = own.sort_values("coefficient_mean", ascending=False)["level"].tolist()
    assert [row["level"] for row in view.rows] == ranked[:EACH_END] + ranked[-EACH_END:]
    assert (view.gap, view.left_out) == (EACH_END, MAX_LEVELS + 25 - 2 * EACH_END)


def test_as_many_levels_as_a_figure_holds_are_all_shown() -> None:
    labels = tuple(f"L{i}" for i in range(MAX_LEVELS))
    view = level_views(fabric.result(labels=labels).tables)[0]
    assert (len(view.rows), view.left_out, view.quantiles) == (MAX_LEVELS, 0, [])


def test_quantiles_are_those_of_all_levels(many) -> None:
    view = level_views(many)[1]
    own = many.group_effects[many.group_effects["term"] == "Days"]
    rows = {row["of"]: row for row in view.quantiles}
    assert list(rows) == ["coefficient", "raw estimate", "sd of the coefficient", "w", "rows"]
    expected = np.quantile(own["coefficient_mean"], [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
    shown = [number(rows["coefficient"][head]) for head in QUANTILE_HEADS]
    assert shown == pytest.approx(expected, abs=0.06)
    assert {rows["rows"][head] for head in QUANTILE_HEADS} == {"10"}


def test_quantiles_leave_out_what_no_level_has(many) -> None:
    effects = many.group_effects.assign(raw_estimate=np.nan)
    view = level_views(replace(many, group_effects=effects))[0]
    assert "raw estimate" not in {row["of"] for row in view.quantiles}


def test_levels_that_are_not_identified_are_marked_and_counted(tables) -> None:
    effects = tables.group_effects.copy()
    effects["identified"] = effects["identified"].astype("boolean")
    effects.loc[effects["level"] == "310", "identified"] = False
    view = level_views(replace(tables, group_effects=effects))[0]
    assert view.unidentified == 1
    assert [row["level"] for row in view.rows if "\N{DAGGER}" in row["level"]] == ["310 \N{DAGGER}"]
