"""Which rows are held out together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.data import Source, read_frame
from hiermix.data.words import counted
from hiermix.design import wanted_columns
from hiermix.design.grouping import build_factor
from hiermix.errors import DataError, UsageError, Where
from hiermix.formula import parse_formula

if TYPE_CHECKING:
    from hiermix.data.frame import Role
    from hiermix.design.types import Factor
    from hiermix.pipeline import Prepared

MOST = 200
"""Folds at most: each costs a fit of every method."""

ROW_FOLDS = 10
"""Folds of rows where nobody says how many."""


@dataclass(frozen=True)
class Folds:
    """A division of the rows.

    Attributes
    ----------
    fold
        Shape ``(n_obs,)``: the fold of each row, from 0.
    names
        What each fold is called: its level, or its number from 1.
    levels
        The factor or column whose levels are held out, with the level of each row; ``None`` where
        rows are.
    """

    fold: np.ndarray
    names: tuple[str, ...]
    levels: Factor | None

    def held(self, number: int) -> np.ndarray:
        """Return the positions of the rows of a fold, ascending."""
        return np.flatnonzero(self.fold == number)

    def kept(self, number: int) -> np.ndarray:
        """Return the positions of all other rows, ascending."""
        return np.flatnonzero(self.fold != number)


def deal_levels(factor: Factor, folds: int | None, seed: int) -> Folds:
    """Hold out the levels of a factor one at a time, or in folds of several levels.

    Raises
    ------
    UsageError
        Fewer than two folds, more than there are levels, or more than ``MOST``.
    """
    what = f"levels of {factor.name}"
    if folds is None:
        _check(factor.n_groups, factor.n_groups, what, asked=False)
        return Folds(factor.index, factor.levels, factor)
    _check(folds, factor.n_groups, what)
    return Folds(_dealt(factor.n_groups, folds, seed)[factor.index], _numbers(folds), factor)


def deal_rows(n_obs: int, folds: int | None, seed: int) -> Folds:
    """Hold out rows in folds; raise ``UsageError`` as `deal_levels` does."""
    count = min(ROW_FOLDS, n_obs) if folds is None else folds
    _check(count, n_obs, "rows")
    return Folds(_dealt(n_obs, count, seed), _numbers(count), None)


def _dealt(pieces: int, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each piece: a random order, dealt out in turn."""
    order = np.random.default_rng(seed).permutation(pieces)
    found = np.empty(pieces, dtype=np.int64)
    found[order] = np.arange(pieces) % folds
    return found


def _numbers(folds: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, folds + 1))


def _check(folds: int, pieces: int, what: str, *, asked: bool = True) -> None:
    if pieces < 2 or folds < 2:
        said = f"--folds {folds}" if asked and pieces >= 2 else f"{pieces} {what}"
        raise UsageError(
            "usage.holdout-folds",
            f"{said}: something has to be left to fit, and something held out",
            hint=f"there are {pieces} {what}: take 2 folds or more",
        )
    if folds > pieces:
        raise UsageError(
            "usage.holdout-folds",
            f"--folds {folds}: there are only {pieces} {what}",
            hint=f"--folds {min(pieces, ROW_FOLDS)}",
        )
    if folds > MOST:
        raise UsageError(
            "usage.holdout-many",
            f"{folds} folds need {folds} fits of each method; {MOST} are the most",
            hint=f"--folds {ROW_FOLDS}",
        )


def factor_to_hold(
    prepared: Prepared, by: str, root: Path, data_root: Path | None = None
) -> Factor:
    """Return a grouping factor of the formula, or else the levels of a column of the data.

    Parameters
    ----------
    by
        Name of the factor or column.
    root, data_root
        As for `prepare`.

    Raises
    ------
    UsageError
        It is the response.
    DataError
        There is no such column, or a row that the model uses has no value there.
    """
    for part in prepared.plan.parts:
        for factor in part.factors:
            if factor.name == by:
                return factor
    response = parse_formula(prepared.loaded.spec.model.formula).response
    if response is not None and by in response.variables:
        raise UsageError(
            "usage.holdout-by",
            f"--by {by}: rows cannot be held out by their response",
            hint="name a grouping factor, or a column that says which rows belong together",
        )
    table = prepared.frame.table
    if by not in table:
        table = _with_column(prepared, by, root, data_root)
    return build_factor(table, (by,))


def _with_column(prepared: Prepared, by: str, root: Path, data_root: Path | None) -> pd.DataFrame:
    """Return the rows of the model with another column of the data."""
    spec = prepared.loaded.spec
    data = spec.data
    source = Source(data.path, data.query, data.types, data.missing, data.na_values)
    wanted: dict[str, Role] = {**wanted_columns(spec), by: "category"}
    frame = read_frame(source, root, wanted, data_root=data_root, spans={by: Where(key="--by")})
    # A row of the data may be several of the model: one an arm.
    at = pd.Index(frame.row_numbers).get_indexer(prepared.frame.row_numbers)
    if (at < 0).any():
        lost = len(np.unique(prepared.frame.row_numbers[at < 0]))
        raise DataError(
            "data.holdout-missing",
            f"{by}: {counted(lost, 'row')} that the model uses have no value there",
            hint="fill it in, or hold out another column",
        )
    table: pd.DataFrame = frame.table.iloc[at].reset_index(drop=True)
    return table
