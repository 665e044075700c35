"""Rows as an aligned table, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from hiermix.cli.text import Line, line, pad, visible, width

Cell = str | int | float | bool | None
Row = Sequence[Cell]

MARKDOWN_SYNTAX = re.compile(r"([\\`*_\[\]<>|])")


def cell_text(value: Cell) -> str:
    """Return a cell for a person: four significant digits, nothing for a missing value.

    Examples
    --------
    >>> [cell_text(v) for v in (None, float("nan"), 1234.5678, 0.01, 7, True)]
    ['', 'nan', '1235', '0.01', '7', 'true']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else visible(str(value))


def text_table(header: Sequence[str], rows: Sequence[Row], indent: str = "  ") -> list[Line]:
    """Return aligned lines under a header; columns that hold only numbers go right."""
    texts = [[cell_text(cell) for cell in row] for row in rows]
    columns = [
        max([width(title), *(width(row[i]) for row in texts)]) for i, title in enumerate(header)
    ]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(header))
    ]

    def aligned(cells: Sequence[str]) -> str:
        parts = (
            " " * (columns[i] - width(cell)) + cell if numeric[i] else pad(cell, columns[i])
            for i, cell in enumerate(cells)
        )
        return (indent + "  ".join(parts)).rstrip()

    return [line((aligned(header), "bold")), *(line(aligned(row)) for row in texts)]


def markdown_table(header: Sequence[str], rows: Sequence[Row]) -> str:
    r"""Return a Markdown table in which no cell can act as markup.

    Examples
    --------
    >>> print(markdown_table(["level"], [["a|b"]]))
    | level |
    |---|
    | a\|b |
    """
    lines = [list(header), *([cell_text(cell) for cell in row] for row in rows)]
    shown = ["| " + " | ".join(_no_markup(cell) for cell in cells) + " |" for cells in lines]
    return "\n".join([shown[0], "|" + "---|" * len(header), *shown[1:]])


def _no_markup(text: str) -> str:
    return MARKDOWN_SYNTAX.sub(r"\\\1", text)


def csv_table(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Return CSV with every digit that the values have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *([_exact(cell) for cell in row] for row in rows)])
    return text.getvalue()


def _exact(value: Cell) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def json_text(document: Any) -> str:
    """Return JSON that any reader accepts: ASCII only, and ``null`` for numbers that JSON lacks."""
    return json.dumps(_finite(document), indent=2, allow_nan=False)


def json_table(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a JSON list with one object for each row."""
    return json_text([dict(zip(header, row, strict=True)) for row in rows])


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_format(format: str, header: Sequence[str], rows: Sequence[Row]) -> str:
    """Return rows in one of the formats ``csv``, ``json`` and ``markdown``."""
    writers = {"csv": csv_table, "json": json_table, "markdown": markdown_table}
    return writers[format](header, rows)
