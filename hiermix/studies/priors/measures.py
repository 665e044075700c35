"""Numbers of a data set, for the data and for each prior predictive draw alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiermix.design.types import Factor

FAR_SDS = 10.0
"""Sds of the data from their mean beyond which an outcome counts as absurd."""

EDGE = 1e-3
"""Probabilities this close to 0 or 1 count as absurd."""

MANY_TIMES = 1000.0
"""Counts beyond so many times the largest of the data count as absurd."""


@dataclass(frozen=True)
class Moments:
    """Mean and sd over rows, ``(n,)`` each, one for each draw."""

    mean: np.ndarray
    sd: np.ndarray


def moments(values: np.ndarray, weight: np.ndarray) -> Moments:
    """Return weighted means and sds (divisor: the weights' sum) over rows.

    Parameters
    ----------
    values
        Shape ``(n_rows, n)``; rows that are NaN do not count.
    weight
        Shape ``(n_rows,)``.
    """
    valid = np.isfinite(values)
    total = weight @ valid
    with np.errstate(all="ignore"):
        mean = weight @ np.where(valid, values, 0.0) / total
        off = np.where(valid, values - mean, 0.0)
        return Moments(mean, np.sqrt(weight @ np.square(off) / total))


def level_means(values: np.ndarray, weight: np.ndarray, factor: Factor) -> np.ndarray:
    """Return weighted means of each level's rows, ``(n_groups, n)``; NaN rows do not count."""
    order = np.argsort(factor.index, kind="stable")
    starts = np.searchsorted(factor.index[order], np.arange(factor.n_groups))
    own, rows = values[order], weight[order, None]
    valid = np.isfinite(own)
    total = np.add.reduceat(valid * rows, starts, axis=0)
    with np.errstate(all="ignore"):
        return np.asarray(np.add.reduceat(np.where(valid, own, 0.0) * rows, starts, axis=0) / total)


def share(flags: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the share of the valid rows of each draw for which a flag is up, shape ``(n,)``."""
    with np.errstate(invalid="ignore"):
        return np.asarray((flags & valid).sum(axis=0) / valid.sum(axis=0))


def quantiles(values: np.ndarray, probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Return quantiles of the values that are numbers; NaN where there is none.

    They are values that occur: between infinite ones nothing can be interpolated.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return tuple(np.nan for _ in probabilities)
    found = np.quantile(known, probabilities, method="inverted_cdf")
    return tuple(float(x) for x in found)
