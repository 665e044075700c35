"""SQLite files, through Python's own module: DuckDB would have to download an extension."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from hiermix.data.databases import only_table
from hiermix.data.engine import identifier, stopped_in_time
from hiermix.data.files import DataFiles
from hiermix.data.parts import CELLS, kept, refuse_same_names
from hiermix.data.table import Part, RawColumn, Table
from hiermix.data.words import PATH, QUERY, cell, counted
from hiermix.errors import DataError, EnvironmentFault, Where

ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
FORBIDDEN_FUNCTIONS = frozenset(
    {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "fileio_readfile"}
)
LONGEST_VALUE = 1 << 24
"""Bytes of one value, so that a query cannot fill the memory with a single one."""

MAX_EXACT = 2**53


def load_sqlite(
    con: duckdb.DuckDBPyConnection,
    files: DataFiles,
    query: str | None,
    keep: Collection[str] | None,
) -> Table:
    """Load the only table of an SQLite file, or the rows of a query in SQLite's own dialect.

    Parameters
    ----------
    con
        Holds the rows.
    files
        The database.
    query
        One ``SELECT``; it can read nothing but the database.
    keep
        Columns to load; ``None`` loads all.

    Raises
    ------
    DataError
        The file is not a database, or the query is not a ``SELECT`` that it can answer.
    EnvironmentFault
        Another process is writing the database.
    """
    import pyarrow as pa

    file = files.names[0]
    where = PATH if query is None else QUERY
    try:
        with closing(_open(files.paths[0])) as database:
            statement = _whole_table(database, file) if query is None else query
            names, rows = _rows(database, statement)
    except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError) as error:
        raise _told(file, where, error) from error
    refuse_same_names(names, file if query is None else "data.query", where)
    columns, arrays = [], {}
    for index in kept(names, keep):
        values = [row[index] for row in rows]
        column, array = _column(names[index], f"c{index}", values)
        columns.append(column)
        arrays[f"c{index}"] = array
    con.register("sqlite_rows", pa.table(arrays))
    con.execute(f"CREATE TEMP TABLE {CELLS} AS SELECT * FROM sqlite_rows")
    parts = (Part(file, len(rows)),) if query is None else ()
    return Table(con, CELLS, tuple(columns), names, parts)


MOST_CELLS = 50_000_000
"""Cells that a table or query may have: Python's objects take about 50 bytes each."""


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.execute("PRAGMA query_only = ON")
    database.execute("PRAGMA trusted_schema = OFF")
    database.set_authorizer(_authorize)
    return database


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action not in ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _whole_table(database: sqlite3.Connection, file: str) -> str:
    found = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' "
        "ESCAPE '~' ORDER BY name"
    ).fetchall()
    _, name = only_table([("main", name) for (name,) in found], file)
    return f"SELECT * FROM {identifier(name)}"


def _rows(
    database: sqlite3.Connection, statement: str
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    with stopped_in_time(database.interrupt):
        cursor = database.execute(statement)
        if cursor.description is None:
            raise sqlite3.DatabaseError("this is not a SELECT")
        names = tuple(str(column[0]) for column in cursor.description)
        rows: list[tuple[Any, ...]] = []
        while some := cursor.fetchmany(10_000):
            rows += some
            if len(rows) * len(names) > MOST_CELLS:
                raise sqlite3.DatabaseError(f"more than {MOST_CELLS:,} cells")
    return names, rows


def _told(file: str, where: Where, error: Exception) -> DataError | EnvironmentFault:
    if "locked" in str(error):
        return EnvironmentFault(
            "environment.data-locked", f"{file}: another process is writing the database", where
        )
    hint = "" if where is PATH else "one SELECT, in SQLite's dialect, of the database's own tables"
    start = file if where is PATH else "data.query"
    id = "data.unreadable" if where is PATH else "data.query"
    return DataError(id, f"{start}: {error}", where, hint)


def _column(name: str, sql: str, values: Sequence[Any]) -> tuple[RawColumn, Any]:
    """Return a column of one type: SQLite gives every value its own."""
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int}:
        return RawColumn(name, sql, "BIGINT"), pa.array(values, pa.int64())
    if kinds <= {int, float}:
        huge = _first(values, lambda value: isinstance(value, int) and abs(value) > MAX_EXACT)
        if huge is None:
            return RawColumn(name, sql, "DOUBLE"), pa.array(values, pa.float64())
        problem = f"{huge[1]} at row {huge[0]} exceeds 2^53 among decimal numbers"
    elif kinds == {str}:
        return RawColumn(name, sql, "VARCHAR"), pa.array(values, pa.string())
    elif bytes in kinds:
        row, _ = _first(values, lambda value: isinstance(value, bytes)) or (0, None)
        problem = f"binary data at row {row}"
    else:
        row, text = _first(values, lambda value: isinstance(value, str)) or (0, "")
        total = counted(sum(isinstance(value, str) for value in values), "text")
        problem = f"text {cell(text)} at row {row} ({total} among numbers)"
    return RawColumn(name, sql, "BLOB", problem=problem), pa.nulls(len(values))


def _first(values: Sequence[Any], wanted: Callable[[Any], bool]) -> tuple[int, Any] | None:
    return next(((row, value) for row, value in enumerate(values, 1) if wanted(value)), None)
