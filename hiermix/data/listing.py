"""What is in a data file, column by column."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Literal

from hiermix.data.engine import connect, within_memory
from hiermix.data.files import find_files
from hiermix.data.load import load
from hiermix.data.reading import Kind, Rules
from hiermix.data.source import ColumnInfo, Source
from hiermix.data.table import RawColumn, Table
from hiermix.data.typed_columns import read_column
from hiermix.errors import DataError

NAMES: dict[Kind, Literal["integer", "numeric", "boolean", "category"]] = {
    "int64": "integer",
    "float64": "numeric",
    "bool": "boolean",
    "category": "category",
}


def list_columns(source: Source, root: Path, *, data_root: Path | None = None) -> tuple[str, ...]:
    """Return the names of a source's columns, in order.

    Raises
    ------
    DataError
        The file as a whole cannot be read.
    EnvironmentFault
        It may not be read, is locked, or does not fit into memory.
    """
    files = find_files(source.path, root, data_root)
    with within_memory(", ".join(files.names)), closing(connect()) as con:
        return load(con, files, source, ()).names


def describe_columns(
    source: Source, root: Path, *, data_root: Path | None = None
) -> tuple[ColumnInfo, ...]:
    """Describe every column of a source, each by itself.

    Parameters
    ----------
    source, root, data_root
        As in `hiermix.data.read_frame`.

    Returns
    -------
    tuple
        In file order. A column that cannot be read says why; the others are not affected.

    Raises
    ------
    DataError
        The file as a whole cannot be read.
    EnvironmentFault
        It may not be read, is locked, or does not fit into memory.
    """
    files = find_files(source.path, root, data_root)
    with within_memory(", ".join(files.names)), closing(connect()) as con:
        table = load(con, files, source, None)
        return tuple(_described(table, column, source) for column in table.columns)


def _described(table: Table, column: RawColumn, source: Source) -> ColumnInfo:
    rules = Rules("any", source.types.get(column.name), source.na_values)
    try:
        reading = read_column(table, column, rules)
    except DataError as error:
        return ColumnInfo(column.name, "unreadable", problem=error.message)
    rows, present, distinct = table.row(
        f"count(*), count({reading.sql}), count(DISTINCT {reading.sql})"
    )
    examples = table.con.execute(
        f"SELECT CAST(value AS VARCHAR) FROM (SELECT {reading.sql} AS value, rowid AS row "
        f"FROM {table.relation}) WHERE value IS NOT NULL GROUP BY value ORDER BY min(row) LIMIT 3"
    ).fetchall()
    return ColumnInfo(
        column.name,
        NAMES[reading.kind],
        int(rows),
        int(rows) - int(present),
        int(distinct),
        tuple(text for (text,) in examples),
    )
