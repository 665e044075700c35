"""Parquet and Arrow files: columns with types of their own."""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb

from hiermix.data.engine import literal, pattern, said
from hiermix.data.files import DataFiles
from hiermix.data.parts import (
    CELLS,
    insert_parts,
    kept,
    refuse_other_columns,
    refuse_same_names,
)
from hiermix.data.relation import columns_of, raw_columns
from hiermix.data.table import Part, Table, numbered, sterile
from hiermix.data.words import PATH
from hiermix.errors import DataError


def load_parquet(
    con: duckdb.DuckDBPyConnection, files: DataFiles, keep: Collection[str] | None
) -> Table:
    """Load Parquet files with the same columns.

    Parameters
    ----------
    con
        Holds the rows.
    files
        The files, in the order of their rows.
    keep
        Columns to load.  ``None`` stands for a query to come: nothing is loaded then, so that the
        query reads only the columns and row groups that it needs.

    Raises
    ------
    DataError
        A file is not Parquet or has other columns than the first one.
    """
    names, read = _selections(con, files)
    if keep is None:
        con.execute(f"CREATE TEMP VIEW {CELLS} AS SELECT * FROM {_read(files.paths, len(names))}")
        return Table(con, CELLS, raw_columns(con, CELLS, names, None), names)
    chosen = ", ".join(f"c{index}" for index in kept(names, keep))
    parts = insert_parts(
        con,
        [f"SELECT {chosen} FROM {selection}" for selection in read],
        files.names,
        lambda index, error: _not_of_kind(files.names[index], "a parquet file", said(error)),
    )
    return Table(con, CELLS, raw_columns(con, CELLS, names, keep), names, parts)


def view_parquet(
    con: duckdb.DuckDBPyConnection, files: DataFiles, keep: Collection[str] | None
) -> Table:
    """Make a view of Parquet files with the same columns: every use reads them again.

    See `load_parquet`.
    """
    from pyarrow.parquet import read_metadata

    names, _ = _selections(con, files)
    chosen = ", ".join(f"c{index}" for index in kept(names, keep))
    rows = _read(files.paths, len(names))
    con.execute(f"CREATE TEMP VIEW {CELLS} AS {numbered(chosen)} FROM {rows}")
    ends = accumulate(read_metadata(path).num_rows for path in files.paths)
    parts = tuple(Part(file, end) for file, end in zip(files.names, ends, strict=True))
    return Table(con, CELLS, raw_columns(con, CELLS, names, keep), names, parts, is_view=True)


def load_arrow(
    con: duckdb.DuckDBPyConnection, files: DataFiles, keep: Collection[str] | None
) -> Table:
    """Load Arrow IPC or Feather files with the same columns.

    Raises
    ------
    DataError
        A file is not Arrow, is damaged, or has other columns than the first one.
    """
    tables = [_arrow(path, file) for path, file in zip(files.paths, files.names, strict=True)]
    first = tables[0].schema
    names = tuple(first.names)
    refuse_same_names(names, files.names[0])
    for table, file in zip(tables, files.names, strict=True):
        fields = list(zip(table.schema.names, table.schema.types, strict=True))
        wanted = list(zip(first.names, first.types, strict=True))
        refuse_other_columns(fields, wanted, file, files.names[0])
    chosen = kept(names, keep)
    for index, table in enumerate(tables):
        only = table.select(chosen).rename_columns([f"c{column}" for column in chosen])
        try:
            con.register(f"arrow_{index}", only)
        except duckdb.Error as error:
            raise _not_of_kind(files.names[index], "a readable arrow file", said(error)) from error
    parts = insert_parts(
        con,
        [f"SELECT * FROM arrow_{index}" for index in range(len(tables))],
        files.names,
        lambda index, error: _not_of_kind(files.names[index], "an arrow file", said(error)),
    )
    return Table(con, CELLS, raw_columns(con, CELLS, names, keep), names, parts)


def _selections(
    con: duckdb.DuckDBPyConnection, files: DataFiles
) -> tuple[tuple[str, ...], list[str]]:
    """Return the columns of Parquet files, and what reads each file."""
    names = _parquet_names(files)
    read = [_read([path], len(names)) for path in files.paths]
    first = None
    for selection, file in zip(read, files.names, strict=True):
        try:
            columns = columns_of(con, f"FROM {selection}")
        except duckdb.Error as error:
            raise _not_of_kind(file, "a parquet file", said(error)) from error
        first = first or columns
        refuse_other_columns(columns, first, file, files.names[0])
    return names, read


def _read(paths: Collection[Path], width: int) -> str:
    listed = ", ".join(literal(pattern(path)) for path in paths)
    columns = ", ".join(sterile(width))
    return f"read_parquet([{listed}], hive_partitioning = false) AS t({columns})"


def _parquet_names(files: DataFiles) -> tuple[str, ...]:
    # Not from DuckDB, which renames columns that differ only by case.
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    names: tuple[str, ...] = ()
    for index, (path, file) in enumerate(zip(files.paths, files.names, strict=True)):
        try:
            found = tuple(read_schema(path).names)
        except (ArrowException, OSError) as error:
            raise _not_of_kind(file, "a parquet file", str(error)) from error
        names = names if index else found
        refuse_same_names(found, file)
        refuse_other_columns(found, names, file, files.names[0])
    return names


def _arrow(path: Path, file: str) -> Any:
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source:
            try:
                table = pa.ipc.open_file(source).read_all()
            except pa.ArrowInvalid:
                source.seek(0)
                table = pa.ipc.open_stream(source).read_all()
        # Offsets that point out of the buffers would be followed otherwise.
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise _not_of_kind(file, "an arrow file", str(error)) from error
    return table


def _not_of_kind(file: str, kind: str, reason: str) -> DataError:
    short = " ".join(reason.split())[:200]
    return DataError("data.unreadable", f"{file}: not {kind}: {short}", PATH)
