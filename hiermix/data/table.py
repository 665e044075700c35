"""Columns as they were stored, before anything is made of them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import duckdb


@dataclass(frozen=True)
class RawColumn:
    """One column of a `Table`.

    Attributes
    ----------
    name
        The user's name. No SQL ever holds it.
    sql
        Its name in the relation: ``c0``, ``c1``, ...
    type
        DuckDB's type.
    untyped
        Whether the file only has text here, so that numbers have to be recognised.
    problem
        Why the column cannot be used, empty if it can.
    """

    name: str
    sql: str
    type: str
    untyped: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Part:
    """Rows up to ``end`` (1-based, included) come from the file ``name``."""

    name: str
    end: int


@dataclass(frozen=True)
class Table:
    """Rows in file order, in a table that DuckDB holds in memory or in a view of files.

    Attributes
    ----------
    con
        The connection that holds it.
    relation
        Its name there. ``rowid + 1`` is the number of a data row; a view has a column ``rowid``.
    columns
        The columns that were loaded.
    names
        Every column of the source, in order.
    parts
        Files that the rows came from, in order; empty for the result of a query.
    na_is_ambiguous
        Whether ``NA`` among texts may mean "no value": the format has no other way to say so.
    is_view
        Whether every use reads the files again.
    """

    con: duckdb.DuckDBPyConnection
    relation: str
    columns: tuple[RawColumn, ...]
    names: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    na_is_ambiguous: bool = False
    is_view: bool = False

    @property
    def complete(self) -> str:
        """SQL condition: no column lacks a value."""
        return " AND ".join(f"{column.sql} IS NOT NULL" for column in self.columns)

    @property
    def n_rows(self) -> int:
        """Rows."""
        return int(self.row("count(*)")[0])

    def column(self, name: str) -> RawColumn:
        """Return a loaded column by the user's name."""
        return next(column for column in self.columns if column.name == name)

    def row(self, selection: str) -> tuple[Any, ...]:
        """Return the one row that a selection of aggregates gives."""
        (found,) = self.con.execute(f"SELECT {selection} FROM {self.relation}").fetchall()
        return tuple(found)

    def examples(self, value: str, condition: str) -> list[tuple[str, str]]:
        """Return up to three values that meet a condition: their place in words, and their text."""
        found = self.con.execute(
            f"SELECT rowid + 1, CAST({value} AS VARCHAR) FROM {self.relation} "
            f"WHERE {condition} ORDER BY rowid LIMIT 3"
        ).fetchall()
        return [(self.place(row), text) for row, text in found]

    def place(self, row: int) -> str:
        """Say where a data row (1-based) is: ``row 6``, or ``row 2 of b.csv``."""
        if len(self.parts) < 2:
            return f"row {row}"
        index = bisect_left([part.end for part in self.parts], row)
        before = self.parts[index - 1].end if index else 0
        return f"row {row - before} of {self.parts[index].name}"


def numbered(selection: str) -> str:
    """Return a query with the column ``rowid`` of a table, from 0 in the order of the rows.

    Parameters
    ----------
    selection
        What follows ``SELECT``.
    """
    return f"SELECT row_number() OVER () - 1 AS rowid, {selection}"


def sterile(count: int) -> list[str]:
    """Return column names that no query and no file can trip over."""
    return [f"c{index}" for index in range(count)]
