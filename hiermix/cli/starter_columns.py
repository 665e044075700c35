"""Facts about the columns of a data file, read as a run would read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hiermix.cli.starter import Column
from hiermix.data import Source, list_columns, read_frame
from hiermix.errors import DataError

DEPENDENT = 1e-8
"""Share of a column's variation that others leave over, below which they determine it."""


@dataclass(frozen=True)
class Columns:
    """All columns of a file; ``numbers`` have shape ``(rows,)``, NaN where there is no value."""

    facts: tuple[Column, ...]
    numbers: Mapping[str, np.ndarray]

    def repeats(self, known: Sequence[str], name: str) -> bool:
        """Tell whether the column is a linear combination of known ones and a constant."""
        values = [self.numbers[column] for column in (*known, name)]
        complete = np.isfinite(values).all(axis=0)
        *others, target = (_standardised(column[complete]) for column in values)
        matrix = np.column_stack(others)
        left = target - matrix @ np.linalg.lstsq(matrix, target, rcond=None)[0]
        return bool(np.linalg.norm(left) <= DEPENDENT * max(np.linalg.norm(target), 1.0))


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean() if len(values) else values
    spread = np.linalg.norm(centred)
    return centred / spread if spread > 0 else centred


def read_columns(path: Path) -> Columns:
    """Read every column by itself, so that one which cannot be read does not hide the others.

    Raises
    ------
    DataError
        If the file cannot be read at all.
    """
    source = Source(path=str(path), missing="drop")
    facts, numbers = [], {}
    for name in list_columns(source, Path.cwd()):
        try:
            frame = read_frame(source, Path.cwd(), {name: "any"})
        except DataError as fault:
            facts.append(Column(name, "other", 0, 0, 0, fault=fault))
            continue
        values = frame.table[name]
        fact = _fact(name, values, frame.n_read)
        facts.append(fact)
        if fact.kind == "number":
            numbers[name] = np.full(frame.n_read, np.nan)
            numbers[name][frame.row_numbers - 1] = values.to_numpy(dtype=float)
    return Columns(tuple(facts), numbers)


def _fact(name: str, values: pd.Series, rows: int) -> Column:
    missing, distinct = rows - len(values), int(values.nunique())
    if not pd.api.types.is_numeric_dtype(values):
        return Column(name, "text", rows, missing, distinct)
    numbers = values.to_numpy(dtype=float)
    return Column(
        name,
        "number",
        rows,
        missing,
        distinct,
        whole=bool((numbers == np.floor(numbers)).all()),
        low=float(numbers.min()) if len(numbers) else None,
        high=float(numbers.max()) if len(numbers) else None,
    )
