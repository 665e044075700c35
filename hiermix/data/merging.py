"""Equal rows read as one: DuckDB counts them, so that they never have to be in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hiermix.data.reading import SQL_TYPES
from hiermix.data.table import RawColumn, Table

MERGED_FROM = 1_000_000
"""Rows from which equal ones are merged while they are read. Fewer are read one by one, so that
what is written stays per row."""

WORTHWHILE = 0.5
"""Different rows per row up to which merging pays."""


@dataclass(frozen=True)
class Merging:
    """Rows that are equal in every column say the same to the model.

    ``averaged`` names a column of numbers that may differ between them, of which only the mean and
    the sum of squares about it matter: the response of a Gaussian model.
    """

    averaged: str | None = None

    def averages(self, column: RawColumn) -> bool:
        """Return whether a typed column is the one that is averaged."""
        return column.name == self.averaged and column.type != SQL_TYPES["category"]


@dataclass(frozen=True)
class MergedRows:
    """Rows that stand for several.

    ``first`` ``(n,)`` is the 1-based number of the first row of each, in ascending order,
    ``counts`` ``(n,)`` how many they are, ``values`` ``(n,)`` a column each; ``within_ss`` is the
    sum of squares of the averaged column about the means, over all rows.
    """

    first: np.ndarray
    counts: np.ndarray
    values: list[np.ndarray]
    within_ss: float


def merge_rows(typed: Table, merging: Merging, n_rows: int) -> MergedRows | None:
    """Merge the rows without a missing value.

    Parameters
    ----------
    typed
        Typed columns; they are read twice, and may be a view of files.
    merging
        What of a row matters.
    n_rows
        Rows of ``typed``.

    Returns
    -------
    MergedRows or None
        ``None`` where there are too few rows or too many different ones to gain from it.

    Notes
    -----
    Memory is proportional to the different rows. How many these are is estimated first
    (HyperLogLog, within some 2 %), so that rows which all differ cost one pass and no memory.
    """
    keys = [column.sql for column in typed.columns if not merging.averages(column)]
    if n_rows < MERGED_FROM or not keys:
        return None
    (different,) = typed.row(f"approx_count_distinct(hash({', '.join(keys)}))")
    if different > WORTHWHILE * n_rows:
        return None
    found = _grouped(typed, merging, keys)
    counts = _array(found["n"]).astype(np.int64)
    if len(counts) < 2:
        return None
    within = _array(found["within"]).sum() if "within" in found else 0.0
    return MergedRows(
        _array(found["first"]).astype(np.int64),
        counts,
        [_array(found[column.sql]) for column in typed.columns],
        float(within),
    )


def _grouped(typed: Table, merging: Merging, keys: list[str]) -> dict[str, Any]:
    selected = ["min(rowid) + 1 AS first", "count(*) AS n", *keys]
    for column in typed.columns:
        if merging.averages(column):
            value = f"CAST({column.sql} AS DOUBLE)"
            # Welford's variance: sums of squares would cancel far from zero.
            selected += [
                f"favg({value}) AS {column.sql}",
                f"var_pop({value}) * count(*) AS within",
            ]
    found: dict[str, Any] = typed.con.execute(
        f"SELECT {', '.join(selected)} FROM {typed.relation} WHERE {typed.complete} "
        f"GROUP BY {', '.join(keys)} ORDER BY first"
    ).fetchnumpy()
    return found


def _array(masked: np.ndarray) -> np.ndarray:
    return np.asarray(np.ma.getdata(masked))
