"""Means of design columns by level, and how several factors' means make one decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hiermix.design.grouping import is_nested
from hiermix.design.types import Factor
from hiermix.errors import DesignError, Where

NewLevels = Literal["rows", "error"]


@dataclass(frozen=True)
class LevelMeans:
    """Means of design columns by the levels of one factor, on the rows that were fitted.

    ``levels`` are the level texts, ``values`` has shape ``(n_groups, k)`` for the names in
    ``columns``, ``weight`` and ``n_rows`` shape ``(n_groups,)``. ``overall`` (``(k,)``) are the
    means over all rows. Rows are weighted as in the likelihood.
    """

    group: str
    levels: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    weight: np.ndarray
    n_rows: np.ndarray
    overall: np.ndarray

    @classmethod
    def of(
        cls, factor: Factor, columns: Sequence[str], x: np.ndarray, weight: np.ndarray
    ) -> LevelMeans:
        """Measure the means of ``x``, shape ``(n_obs, k)``; ``weight`` has shape ``(n_obs,)``.

        Time and memory are linear in rows and levels.
        """
        overall = np.average(x, axis=0, weights=weight)
        total = np.bincount(factor.index, weight, minlength=factor.n_groups)
        # About the overall mean: a year of 2020 keeps as many digits as a share.
        sums = [
            np.bincount(factor.index, weight * column, minlength=factor.n_groups)
            for column in (x - overall).T
        ]
        values = np.column_stack(sums) / total[:, None] + overall
        return cls(
            factor.name, factor.levels, tuple(columns), values, total, factor.counts, overall
        )

    def of_rows(
        self,
        labels: Sequence[str],
        x: np.ndarray,
        weight: np.ndarray | None = None,
        new_levels: NewLevels = "rows",
    ) -> np.ndarray:
        """Return the mean that each row of other data gets, shape ``(n, k)``.

        A level that was fitted keeps the mean that it was fitted with. A new level has the mean
        of its new rows.

        Parameters
        ----------
        labels
            Level text of each row.
        x
            Shape ``(n, k)``: the columns at the new rows.
        weight
            Shape ``(n,)``; ``None`` is one for each row.
        new_levels
            ``error`` refuses levels that were not fitted.

        Raises
        ------
        DesignError
            There are new levels and ``new_levels`` is ``error``.
        """
        place = pd.Index(self.levels).get_indexer(pd.Index(labels))
        new = place < 0
        if not new.any():
            return np.asarray(self.values[place])
        names = sorted({str(label) for label, is_new in zip(labels, new, strict=True) if is_new})
        if new_levels == "error":
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
            raise DesignError(
                "cre.new-level",
                f"no stored group means for {len(names)} new "
                f"level{'s' if len(names) > 1 else ''} of {self.group}: {shown}",
                Where(),
                "let new levels have the means of their new rows",
            )
        result = np.empty((len(place), len(self.columns)))
        result[~new] = self.values[place[~new]]
        index = pd.Index(names).get_indexer(pd.Index([str(x) for x in np.asarray(labels)[new]]))
        own = np.ones(int(new.sum())) if weight is None else np.asarray(weight)[new]
        total = np.bincount(index, own)
        sums = [np.bincount(index, own * column) for column in np.asarray(x)[new].T]
        result[new] = (np.column_stack(sums) / total[:, None])[index]
        return result


def outer_factors(factors: Sequence[Factor]) -> tuple[tuple[int, ...], ...]:
    """Return, for each factor, the positions of those that it is nested in.

    ``a:b`` is nested in ``a``, and ``a:b:c`` in both.
    """
    return tuple(
        tuple(j for j, outer in enumerate(factors) if j != i and is_nested(inner, outer))
        for i, inner in enumerate(factors)
    )


def decompose(
    x: np.ndarray,
    means: Sequence[np.ndarray],
    overall: np.ndarray,
    outer: Sequence[Sequence[int]],
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Split columns into a within part and each factor's own between-level part.

    The part of a factor is the mean by level, or, nested in others, that mean minus their parts
    (``a:b`` in ``a``: mean by ``a:b`` - mean by ``a``). The within part is what is left; for one
    factor, or nested ones, it is x minus the mean by the finest.

    Parameters
    ----------
    x
        Shape ``(n, k)``.
    means
        One array ``(n, k)`` for each factor: the level means, row by row.
    overall
        Shape ``(k,)``: the means over all rows.
    outer
        For each factor the positions of those that it is nested in.

    Returns
    -------
    tuple
        The within part and one part a factor, all ``(n, k)``.
    """
    centred: dict[int, np.ndarray] = {}
    # Outer factors first: each of them is nested in fewer.
    for i in sorted(range(len(means)), key=lambda i: len(outer[i])):
        centred[i] = means[i] - overall - sum(centred[j] for j in outer[i])
    within = x - overall - sum(centred.values())
    parts = tuple(centred[i] if outer[i] else means[i] for i in range(len(means)))
    return within, parts
