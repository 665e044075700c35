"""Tables of a finished run as plain cells."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from hiermix.cli.tabulate import Cell, Row

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.artefacts import StoredRun

RECORDS = {"gates": "findings", "measurements": "measurements"}
"""Tables that are records, and where a stored run has them."""


def table_names() -> list[str]:
    """Return the tables that every run has."""
    from hiermix.summary import Tables

    return [*(field.name for field in fields(Tables)), *RECORDS]


def table_cells(stored: StoredRun, name: str) -> tuple[list[str], list[Row]]:
    """Return header and rows of one of ``table_names``.

    Raises
    ------
    EnvironmentFault
        If the file is damaged.
    """
    if name in RECORDS:
        return _of_records(getattr(stored, RECORDS[name]))
    return frame_cells(getattr(stored.tables, name))


def _of_records(records: Iterable[Any]) -> tuple[list[str], list[Row]]:
    rows = list(records)
    header = [field.name for field in fields(rows[0])] if rows else []
    return header, [astuple(row) for row in rows]


def frame_cells(table: pd.DataFrame) -> tuple[list[str], list[Row]]:
    """Return header and rows of a data frame."""
    columns = [[_cell(value) for value in table[name].tolist()] for name in table.columns]
    return list(table.columns), list(zip(*columns, strict=True))


def frame_records(table: pd.DataFrame) -> list[dict[str, Cell]]:
    """Return the rows of a data frame by the names of its columns."""
    header, rows = frame_cells(table)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _cell(value: Any) -> Cell:
    """Return a value as one of Python's own; what pandas marks as missing is ``None``."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return None
