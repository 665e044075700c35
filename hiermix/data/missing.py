"""Rows that lack a value: refused or left out, and counted."""

from __future__ import annotations

from collections.abc import Mapping

from hiermix.data.source import Source
from hiermix.data.table import Table
from hiermix.data.words import PATH
from hiermix.errors import DataError, InputErrors


def count_missing(table: Table) -> dict[str, int]:
    """Return the rows without a value, for each column that has any.

    Parameters
    ----------
    table
        Typed columns, NULL where there is no value.
    """
    if not table.columns:
        return {}
    counts = table.row(
        ", ".join(f"count(*) FILTER ({column.sql} IS NULL)" for column in table.columns)
    )
    return {
        column.name: int(count)
        for column, count in zip(table.columns, counts, strict=True)
        if count
    }


def refuse_missing(table: Table, source: Source, missing: Mapping[str, int], n_rows: int) -> None:
    """Refuse columns without any value, and others too unless rows may be dropped.

    Raises
    ------
    InputErrors
        One error a column.
    """
    errors = [
        _all_missing(name, count) if count == n_rows else _some_missing(table, name, count)
        for name, count in missing.items()
        if count == n_rows or source.missing == "error"
    ]
    if errors:
        raise InputErrors(errors)


def _all_missing(name: str, count: int) -> DataError:
    return DataError(
        "data.all-missing",
        f"{name}: all {count} missing",
        PATH,
        "leave the column out of the model",
    )


def _some_missing(table: Table, name: str, count: int) -> DataError:
    found = table.examples("1", f"{table.column(name).sql} IS NULL")
    (first, _), *more = found
    also = f"also at {' and '.join(place for place, _ in more)}" if more else ""
    return DataError(
        "data.missing",
        f"{name}: {count} missing, first at {first}; set data.missing: drop",
        PATH,
        f"{also}{'; ' if also else ''}drop leaves these rows out and counts them",
    )
