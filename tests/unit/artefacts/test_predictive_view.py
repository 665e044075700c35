"""Posterior predictive checks in the report and on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hiermix.artefacts import tables as stored
from hiermix.artefacts.describe import describe
from hiermix.artefacts.predictive_view import SHOWN, STATISTICS, predictive_view
from hiermix.artefacts.report import render_report
from hiermix.artefacts.tables import read_tables, write_tables
from hiermix.summary.predictive.check import predictive_checks
from hiermix.summary.predictive.statistics import OVERALL
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS, empty_checks
from tests.unit.artefacts import fabric

EVIL = "<script>alert(1)</script>"


def checks(p=(0.5, 0.004), levels=("a", "b"), level_p=None):
    """Rows with these adjusted p-values: overall ones, then a mean for each level."""
    level_p = [0.2] * len(levels) if level_p is None else level_p
    names = ["mean", "zeros", "max"][: len(p)]
    rows = [("", "", name, value) for name, value in zip(names, p, strict=True)]
    rows += [("g", level, "mean", value) for level, value in zip(levels, level_p, strict=True)]
    table = pd.DataFrame(rows, columns=["group", "level", "statistic", "p_adjusted"])
    table["n_rows"], table["replicates"] = 4, 1000
    for at, name in enumerate(("observed", "replicated_mean", "replicated_sd", "lower", "upper")):
        table[name] = at + 0.25
    table["p_value"] = table["p_two_sided"] = table["p_adjusted"] / 2
    return table[list(PREDICTIVE_COLUMNS)]


def tables(table):
    return replace(fabric.result().tables, predictive_checks=table)


def page(table):
    result = fabric.result()
    return render_report(describe(result, Path("x")), tables(table), result.verdict, {})


def test_a_run_without_checks_has_no_view_and_no_section():
    assert predictive_view(tables(empty_checks())) is None
    assert "Posterior predictive check" not in page(empty_checks())


def test_the_view_says_what_is_too_large_or_too_small():
    table = checks(p=(0.5, 0.004, np.nan))
    table.loc[2, "p_value"] = np.nan
    table.loc[3, ["p_value", "p_adjusted"]] = 0.9999, 0.0004
    view = predictive_view(tables(table))
    assert view.sentence == "The data look unlike data of this model in 3 of 5 checks."
    assert [row["words"] for row in view.overall] == [
        "as expected",
        "too large for the model",
        "could not be computed",
    ]
    assert view.levels[0]["words"] == "too small for the model"
    assert view.overall[0]["interval"] == "3.2 to 4.2"


def test_a_fit_without_misfit_is_said_to_have_none():
    view = predictive_view(tables(checks(p=(0.5,))))
    assert view.sentence == "The data look like data of this model in all of 3 checks."


def test_the_levels_that_fit_worst_come_first_and_the_others_are_counted():
    levels = tuple(f"l{i:02d}" for i in range(40))
    p = np.linspace(1.0, 0.02, 40)
    p[7] = np.nan
    view = predictive_view(tables(checks(levels=levels, level_p=p)))
    assert len(view.levels) == SHOWN
    assert [row["level"] for row in view.levels][:3] == ["l07", "l39", "l38"]
    assert view.left_out == 30


def test_every_statistic_has_words():
    assert set(STATISTICS) == set(OVERALL)


def test_names_of_levels_cannot_change_the_page():
    text = page(checks(levels=(EVIL, "b")))
    assert "Posterior predictive check" in text
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_tables_are_read_as_they_were_written(tmp_path, monkeypatch):
    result = fabric.result()
    found = predictive_checks(result.fit, result.prepared.plan, 0.9)
    assert len(found) > 18
    for limit in (10**6, 5):
        monkeypatch.setattr(stored, "CSV_ROWS", limit)
        folder = tmp_path / str(limit)
        folder.mkdir()
        write_tables(folder, tables(found))
        back = read_tables(folder).predictive_checks
        pd.testing.assert_frame_equal(back, found, check_dtype=False)
    assert (tmp_path / "5" / "predictive_checks.parquet").is_file()


def test_a_run_without_checks_has_no_file(tmp_path):
    write_tables(tmp_path, tables(empty_checks()))
    assert not list(tmp_path.glob("predictive_checks*"))
    assert read_tables(tmp_path).predictive_checks.equals(empty_checks())
