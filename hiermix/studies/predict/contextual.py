"""Level means of new rows: those that were fitted, and for new levels those of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hiermix.design.cre.means import LevelMeans
from hiermix.studies.predict.levels import RowLevels

Key = tuple[str, ...]


class RowMeans:
    """The means by factor that rows get.

    A level that was fitted has the means that it was fitted with. A new level has those of all its
    new rows, so that these have to be seen first: see `add`.

    Parameters
    ----------
    fitted
        One for each factor that means are taken by.
    """

    def __init__(self, fitted: Iterable[LevelMeans]) -> None:
        self._fitted = {means.group: means for means in fitted}
        self._place: dict[str, dict[Key, int]] = {group: {} for group in self._fitted}
        self._weight: dict[str, list[float]] = {group: [] for group in self._fitted}
        self._sums: dict[str, list[np.ndarray]] = {group: [] for group in self._fitted}

    @property
    def groups(self) -> tuple[str, ...]:
        """Factors that means are taken by."""
        return tuple(self._fitted)

    def columns(self, group: str) -> tuple[str, ...]:
        """Return the design columns whose means by a factor are known."""
        return self._fitted[group].columns

    def add(self, group: str, levels: RowLevels, x: np.ndarray, weight: np.ndarray) -> None:
        """Count the rows of new levels in.

        Parameters
        ----------
        group
            Factor.
        levels
            Levels of the rows.
        x
            Shape ``(n, k)``: the design columns of `columns` at the rows.
        weight
            Shape ``(n,)``: weights of the rows, as in the likelihood.
        """
        new = levels.is_new
        if not new.any():
            return
        which, weight = levels.which[new], weight[new]
        total = np.bincount(which, weight, minlength=len(levels.new))
        centre = self._fitted[group].overall
        sums = [
            np.bincount(which, weight * column, minlength=len(levels.new))
            for column in (x[new] - centre).T
        ]
        place = self._place[group]
        for i, key in enumerate(levels.new):
            own = np.array([column[i] for column in sums])
            if key not in place:
                place[key] = len(place)
                self._weight[group].append(0.0)
                self._sums[group].append(np.zeros_like(own))
            self._weight[group][place[key]] += float(total[i])
            self._sums[group][place[key]] += own

    def of_rows(self, group: str, levels: RowLevels, names: Sequence[str]) -> np.ndarray:
        """Return the means of some columns, shape ``(n, len(names))``."""
        fitted = self._fitted[group]
        picks = [fitted.columns.index(name) for name in names]
        result = fitted.values[:, picks][levels.place]
        if levels.is_new.any():
            place = [self._place[group][key] for key in levels.new]
            own = np.array([self._sums[group][i] / self._weight[group][i] for i in place])
            own = own + fitted.overall
            result[levels.is_new] = own[:, picks][levels.which[levels.is_new]]
        return np.asarray(result)

    def overall(self, group: str, names: Sequence[str]) -> np.ndarray:
        """Return the means of some columns over all fitted rows, shape ``(len(names),)``."""
        fitted = self._fitted[group]
        return fitted.overall[[fitted.columns.index(name) for name in names]]
