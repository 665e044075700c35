"""Files and queries to one table of raw columns, in a connection that can do no harm."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import duckdb

from hiermix.data.cells import TextColumn
from hiermix.data.columnar import load_arrow, load_parquet, view_parquet
from hiermix.data.databases import attach, leave, whole_table
from hiermix.data.delimited import load_delimited
from hiermix.data.engine import lock
from hiermix.data.files import DataFiles
from hiermix.data.json_lines import load_json_lines
from hiermix.data.query import create_data_view, run_query
from hiermix.data.reading import Rules
from hiermix.data.source import Source
from hiermix.data.sqlite import load_sqlite
from hiermix.data.table import RawColumn, Table
from hiermix.data.text_columns import read_text
from hiermix.data.words import listing, nearest
from hiermix.errors import DataError, InputErrors, Where

Loader = Callable[[duckdb.DuckDBPyConnection, DataFiles, Collection[str] | None], Table]

LOADERS: Mapping[str, Loader] = {
    "csv": load_delimited,
    "tsv": load_delimited,
    "json": load_json_lines,
    "parquet": load_parquet,
    "arrow": load_arrow,
}
"""Format -> loader; databases are read in their own ways."""


def load(
    con: duckdb.DuckDBPyConnection,
    files: DataFiles,
    source: Source,
    keep: Collection[str] | None,
    *,
    in_place: bool = False,
) -> Table:
    """Load the rows of a source.

    Parameters
    ----------
    con
        An empty connection; it is locked afterwards.
    files
        The files of the source.
    source
        Its query and types.
    keep
        Columns to load; ``None`` loads all.
    in_place
        Whether whole Parquet files and DuckDB tables stay where they are, to be read by each use.

    Raises
    ------
    DataError
        The files or the query cannot be read, or ``types`` names a column that there is not.
    """
    if files.format in LOADERS:
        table, known = _load_files(con, files, source, keep, in_place)
    else:
        table = _load_database(con, files, source, keep, in_place)
        known = table.names
    _refuse_unknown_types(source, (*table.names, *known))
    return table


def _load_files(
    con: duckdb.DuckDBPyConnection,
    files: DataFiles,
    source: Source,
    keep: Collection[str] | None,
    in_place: bool,
) -> tuple[Table, tuple[str, ...]]:
    loader = LOADERS[files.format]
    if source.query is None and in_place and files.format == "parquet":
        table = view_parquet(con, files, keep)
        lock(con, files.paths)
        return table, table.names
    if source.query is None:
        table = loader(con, files, keep)
        lock(con)
        return table, table.names
    stored = loader(con, files, None)
    create_data_view(con, stored.relation, _view_columns(stored, source))
    lock(con, files.paths if files.format == "parquet" else ())
    result = run_query(con, source.query, keep, na_is_ambiguous=stored.na_is_ambiguous)
    return result, stored.names


def _load_database(
    con: duckdb.DuckDBPyConnection,
    files: DataFiles,
    source: Source,
    keep: Collection[str] | None,
    in_place: bool,
) -> Table:
    if files.format == "sqlite":
        table = load_sqlite(con, files, source.query, keep)
        lock(con)
        return table
    attach(con, files)
    lock(con)
    if source.query is None:
        table = run_query(con, whole_table(con, files), keep, in_place=in_place)
    else:
        table = run_query(con, source.query, keep)
    leave(con)
    return table


def _view_columns(stored: Table, source: Source) -> Iterator[tuple[str, str]]:
    """Yield (name, SQL) of the columns that a query sees: numbers where a file has only text."""
    for column in stored.columns:
        yield column.name, _view_column(stored, column, source) if column.untyped else column.sql


def _view_column(stored: Table, column: RawColumn, source: Source) -> str:
    rules = Rules("any", source.types.get(column.name), source.na_values)
    try:
        return read_text(stored, column, rules).sql
    except DataError:
        if rules.explicit is not None:
            raise
    # What is wrong with a column matters only if the result shows it.
    cells = TextColumn(stored, column, rules)
    return f"CASE WHEN NOT {cells.missing} THEN {cells.text} END"


def _refuse_unknown_types(source: Source, names: tuple[str, ...]) -> None:
    unknown = [name for name in source.types if name not in names]
    errors = []
    for name in unknown:
        close = nearest(name, names)
        meant = f"; did you mean {close!r}?" if close else ""
        errors.append(
            DataError(
                "data.unknown-column",
                f"data.types: {name!r} not in data{meant}",
                Where(key=f"data.types.{name}"),
                listing(tuple(dict.fromkeys(names))),
            )
        )
    if errors:
        raise InputErrors(errors)
