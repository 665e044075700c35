"""Two arms in the report, and as a file."""

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts import tables as files
from hiermix.artefacts.arms_view import COLUMNS, arm_views, arms_sentences
from hiermix.summary import Tables
from hiermix.summary.arms.table import ALL_ROWS, ARMS_COLUMNS, SCALES, empty_arms
from hiermix.summary.questions.table import empty_questions
from hiermix.summary.tables import empty_cre


def arms(n_levels, group="g"):
    rows = []
    for place in range(n_levels):
        for scale in SCALES:
            row = dict.fromkeys(ARMS_COLUMNS, 0.5)
            row |= {"group": group, "level": f"l{place:05d}", "scale": scale, "mean": -place / 100}
            row |= {"trials_control": 1200, "trials_treatment": 10, "draws": 4000}
            rows.append(row)
    return pd.DataFrame(rows)


def with_arms(table):
    empty = pd.DataFrame({"a": [1.0]})
    return Tables(empty, empty, empty, empty_cre(), empty, empty_questions(), table)


def test_a_run_without_arms_has_no_section():
    assert arm_views(with_arms(empty_arms())) == []


def test_levels_are_sorted_by_the_difference_and_cut():
    whole = arms(1, "").assign(level=ALL_ROWS)
    first, second = arm_views(with_arms(pd.concat([whole, arms(300)], ignore_index=True)))
    assert (first.title, len(first.rows), first.left_out) == ("All rows", 1, 0)
    assert (second.title, len(second.rows), second.left_out) == ("By g", 40, 260)
    assert second.rows[0]["level"] == "l00000"
    assert second.rows[-1]["level"] == "l00299"
    assert all(set(row) == {key for key, _, _ in COLUMNS} for row in second.rows)


def test_numbers_have_the_digits_that_mean_something():
    table = arms(1)
    table["mean"], table["sd"], table["mcse_mean"] = 0.0123456, 0.01, 0.0002
    table["lower"], table["upper"], table["raw_se"] = -0.005, 0.03, np.nan
    ((row,),) = [view.rows for view in arm_views(with_arms(table))]
    shown = row["difference"].replace("\N{NO-BREAK SPACE}", " ")
    assert shown == "0.0123 (\N{MINUS SIGN}0.0050 to 0.0300)"
    assert row["trials"] == "1,200 / 10"
    assert row["raw"] == "0.500"


def test_rates_have_the_decimals_of_their_difference():
    table = arms(1)
    table["rate_control"], table["rate_treatment"] = 0.1199133, 0.1286865
    table["raw_estimate"], table["raw_se"] = 0.0087732, 0.0016423
    ((row,),) = [view.rows for view in arm_views(with_arms(table))]
    assert (row["rates"], row["raw"]) == ("0.1199 / 0.1287", "0.0088 (0.0016)")


@pytest.mark.parametrize(
    ("share", "draws", "text"),
    [(0.98, 4000, "0.980"), (0.98, 100, "0.98"), (1.0, 100, "1.000"), (0.0, 100, "0.000")],
)
def test_a_probability_has_no_more_decimals_than_its_draws_can_tell(share, draws, text):
    table = arms(1).assign(prob_above=share, draws=draws)
    ((row,),) = [view.rows for view in arm_views(with_arms(table))]
    assert row["better"] == text


def test_the_effect_over_all_rows_is_told_first():
    whole = arms(1, "").assign(level=ALL_ROWS, prob_above=1.0)
    (said,) = arms_sentences(with_arms(pd.concat([whole, arms(3)], ignore_index=True)))
    assert said.startswith("Treatment against control over all rows: difference of rates 0.0 (")
    assert said.endswith("P(better) 1.000")
    assert arms_sentences(with_arms(empty_arms())) == []


def test_what_is_empty_is_a_dash():
    table = arms(1)
    table.loc[1:, ["mean", "sd", "lower", "upper", "raw_estimate", "raw_se"]] = np.nan
    ((row,),) = [view.rows for view in arm_views(with_arms(table))]
    assert (row["ratio"], row["log_odds"]) == ("\N{EN DASH}",) * 2
    assert "nan" not in "".join(row.values())


@pytest.mark.parametrize("limit", [100_000, 5])
def test_the_table_is_read_as_it_was_written(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(files, "CSV_ROWS", limit)
    table = arms(3)
    table.loc[0, "raw_se"] = np.nan
    files._write_large(tmp_path / files.ARMS, table)
    assert (tmp_path / files.ARMS_PARQUET).is_file() == (limit == 5)
    found = files._read_if_there(tmp_path / files.ARMS, files.ARMS_TEXTS, empty_arms())
    pd.testing.assert_frame_equal(found, table)
