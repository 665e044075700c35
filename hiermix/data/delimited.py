"""CSV and TSV files: every cell as the text that stands there."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path

import duckdb

from hiermix.data.delimited_faults import check_bytes, find_fault
from hiermix.data.engine import literal, pattern, said
from hiermix.data.files import DataFiles
from hiermix.data.parts import (
    CELLS,
    insert_parts,
    kept,
    refuse_other_columns,
    refuse_same_names,
)
from hiermix.data.table import RawColumn, Table, sterile
from hiermix.data.words import PATH
from hiermix.errors import DataError

DELIMITERS = {"csv": ",", "tsv": "\t"}
LOOKALIKES = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
LONGEST_HEADER = 1 << 20
"""Characters of a file in which the header must end."""

NO_NULL = "\x01"
"""Takes the place of the empty cell as DuckDB's mark for NULL: an empty cell stays a text."""


def load_delimited(
    con: duckdb.DuckDBPyConnection, files: DataFiles, keep: Collection[str] | None
) -> Table:
    """Load CSV or TSV files with the same header.

    Parameters
    ----------
    con
        Holds the rows.
    files
        The files, in the order of their rows.
    keep
        Columns to load; ``None`` loads all.

    Raises
    ------
    DataError
        A file is not text, has no header or another one, or has rows that do not fit it.
    """
    delimiter = DELIMITERS[files.format]
    headers = [
        _checked_header(path, name, delimiter)
        for path, name in zip(files.paths, files.names, strict=True)
    ]
    names = headers[0]
    for header, file in zip(headers, files.names, strict=True):
        refuse_other_columns(header, names, file, files.names[0])
    columns = tuple(
        RawColumn(names[index], f"c{index}", "VARCHAR", untyped=True) for index in kept(names, keep)
    )
    selected = ", ".join(column.sql for column in columns)
    parts = insert_parts(
        con,
        [f"SELECT {selected} FROM {_read(path, delimiter, len(names))}" for path in files.paths],
        files.names,
        lambda index, error: _fault(files, index, delimiter, len(names), error),
    )
    return Table(con, CELLS, columns, names, parts, na_is_ambiguous=True)


def _fault(
    files: DataFiles, index: int, delimiter: str, width: int, failure: duckdb.Error
) -> DataError:
    file = files.names[index]
    fault = find_fault(files.paths[index], file, delimiter, width)
    return fault or DataError(
        "data.unreadable",
        f"{file}: {said(failure)}",
        PATH,
        "different kinds of line ends in one file do this",
    )


def _read(path: Path, delimiter: str, width: int) -> str:
    types = ", ".join(f"{name}: 'VARCHAR'" for name in sterile(width))
    # One thread: where a row begins in the middle of a file is a guess if cells have line breaks.
    return (
        f"read_csv({literal(pattern(path))}, columns = {{{types}}}, auto_detect = false, "
        f"header = true, delim = {literal(delimiter)}, quote = '\"', escape = '\"', "
        f"strict_mode = true, parallel = false, compression = 'none', "
        f"nullstr = {literal(NO_NULL)}, hive_partitioning = false)"
    )


def _checked_header(path: Path, file: str, delimiter: str) -> tuple[str, ...]:
    quotes = check_bytes(path, file)
    with path.open(encoding="utf-8-sig", newline="") as opened:
        start = opened.read(LONGEST_HEADER)
    reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise DataError(
            "data.no-header", f"{file}: the header cannot be read: {error}", PATH
        ) from error
    if not any(header):
        raise DataError(
            "data.no-header", f"{file}: no header", PATH, "the first line names the columns"
        )
    if len(header) == 1:
        _refuse_other_delimiter(header[0], file, delimiter)
    refuse_same_names(header, file)
    # DuckDB on one thread passes over a last row whose quote never closes.
    fault = find_fault(path, file, delimiter, len(header)) if quotes else None
    if fault is not None:
        raise fault
    return tuple(header)


def _refuse_other_delimiter(only: str, file: str, delimiter: str) -> None:
    others = {mark: only.count(mark) for mark in LOOKALIKES if mark != delimiter}
    likely = max(others, key=lambda mark: others[mark])
    if others[likely]:
        raise DataError(
            "data.delimiter",
            f"{file}: 1 column found; delimiter looks like {LOOKALIKES[likely]}",
            PATH,
            "a .csv file is separated by commas, a .tsv file by tabs",
        )
