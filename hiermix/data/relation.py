"""Columns of DuckDB relations."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from hiermix.data.parts import kept
from hiermix.data.table import RawColumn


def columns_of(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    """Return (name, type) of the columns that a query gives."""
    found = con.execute(f"DESCRIBE {query}").fetchall()
    return [(str(row[0]), str(row[1])) for row in found]


def raw_columns(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    names: tuple[str, ...],
    keep: Collection[str] | None,
) -> tuple[RawColumn, ...]:
    """Return the kept columns of a relation that calls them ``c0``, ``c1``, ...

    Parameters
    ----------
    con
        Holds the relation.
    relation
        Its name.
    names
        The user's names of all columns.
    keep
        Those that were loaded; ``None`` if all were.
    """
    types = dict(columns_of(con, f"FROM {relation}"))
    return tuple(
        RawColumn(names[index], f"c{index}", types[f"c{index}"]) for index in kept(names, keep)
    )
