"""The plot of predicted against actual."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd

from hiermix.artefacts.plots.heldout import MOST, heldout_plot
from hiermix.studies.holdout import HoldoutStudy
from hiermix.studies.holdout_tables import LEVEL_COLUMNS, ROW_COLUMNS


def table(columns, n: int, method: str, known: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({name: [""] * n for name in columns})
    rows["method"] = method
    rows["actual"] = rng.normal(size=n)
    rows["mean"] = rng.normal(size=n) if known else np.nan
    rows["lower"], rows["upper"] = rows["mean"] - 1.5, rows["mean"] + 1.5
    inside = (rows["lower"] <= rows["actual"]) & (rows["actual"] <= rows["upper"])
    rows["inside"] = inside.astype("boolean").mask(rows["mean"].isna())
    return rows


def study(by: str | None, *rows: pd.DataFrame) -> HoldoutStudy:
    found = pd.concat(rows)
    empty = pd.DataFrame(columns=list(LEVEL_COLUMNS))
    levels, rows_of = (empty, found) if by is None else (found, found)
    return HoldoutStudy("s", by, "g", 0.9, pd.DataFrame(), levels, rows_of, (), ())


def texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if "text" in e.tag]


def test_a_panel_for_each_method_that_predicts_and_none_for_the_other() -> None:
    made = study(
        "school <b>",
        table(LEVEL_COLUMNS, 8, "none", known=False),
        table(LEVEL_COLUMNS, 8, "complete"),
        table(LEVEL_COLUMNS, 8, "partial"),
    )
    shown = texts(heldout_plot(made))
    assert [t for t in shown if "levels of" in t] == [
        "partial: levels of school <b>",
        "complete: levels of school <b>",
    ]
    inside = int(made.levels["inside"].iloc[8:16].sum())
    assert f"inside the 90 % interval ({inside})" in shown


def test_of_many_rows_some_are_drawn() -> None:
    many = heldout_plot(study(None, table(ROW_COLUMNS, 20 * MOST, "partial")))
    few = heldout_plot(study(None, table(ROW_COLUMNS, MOST, "partial")))
    assert "partial: rows" in texts(many)
    assert len(many) < 1.2 * len(few)


def test_the_same_numbers_make_the_same_bytes() -> None:
    one = study(None, table(ROW_COLUMNS, 30, "partial"))
    assert heldout_plot(one) == heldout_plot(one)


def test_a_power_of_ten_stands_in_the_label_and_not_in_the_legend() -> None:
    rows = table(ROW_COLUMNS, 30, "partial")
    rows[["actual", "mean", "lower", "upper"]] *= 1e9
    shown = texts(heldout_plot(study(None, rows)))
    assert "predicted, in 1e9" in shown
    # That of the other axis is the only one that stands alone.
    assert shown.count("1e9") == 1
    assert "predicted" in texts(heldout_plot(study(None, table(ROW_COLUMNS, 30, "partial"))))


def test_an_interval_far_out_leaves_room_for_the_others() -> None:
    rows = table(ROW_COLUMNS, 30, "none")
    rows.loc[3, ["mean", "lower", "upper"]] = [900.0, -9000.0, 9000.0]
    shown = texts(heldout_plot(study(None, rows)))
    assert not any("000" in t for t in shown)
