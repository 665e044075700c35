"""Read the columns that a model uses."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hiermix.data.frame import Frame, Role
from hiermix.data.kinds import settle
from hiermix.data.source import Source, find_files
from hiermix.data.tables import Table, open_table
from hiermix.errors import DataError, HiermixError, InputErrors, Where
from hiermix.measurement import Measurement

MAX_LISTED = 30


def list_columns(source: Source, root: Path, *, data_root: Path | None = None) -> tuple[str, ...]:
    """Return the names of the source's columns, in order.

    Raises
    ------
    DataError
        The file or query cannot be read.
    """
    return open_table(find_files(source.path, root, data_root), source.query).names


def read_frame(
    source: Source,
    root: Path,
    wanted: Mapping[str, Role],
    *,
    data_root: Path | None = None,
    spans: Mapping[str, Where] | None = None,
) -> Frame:
    """Read the wanted columns, settle what they are and deal with missing values.

    Parameters
    ----------
    source
        What the spec says about its data.
    root
        Directory that relative paths start from.
    wanted
        Column -> role, in the order that the frame shall have.
    data_root
        If given, files outside it are refused.
    spans
        Column -> where the formula mentions it, for errors.

    Returns
    -------
    Frame
        No missing values are left in it.

    Raises
    ------
    DataError
        With the column and up to three data rows; several are raised together.
    """
    table = open_table(find_files(source.path, root, data_root), source.query)
    _check_names(table, wanted, spans or {})
    columns: dict[str, pd.Series] = {}
    missing: dict[str, np.ndarray] = {}
    warnings: list[str] = []
    errors: list[HiermixError] = []
    for name, role in wanted.items():
        try:
            columns[name], missing[name], said = settle(
                table.column(name, labels=role == "category" or name in source.types),
                role,
                source.types.get(name),
                source.na_values,
            )
            warnings += said
        except DataError as error:
            errors.append(error)
    _raise(errors)
    n_read = len(next(iter(missing.values()))) if missing else 0
    if n_read == 0:
        raise DataError("data.no-rows", "0 rows", Where(key="data.path"))
    if source.missing == "error":
        _raise([e for name, mask in missing.items() if (e := _missing_error(name, mask))])
    keep = ~np.any(list(missing.values()), axis=0)
    if not keep.any():
        raise _nothing_left(missing, n_read)
    frame = pd.DataFrame({name: _kept(column, keep) for name, column in columns.items()})
    dropped = {name: int(mask.sum()) for name, mask in missing.items() if mask.any()}
    if dropped:
        counts = ", ".join(f"{name} {count}" for name, count in dropped.items())
        warnings.append(
            f"{n_read - int(keep.sum())} of {n_read} rows dropped for missing values ({counts})"
        )
    return Frame(
        frame,
        np.flatnonzero(keep) + 1,
        digest(frame),
        n_read,
        dropped,
        table.names,
        (
            Measurement("rows_used", "data", "", float(keep.sum())),
            Measurement("rows_dropped_share", "data", "", float(1 - keep.mean())),
        ),
        tuple(warnings),
    )


def digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 of names, kinds and values; the file format plays no part."""
    state = hashlib.sha256()
    for name, column in table.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels = "\0".join(map(str, column.cat.categories))
            content = column.cat.codes.to_numpy(dtype="<i8").tobytes() + levels.encode()
            kind = "category"
        else:
            kind = {"i": "integer", "f": "float", "b": "boolean"}[column.dtype.kind]
            width = {"integer": "<i8", "float": "<f8", "boolean": "?"}[kind]
            content = column.to_numpy(dtype=width).tobytes()
        head = f"{name}\0{kind}\0{len(content)}\0".encode()
        state.update(head + content)
    return state.hexdigest()


def _kept(column: pd.Series, keep: np.ndarray) -> pd.Series:
    kept = column[keep].reset_index(drop=True)
    if isinstance(kept.dtype, pd.CategoricalDtype):
        return kept.cat.remove_unused_categories()
    return kept


def _raise(errors: list[HiermixError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors)


def _check_names(table: Table, wanted: Mapping[str, Role], spans: Mapping[str, Where]) -> None:
    errors: list[HiermixError] = []
    for name in wanted:
        if name in table.names:
            continue
        where = spans.get(name, Where())
        place = replace(where, key="model.formula")
        blank = next((n for n in table.names if n.strip() == name.strip()), None)
        if blank is not None:
            errors.append(
                DataError(
                    "data.blanks-in-name",
                    f"{name!r} not found; column {blank!r} has surrounding blanks",
                    Where(key="data.path"),
                    "remove the blanks from the header",
                )
            )
            continue
        close = difflib.get_close_matches(name, table.names, n=1)
        listed = ", ".join(table.names[:MAX_LISTED])
        more = ", ..." if len(table.names) > MAX_LISTED else ""
        errors.append(
            DataError(
                "data.unknown-column",
                f"{name!r} not in data; columns: {listed}{more}",
                place,
                f"did you mean {close[0]!r}?" if close else "names are case-sensitive",
            )
        )
    _raise(errors)


def _missing_error(name: str, mask: np.ndarray) -> DataError | None:
    if not mask.any():
        return None
    if mask.all():
        return DataError(
            "data.all-missing",
            f"{name}: all {len(mask)} missing",
            Where(key="data.path"),
            "leave the column out of the formula",
        )
    return DataError(
        "data.missing",
        f"{name}: {int(mask.sum())} missing, first at row {int(np.argmax(mask)) + 1}; "
        "set data.missing: drop",
        Where(key="data.path"),
        "data.missing: drop leaves these rows out and counts them in the manifest",
    )


def _nothing_left(missing: Mapping[str, np.ndarray], n_read: int) -> DataError:
    counts = ", ".join(f"{name} {int(mask.sum())}" for name, mask in missing.items() if mask.any())
    return DataError(
        "data.no-rows",
        f"0 rows left of {n_read}: missing values in {counts}",
        Where(key="data.path"),
        "leave a column with many missing values out of the formula",
    )
