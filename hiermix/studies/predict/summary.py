"""Mean, sd and interval of the draws of many rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiermix.summary.intervals import IntervalKind, interval


@dataclass(frozen=True)
class Summary:
    """Posterior mean, sd and ends of the interval, shape ``(n,)`` each; NaN without a value."""

    mean: np.ndarray
    sd: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def summarise_rows(draws: np.ndarray, probability: float, kind: IntervalKind) -> Summary:
    """Summarise each row of draws.

    Parameters
    ----------
    draws
        Shape ``(n, n_draws)``; reordered in place.
    probability, kind
        As in ``hiermix.summary.intervals.interval``.

    Returns
    -------
    Summary
        NaN for rows with a draw that is not finite. The sd of a single draw is NaN.
    """
    bad = ~np.isfinite(draws).all(axis=1)
    draws[bad] = 0.0
    mean = draws.mean(axis=1)
    sd = draws.std(axis=1, ddof=1) if draws.shape[1] > 1 else np.full(len(draws), np.nan)
    if kind == "eti":
        draws.partition(_order_statistics(draws.shape[1], probability), axis=1)
    else:
        draws.sort(axis=1)
    lower, upper = interval(draws, probability, kind)
    for values in (mean, sd, lower, upper):
        values[bad] = np.nan
    return Summary(mean, sd, lower, upper)


def _order_statistics(n_draws: int, probability: float) -> list[int]:
    """Return the places of the order statistics that the two quantiles lie between."""
    tail = (1 - probability) / 2
    places = [(n_draws - 1) * p for p in (tail, 1 - tail)]
    return sorted({min(int(np.floor(p)) + i, n_draws - 1) for p in places for i in (0, 1)})
