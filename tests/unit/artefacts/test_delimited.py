"""CSV that reads back bit for bit."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hiermix.artefacts import delimited
from hiermix.artefacts.delimited import cell, csv_lines, read_frame, write_frame

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.floats(), st.sampled_from([True, False, None])), min_size=1))
def test_any_table_reads_back(tmp_path: Path, rows: list[tuple[str, float, bool | None]]) -> None:
    table = pd.DataFrame(
        {
            "level": pd.Series([r[0] for r in rows], dtype="str"),
            "x": pd.Series([r[1] for r in rows], dtype="float64"),
            "known": pd.array([r[2] for r in rows], dtype="boolean"),
        }
    )
    write_frame(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(
        read_frame(tmp_path / "t.csv", ("level",), ("known",)), table, check_exact=True
    )


@pytest.mark.parametrize(
    "label",
    ["=1+1", "+SUM(A1)", "@cmd", "-2", "NA", "", "a\rb", 'q"q', "a,b", "x\ny", "007", " pad "],
)
def test_labels_are_kept_as_they_are(tmp_path: Path, label: str) -> None:
    write_frame(tmp_path / "t.csv", pd.DataFrame({"level": [label], "n": [3]}))
    table = read_frame(tmp_path / "t.csv", ("level",))
    assert table["level"].tolist() == [label]
    assert table["n"].tolist() == [3]
    assert table["n"].dtype == np.int64


def test_lines_end_in_newlines_and_missing_cells_are_empty(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [0.1 + 0.2, math.nan, math.inf], "b": [1, 2, 3]})
    write_frame(tmp_path / "t.csv", table)
    text = (tmp_path / "t.csv").read_bytes()
    assert text == b"a,b\n0.30000000000000004,1\n,2\ninf,3\n"


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_frame(tmp_path / "t.csv", pd.DataFrame({"level": [], "x": []}))
    table = read_frame(tmp_path / "t.csv", ("level",))
    assert list(table.columns) == ["level", "x"]
    assert len(table) == 0


@pytest.mark.parametrize(
    "column",
    [
        ["a", 'q"q', "x,y", "a", ""],
        [0.1 + 0.2, math.nan, math.inf, -0.0, 1e300],
        [0.5, None, math.nan],
        [3, -2, 10**20],
        [True, False, None],
        [1, 2.0, "a,b", None, True, np.float64(0.5)],
        [None, None],
    ],
)
def test_columns_are_written_cell_by_cell_as_rows_are(column: list, monkeypatch) -> None:
    monkeypatch.setattr(delimited, "LINES", 2)
    lines = list(csv_lines([column, ["é"] * len(column)]))
    assert lines == [f"{cell(value)},é\n" for value in column]
