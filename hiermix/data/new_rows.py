"""Rows that a fitted model has not seen, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hiermix.data.engine import connect, told_as
from hiermix.data.files import find_files
from hiermix.data.frame import Role
from hiermix.data.load import load
from hiermix.data.read import decide, refuse_unknown
from hiermix.data.reading import SQL_TYPES, Reading, Rules
from hiermix.data.source import Source
from hiermix.data.table import RawColumn, Table
from hiermix.data.typed_columns import INTEGERS, REALS, read_column
from hiermix.data.words import PATH
from hiermix.errors import DataError, HiermixError, InputErrors, Where

TYPED = "hiermix_new_rows"
"""Name of the table of typed columns."""

CHUNK_ROWS = 65_536
"""Rows that are in Python's memory at a time."""

KEPT_TYPES = {"BIGINT": "int64", "DOUBLE": "float64", "BOOLEAN": "bool", "VARCHAR": "string"}
"""DuckDB's type of a column that is passed on -> Arrow's name of it."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of new data.

    Attributes
    ----------
    numbers
        Shape ``(n,)``: 1-based numbers of the data rows.
    values
        Column -> ``(n,)``: float64, or texts as objects for labels.
    kept
        The columns to pass on, as they stand in the file, by name.
    """

    numbers: np.ndarray
    values: Mapping[str, np.ndarray]
    kept: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class NewRows:
    """An open source of new rows; usable inside `open_new_rows` only.

    Attributes
    ----------
    table
        Typed columns, NULL where there is no value.
    wanted, keep
        Columns that the model evaluates, and columns to pass on.
    labels
        Which of ``wanted`` are texts.
    n_rows
        Rows of the source.
    kept_types
        Column to pass on -> ``int64``, ``float64``, ``bool`` or ``string``.
    errors
        Columns that are not there or cannot be read; the others can still be looked at.
    """

    table: Table
    wanted: tuple[str, ...]
    keep: tuple[str, ...]
    labels: frozenset[str]
    n_rows: int
    kept_types: Mapping[str, str]
    errors: tuple[HiermixError, ...] = ()

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows that lack no wanted value, in file order, up to `CHUNK_ROWS` each."""
        selected = ", ".join(
            [f"c{i}" for i in range(len(self.wanted))] + [f"k{i}" for i in range(len(self.keep))]
        )
        complete = " AND ".join(["true", *(f"c{i} IS NOT NULL" for i in range(len(self.wanted)))])
        for start in range(0, self.n_rows, CHUNK_ROWS):
            fetched: dict[str, Any] = self.table.con.execute(
                f"SELECT rowid + 1 AS number{', ' if selected else ''}{selected} FROM {TYPED} "
                f"WHERE rowid >= {start} AND rowid < {start + CHUNK_ROWS} AND {complete} "
                "ORDER BY rowid"
            ).fetchnumpy()
            numbers = np.ma.getdata(fetched["number"]).astype(np.int64)
            if len(numbers):
                yield Chunk(
                    numbers,
                    {
                        name: self._value(name, fetched[f"c{i}"])
                        for i, name in _counted(self.wanted)
                    },
                    {name: _with_none(fetched[f"k{i}"]) for i, name in _counted(self.keep)},
                )

    def _value(self, name: str, fetched: Any) -> np.ndarray:
        data = np.ma.getdata(fetched)
        return np.asarray(data if name in self.labels else data.astype(np.float64))

    def missing(self) -> Iterator[tuple[str, int, list[str]]]:
        """Yield each wanted column that lacks values: how often, and the places of up to three."""
        for i, name in _counted(self.wanted):
            count = int(self.table.row(f"count(*) FILTER (c{i} IS NULL)")[0])
            if count:
                found = self.table.examples("1", f"c{i} IS NULL")
                yield name, count, [place for place, _ in found]

    def place(self, number: int) -> str:
        """Say where a data row is: ``row 6``, or ``row 2 of b.csv``."""
        return self.table.place(number)


@contextmanager
def open_new_rows(
    source: Source,
    root: Path,
    wanted: Mapping[str, Role],
    welcome: Mapping[str, Role],
    keep: Sequence[str] = (),
) -> Iterator[NewRows]:
    """Open a source as rows for a model that is fitted already.

    Parameters
    ----------
    source
        The file, and the types that its columns have to have.
    root
        Directory that relative paths start from.
    wanted
        Column -> what the model needs it to be; numbers have a type in ``source``.
    welcome
        Columns that are read too where they are there.
    keep
        Columns to pass on as they are.

    Raises
    ------
    DataError, InputErrors
        The file cannot be read, or none of its columns. Errors of single columns are in
        ``NewRows.errors``.
    EnvironmentFault
        A file may not be read, or does not fit into memory.

    Notes
    -----
    DuckDB holds the wanted columns of all rows, Python those of one chunk.
    """
    files = find_files(source.path, root, None)
    names = ", ".join(files.names)
    every = [*keep, *wanted, *welcome]
    with told_as("data.unreadable", names, PATH), closing(connect()) as con:
        # Types of columns that are not there are no second error.
        table = load(con, files, replace(source, types={}), every)
        wanted = {**wanted, **{name: r for name, r in welcome.items() if name in table.names}}
        readings, errors = _read_all(table, source, wanted, keep)
        n_rows = table.n_rows
        if not n_rows:
            raise DataError("data.no-rows", f"{names}: 0 rows", PATH)
        keep = tuple(name for name in keep if name in table.names)
        if errors and not readings:
            raise InputErrors(errors)
        kept = {name: _kept(table, table.column(name), readings.get(name)) for name in keep}
        typed = _typed(table, readings, kept)
        labels = frozenset(name for name, r in readings.items() if r.kind == "category")
        types = {name: KEPT_TYPES[type] for name, (_, type) in kept.items()}
        yield NewRows(typed, tuple(readings), keep, labels, n_rows, types, tuple(errors))


def _read_all(
    table: Table, source: Source, wanted: Mapping[str, Role], keep: Sequence[str]
) -> tuple[dict[str, Reading], list[HiermixError]]:
    """Decide on all columns; return what is wrong with those that cannot be read."""
    errors: list[HiermixError] = []
    try:
        refuse_unknown(table, {**wanted, **dict.fromkeys(keep, "any")}, {})
    except InputErrors as error:
        errors += error.flatten()
    readings: dict[str, Reading] = {}
    for name, role in wanted.items():
        if name in table.names:
            try:
                readings |= decide(table, source, {name: role})
            except (DataError, InputErrors) as error:
                errors += error.flatten()
    return readings, errors


def _typed(
    table: Table, readings: Mapping[str, Reading], kept: Mapping[str, tuple[str, str]]
) -> Table:
    columns = tuple(
        RawColumn(name, f"c{i}", SQL_TYPES[readings[name].kind]) for i, name in _counted(readings)
    )
    selected = [
        f"CAST({reading.sql} AS {column.type}) AS {column.sql}"
        for column, reading in zip(columns, readings.values(), strict=True)
    ]
    selected += [f"CAST({kept[name][0]} AS {kept[name][1]}) AS k{i}" for i, name in _counted(kept)]
    chosen = ", ".join(selected or ["1 AS nothing"])
    table.con.execute(f"CREATE TEMP TABLE {TYPED} AS SELECT {chosen} FROM {table.relation}")
    table.con.execute(f"DROP TABLE {table.relation}")
    return Table(table.con, TYPED, columns, table.names, table.parts)


def _kept(table: Table, column: RawColumn, reading: Reading | None) -> tuple[str, str]:
    """Return SQL and type of a column to pass on: labels as they stand, numbers as numbers."""
    if reading is not None and reading.kind == "category":
        return reading.sql, "VARCHAR"
    if column.untyped and not column.problem:
        try:
            found = read_column(table, column, Rules("any"))
            return found.sql, SQL_TYPES[found.kind]
        except DataError:
            return column.sql, "VARCHAR"
    return column.sql, _kept_type(column)


def _kept_type(column: RawColumn) -> str:
    kind = column.type.split("(")[0]
    if kind in INTEGERS and "HUGE" not in kind and kind != "UBIGINT":
        return "BIGINT"
    if kind in REALS and kind != "DECIMAL":
        return "DOUBLE"
    return "BOOLEAN" if kind == "BOOLEAN" else "VARCHAR"


def _with_none(fetched: Any) -> np.ndarray:
    """Return an array as objects, with ``None`` where there is no value."""
    values = np.ma.getdata(fetched).astype(object)
    masked = np.ma.getmaskarray(fetched)
    values[masked] = None
    return np.asarray(values)


def _counted(names: Sequence[str] | Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    return enumerate(names)


def replaced(error: HiermixError, file: str, read: str = "") -> list[HiermixError]:
    """Return errors of the data as errors of a file that is not the spec's.

    Parameters
    ----------
    error
        One, or several.
    file
        What a person calls it.
    read
        Name of the file that was read, where messages have another one.
    """
    found: list[HiermixError] = []
    for single in error.flatten():
        key = single.where.key or ""
        hint = single.hint
        if "data." in hint or key.startswith("data.types"):
            hint = "the column has to be what it was when the model was fitted"
        elif "spec" in hint:
            hint = "paths are relative to the current folder"
        message = single.message.replace("data.path", "NEWDATA")
        message = message.replace(read, file) if read else message
        found.append(type(single)(single.id, message, Where(file=file), hint))
    return found
