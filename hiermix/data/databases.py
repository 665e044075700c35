"""DuckDB and SQLite databases, opened so that nothing in them can change."""

from __future__ import annotations

import duckdb

from hiermix.data.engine import identifier, literal, told_as
from hiermix.data.files import DataFiles
from hiermix.data.words import PATH
from hiermix.errors import DataError, EnvironmentFault

SOURCE = "source"
"""Name of an attached database."""


def attach(con: duckdb.DuckDBPyConnection, files: DataFiles) -> None:
    """Attach a DuckDB file read-only, so that its tables go by their own names.

    Raises
    ------
    DataError
        The file cannot be read by this version of DuckDB.
    EnvironmentFault
        Another process is writing it.
    """
    path = literal(str(files.paths[0]))
    with told_as("data.unreadable", files.names[0], PATH):
        try:
            con.execute(f"ATTACH {path} AS {SOURCE} (TYPE duckdb, READ_ONLY)")
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            raise EnvironmentFault(
                "environment.data-locked",
                f"{files.names[0]}: another process has the database open",
                PATH,
                "close it there, or copy the file",
            ) from error
    con.execute(f"USE {SOURCE}")


def whole_table(con: duckdb.DuckDBPyConnection, files: DataFiles) -> str:
    """Return the query for all rows of the only table of an attached database."""
    tables = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        f"WHERE table_catalog = '{SOURCE}' AND table_type = 'BASE TABLE' ORDER BY ALL"
    ).fetchall()
    schema, name = only_table(tables, files.names[0])
    return f"SELECT * FROM {SOURCE}.{identifier(schema)}.{identifier(name)}"


def leave(con: duckdb.DuckDBPyConnection) -> None:
    """Look up no more names in the attached database: macros may be called like functions."""
    con.execute("USE memory")


def only_table(tables: list[tuple[str, str]], file: str) -> tuple[str, str]:
    """Return the one (schema, table) of a database, or ask for a query."""
    if len(tables) == 1:
        return tables[0]
    listed = ", ".join(name for _, name in tables[:20])
    raise DataError(
        "data.which-table",
        f"{file}: {len(tables)} tables" + (f": {listed}" if listed else ""),
        PATH,
        "say which rows with data.query: SELECT * FROM ...",
    )
