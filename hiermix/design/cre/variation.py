"""How much the columns of a term vary within and between the levels of a factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiermix.design.cre.means import LevelMeans
from hiermix.design.types import CommonTerm, Factor

ROUNDING = 1e-10
"""Variation below this share of a column's range or sd is rounding of something constant.

Means of a million float64 values about their centre are off by less than 1e-12 of the sd."""


@dataclass(frozen=True)
class Variation:
    """Columns of one term by one factor.

    ``flat_levels`` has shape ``(n_groups, k)``: levels in which the column does not vary.
    ``spread`` has shape ``(k,)``: sd of the level means (over rows) as a share of the column's.
    """

    flat_levels: np.ndarray
    spread: np.ndarray

    @property
    def varies_within(self) -> np.ndarray:
        """Whether each column varies within some level, shape ``(k,)``."""
        return np.asarray(~self.flat_levels.all(axis=0))

    @property
    def varies_between(self) -> np.ndarray:
        """Whether the level means of each column differ, shape ``(k,)``."""
        return np.asarray(self.spread > ROUNDING)


def variation(term: CommonTerm, factor: Factor, weight: np.ndarray) -> Variation:
    """Measure a term; time and memory are linear in rows and levels times columns."""
    x = term.values
    means = LevelMeans.of(factor, term.columns, x, weight)
    by_row = means.values[factor.index]
    range_ = np.maximum(np.ptp(x, axis=0), np.finfo(float).tiny)
    squares = np.column_stack(
        [
            np.bincount(factor.index, column**2, minlength=factor.n_groups)
            for column in ((x - by_row) / range_).T
        ]
    )
    flat = squares <= ROUNDING**2 * factor.counts[:, None]
    return Variation(flat, spread_of(by_row, x, weight))


def spread_of(part: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted sds of parts as shares of those of the columns, all ``(n_obs, k)``."""

    def variance(values: np.ndarray) -> np.ndarray:
        centred = values - np.average(values, axis=0, weights=weight)
        return np.asarray(np.average(centred**2, axis=0, weights=weight))

    return np.asarray(np.sqrt(variance(part) / np.maximum(variance(x), np.finfo(float).tiny)))
