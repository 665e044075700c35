"""CSV that reads back bit for bit."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

QUOTED = frozenset('",\r\n')

LINES = 10_000
"""Lines whose cells are in memory at a time."""


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    r"""Write rows as RFC 4180 with ``\n`` at the end of each line, in UTF-8.

    Numbers have as many digits as they need to be read back exactly; a missing one is empty, an
    infinite one ``inf``. Texts are written as they are: a label such as ``=1+1`` stays so, in
    order that it can be joined with the data. Do not open a table with labels from a source that
    you do not trust in a spreadsheet program, which would run it as a formula; import it as text.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_line(columns))
        file.writelines(map(csv_line, rows))


def csv_line(values: Iterable[Any]) -> str:
    r"""Return one line, with ``\n`` at its end."""
    return ",".join(map(cell, values)) + "\n"


def csv_lines(columns: Sequence[Sequence[Any]]) -> Iterator[str]:
    r"""Yield the lines of columns of one length, as `write_csv` writes them.

    Examples
    --------
    >>> list(csv_lines([["a", "b,c"], [0.5, None]]))
    ['a,0.5\n', '"b,c",\n']
    """
    n_rows = len(columns[0]) if columns else 0
    for start in range(0, n_rows, LINES):
        texts = [_cells(column[start : start + LINES]) for column in columns]
        yield from (",".join(row) + "\n" for row in zip(*texts, strict=True))


def _cells(values: Sequence[Any]) -> list[str]:
    """Return the cells of a column: those of one type take a fraction of the time of others."""
    kinds = set(map(type, values))
    if kinds == {str}:
        known = {text: cell(text) for text in set(values)}
        return [known[text] for text in values]
    if kinds <= {float, type(None)}:
        # NaN is the only number that differs from itself.
        return ["" if value is None or value != value else repr(value) for value in values]
    if kinds == {int}:
        return list(map(str, values))
    return list(map(cell, values))


def cell(value: Any) -> str:
    """Return one cell.

    Examples
    --------
    >>> print(cell('a "b", c'), cell(0.1 + 0.2), cell(True))
    "a ""b"", c" 0.30000000000000004 true
    """
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return '"' + text.replace('"', '""') + '"' if QUOTED & set(text) else text
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value)


def write_frame(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV; see ``write_csv``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_line(table.columns))
        file.writelines(csv_lines([table[name].tolist() for name in table.columns]))


def read_frame(path: Path, texts: Sequence[str], booleans: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that ``write_frame`` wrote.

    Parameters
    ----------
    path
        The file.
    texts
        Columns that hold text; an empty cell is the empty text. The others hold numbers.
    booleans
        Columns that hold ``true``, ``false`` or nothing.
    """
    # pandas would end a row at a carriage return inside quotes; csv does not.
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
    table = pd.DataFrame(index=range(len(rows)))
    for name in header:
        cells = columns.get(name, ())
        if name in texts:
            table[name] = pd.Series(cells, dtype="str")
        elif name in booleans:
            known = {"true": True, "false": False}
            table[name] = pd.array([known.get(c, pd.NA) for c in cells], dtype="boolean")
        else:
            table[name] = _numbers(cells)
    return table


def _numbers(cells: Sequence[str]) -> pd.Series[Any]:
    if cells and all(c.lstrip("-").isdigit() for c in cells):
        return pd.Series([int(c) for c in cells], dtype="int64")
    return pd.Series([float(c) if c else math.nan for c in cells], dtype="float64")
