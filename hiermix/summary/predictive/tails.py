"""Tail probabilities of observed statistics among replicated ones.

With R replicates no p-value below about 1 / R can be counted, which is not small among hundreds of
levels. Beyond the k-th most extreme replicate the tail is therefore taken as exponential (Breiman,
Stone and Kooperberg 1990, doi:10.1080/00949659008811308): the excesses over a threshold have one
mean, which k of them estimate. Tails of means are lighter, so their p-values come out too large,
not too small.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Scale = Literal["linear", "log", "heavy"]

MIN_EXCESSES = 10
TAIL_SHARE = 0.025
"""The most extreme replicates of each side that describe its tail: this share, ten at least."""


def tail_probabilities(
    observed: np.ndarray, replicated: np.ndarray, scale: Scale = "linear"
) -> tuple[np.ndarray, np.ndarray]:
    """Return P(T(y_rep) >= T(y)) with half of the ties, and its two-sided version.

    Parameters
    ----------
    observed
        Shape ``(k,)``: statistics of the data.
    replicated
        Shape ``(R, k)``: of each replicated data set.
    scale
        On which the tail is exponential: ``linear``; ``log`` for scales such as an sd, where all
        replicates of a statistic are positive; ``heavy`` for power laws on both sides.

    Returns
    -------
    tuple
        Two arrays ``(k,)``: the upper tail, and twice the smaller tail, 1 at most. NaN where any
        number is not finite.

    Examples
    --------
    >>> replicated = np.arange(999.0)[:, None]
    >>> [float(p[0].round(3)) for p in tail_probabilities(np.array([900.0]), replicated)]
    [0.099, 0.198]
    """
    y, rows = _on_scale(observed, replicated, scale)
    upper, lower = _upper(y, rows), _upper(-y, -rows)
    finite = np.isfinite(observed) & np.isfinite(replicated).all(axis=0)
    # Both tails are estimated apart; the smaller one is the better estimate of the two.
    value = np.where(upper <= lower, upper, 1 - lower)
    both = np.minimum(2 * np.minimum(upper, lower), 1.0)
    return np.where(finite, value, np.nan), np.where(finite, both, np.nan)


def _on_scale(y: np.ndarray, rows: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    if scale == "linear":
        return y, rows
    with np.errstate(all="ignore"):
        if scale == "log":
            positive = (rows > 0).all(axis=0) & (y >= 0)
            return np.where(positive, np.log(y), y), np.where(positive, np.log(rows), rows)
        low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
        unit = np.where(high > low, high - low, 1.0)
        return np.arcsinh((y - middle) / unit), np.arcsinh((rows - middle) / unit)


def _upper(y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    n = len(rows)
    k = max(MIN_EXCESSES, int(n * TAIL_SHARE))
    above, tied = (rows > y).sum(axis=0), (rows == y).sum(axis=0)
    found = (above + tied / 2 + 0.5) / (n + 1)
    for column in np.nonzero(above + tied < min(k, n))[0]:
        found[column] = _beyond(float(y[column]), rows[:, column], k)
    return np.asarray(found)


def _beyond(y: float, values: np.ndarray, k: int) -> float:
    """Return the probability of more than ``y``, which fewer than ``k`` replicates exceed.

    The k largest replicates exceed the next smaller one, u, by S in all. If excesses are
    exponential, a further one is beyond y with probability (1 + (y - u) / S)^-k: exact for any k,
    as the mean excess is not known but estimated from as many.
    """
    n = len(values)
    least = np.partition(values, n - min(k, n))[n - min(k, n)]
    smaller = values[values < least]
    if not len(smaller):
        return 0.5 / (n + 1) if y > values.max() else 0.5
    u = smaller.max()
    excesses = values[values > u] - u
    share = (len(excesses) + 0.5) / (n + 1)
    with np.errstate(over="ignore"):
        return float(share * (1 + (y - u) / excesses.sum()) ** -len(excesses))
