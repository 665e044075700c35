"""A source and the columns that a model wants, to a frame."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hiermix.data.engine import connect, told_as
from hiermix.data.files import find_files
from hiermix.data.fingerprint import fingerprint
from hiermix.data.frame import Frame, Role
from hiermix.data.labels import check_labels
from hiermix.data.load import load
from hiermix.data.merging import MergedRows, Merging, merge_rows
from hiermix.data.missing import count_missing, refuse_missing
from hiermix.data.reading import SQL_TYPES, Reading, Rules
from hiermix.data.source import Source
from hiermix.data.table import RawColumn, Table
from hiermix.data.typed_columns import read_column
from hiermix.data.words import PATH, QUERY, listing, nearest
from hiermix.errors import DataError, HiermixError, InputErrors, Where
from hiermix.measurement import Measurement

TYPED = "hiermix_typed"
"""Name of the table of typed columns."""


def read_frame(
    source: Source,
    root: Path,
    wanted: Mapping[str, Role],
    *,
    data_root: Path | None = None,
    spans: Mapping[str, Where] | None = None,
    merging: Merging | None = None,
) -> Frame:
    """Read the columns of a model.

    Parameters
    ----------
    source
        Where the rows come from and how they are read.
    root
        Directory that relative paths start from.
    wanted
        Column -> what the model needs it to be, in the order of the frame's columns.
    data_root
        If given, files outside it are refused.
    spans
        Column -> where the spec mentions it, for the error about a column that there is not.
    merging
        Which rows may be merged; ``None`` if none.

    Returns
    -------
    Frame
        Its rows are in file order, and the same for the same files every time.

    Raises
    ------
    DataError, InputErrors
        Files, query, columns or values are not what they should be. Errors of columns are
        reported together.
    EnvironmentFault
        A file may not be read, is locked, or does not fit into memory.

    Notes
    -----
    A million rows of CSV take one or two seconds; the text of the wanted columns is in memory
    at once. Rows of Parquet and DuckDB files that can be merged are never in memory.
    """
    files = find_files(source.path, root, data_root)
    names = ", ".join(files.names)
    with told_as("data.unreadable", names, PATH), closing(connect()) as con:
        table = load(con, files, source, wanted, in_place=merging is not None)
        refuse_unknown(table, wanted, spans or {})
        n_read = table.n_rows
        if not n_read:
            raise _no_rows(names if source.query is None else "data.query")
        readings = decide(table, source, wanted)
        typed = typed_table(table, readings)
        missing = count_missing(typed)
        refuse_missing(typed, source, missing, n_read)
        merged = None if merging is None else merge_rows(typed, merging, n_read)
        row_numbers, values = _fetch(typed) if merged is None else (merged.first, merged.values)
    if not len(row_numbers):
        raise DataError(
            "data.no-rows",
            "0 rows left: every row lacks a value in some column",
            PATH,
            "; ".join(f"{name}: {count} missing" for name, count in missing.items()),
        )
    columns, warnings = _columns(readings, values)
    n_used = len(row_numbers) if merged is None else int(merged.counts.sum())
    if missing:
        warnings = (*warnings, _dropped(missing, n_read, n_used))
    if merged is not None:
        warnings = (*warnings, _counted(n_used, len(row_numbers)))
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(row_numbers)))
    return Frame(
        table=frame,
        row_numbers=row_numbers,
        n_read=n_read,
        dropped=missing,
        all_columns=table.names,
        measurements=_measurements(wanted, n_read, n_used, missing),
        warnings=warnings,
        **_merged_facts(frame, merged),
    )


def _merged_facts(table: pd.DataFrame, merged: MergedRows | None) -> dict[str, Any]:
    if merged is None:
        return {"sha256": fingerprint(table)}
    return {
        "sha256": fingerprint(table, merged.counts, merged.within_ss),
        "multiplicity": merged.counts,
        "within_ss": merged.within_ss,
    }


def _no_rows(of: str) -> DataError:
    return DataError("data.no-rows", f"{of}: 0 rows", QUERY if of == "data.query" else PATH)


def _dropped(missing: Mapping[str, int], n_read: int, n_used: int) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in missing.items())
    return f"{n_read - n_used} of {n_read} rows dropped for missing values ({counts})"


def _counted(n_used: int, n_different: int) -> str:
    return (
        f"{n_used:,} rows read as {n_different:,} different ones and their counts; log likelihood "
        "and predictions are not of single rows (data.reduce: off reads every row)"
    )


def refuse_unknown(table: Table, wanted: Mapping[str, Role], spans: Mapping[str, Where]) -> None:
    """Raise one error for each wanted column that there is not."""
    errors = [
        _unknown(name, table.names, _mentioned(spans.get(name, Where())))
        for name in wanted
        if name not in table.names
    ]
    if errors:
        raise InputErrors(errors)


def _mentioned(where: Where) -> Where:
    return where if where.key else replace(where, key="model.formula")


def _unknown(name: str, names: tuple[str, ...], where: Where) -> DataError:
    padded = next((other for other in names if other.strip() == name), None)
    if padded is not None:
        return DataError(
            "data.unknown-column",
            f"{name!r} not found; column {padded!r} has surrounding blanks",
            PATH,
            "correct the header of the file",
        )
    close = nearest(name, names)
    meant = f"; did you mean {close!r}?" if close else ""
    return DataError("data.unknown-column", f"{name!r} not in data{meant}", where, listing(names))


def decide(table: Table, source: Source, wanted: Mapping[str, Role]) -> dict[str, Reading]:
    """Return how each wanted column is read; raise all that cannot be."""
    readings: dict[str, Reading] = {}
    errors: list[HiermixError] = []
    for name, role in wanted.items():
        rules = Rules(role, source.types.get(name), source.na_values)
        try:
            readings[name] = read_column(table, table.column(name), rules)
        except DataError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
    return readings


def typed_table(table: Table, readings: Mapping[str, Reading]) -> Table:
    """Carry the decisions out, and let go of what was read."""
    columns = tuple(
        RawColumn(name, f"c{index}", SQL_TYPES[reading.kind])
        for index, (name, reading) in enumerate(readings.items())
    )
    selected = ", ".join(
        f"CAST({reading.sql} AS {column.type}) AS {column.sql}"
        for column, reading in zip(columns, readings.values(), strict=True)
    )
    if table.is_view:
        table.con.execute(
            f"CREATE TEMP VIEW {TYPED} AS SELECT rowid, {selected} FROM {table.relation}"
        )
    else:
        table.con.execute(f"CREATE TEMP TABLE {TYPED} AS SELECT {selected} FROM {table.relation}")
        table.con.execute(f"DROP TABLE {table.relation}")
    return Table(table.con, TYPED, columns, table.names, table.parts, is_view=table.is_view)


def _fetch(typed: Table) -> tuple[np.ndarray, list[np.ndarray]]:
    selected = ", ".join(column.sql for column in typed.columns)
    fetched: dict[str, Any] = typed.con.execute(
        f"SELECT rowid + 1 AS number, {selected} FROM {typed.relation} WHERE {typed.complete}"
    ).fetchnumpy()
    arrays = [np.ma.getdata(fetched[column.sql]) for column in typed.columns]
    return np.ma.getdata(fetched["number"]).astype(np.int64), arrays


def _columns(
    readings: Mapping[str, Reading], values: list[np.ndarray]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    columns: dict[str, Any] = {}
    warnings: list[str] = []
    errors: list[HiermixError] = []
    for (name, reading), array in zip(readings.items(), values, strict=True):
        warnings += reading.warnings
        columns[name] = array
        if reading.kind == "category":
            columns[name] = _categorical(array)
            try:
                warnings += check_labels(
                    name, columns[name].categories, may_merge=reading.may_merge
                )
            except DataError as error:
                errors.append(error)
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
    return columns, tuple(warnings)


def _categorical(labels: np.ndarray) -> pd.Categorical:
    codes, found = pd.factorize(labels)
    order = sorted(range(len(found)), key=lambda index: found[index])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    levels = pd.Index([found[index] for index in order], dtype=object)
    return pd.Categorical.from_codes(ranks[codes], categories=levels)


def _measurements(
    wanted: Mapping[str, Role], n_read: int, n_used: int, missing: Mapping[str, int]
) -> tuple[Measurement, ...]:
    return (
        Measurement("rows_used", "data", "", float(n_used)),
        Measurement("rows_dropped_share", "data", "", (n_read - n_used) / n_read),
        *(
            Measurement("missing_share", "data", name, missing.get(name, 0) / n_read)
            for name in wanted
        ),
    )
