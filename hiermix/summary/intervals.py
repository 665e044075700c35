"""Posterior intervals of many scalars at once."""

from __future__ import annotations

from typing import Literal

import numpy as np

IntervalKind = Literal["eti", "hdi"]


def ordered(draws: np.ndarray) -> np.ndarray:
    """Return the draws of each scalar in ascending order.

    Parameters
    ----------
    draws
        Shape ``(n_draws, n)``.

    Returns
    -------
    np.ndarray
        Shape ``(n, n_draws)``; all NaN where any draw is not finite, so that no quantile of a
        damaged scalar looks sound.
    """
    rows = np.ascontiguousarray(draws.T, dtype=float)
    if rows.base is not None:
        rows = rows.copy()
    rows[~np.isfinite(rows).all(axis=1)] = np.nan
    rows.sort(axis=1)
    return rows


def quantile(rows: np.ndarray, probability: float) -> np.ndarray:
    """Return a quantile of ordered draws, linear between order statistics, shape ``(n,)``.

    Examples
    --------
    >>> quantile(np.array([[1.0, 2.0, 4.0]]), 0.75).tolist()
    [3.0]
    """
    place = (rows.shape[1] - 1) * probability
    below = int(np.floor(place))
    above = min(below + 1, rows.shape[1] - 1)
    weight = place - below
    return np.asarray(rows[:, below] * (1 - weight) + rows[:, above] * weight)


def interval(
    rows: np.ndarray, probability: float, kind: IntervalKind
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper ends of the posterior interval of each scalar.

    Parameters
    ----------
    rows
        Ordered draws, shape ``(n, n_draws)``.
    probability
        Posterior probability inside, in (0, 1).
    kind
        ``eti``: equal probability in both tails. ``hdi``: the shortest of the intervals between
        order statistics that hold ``floor(probability * n_draws)`` steps (Chen and Shao 1999,
        doi:10.1080/10618600.1999.10474802); right for a single mode.

    Examples
    --------
    >>> rows = np.array([[0.0, 1.0, 1.5, 2.0, 9.0]])
    >>> interval(rows, 0.5, "eti"), interval(rows, 0.5, "hdi")
    ((array([1.]), array([2.])), (array([1.]), array([2.])))
    """
    if kind == "eti":
        tail = (1 - probability) / 2
        return quantile(rows, tail), quantile(rows, 1 - tail)
    n_draws = rows.shape[1]
    inside = min(int(np.floor(probability * n_draws)), n_draws - 1)
    widths = rows[:, inside:] - rows[:, : n_draws - inside]
    # argmin would take NaN for the smallest; rows of NaN stay NaN whatever is picked.
    start = np.argmin(np.nan_to_num(widths, nan=np.inf), axis=1)
    each = np.arange(len(rows))
    return rows[each, start], rows[each, start + inside]


def percent(share: float) -> str:
    """Return a probability as it was stated, in per cent.

    Examples
    --------
    >>> percent(0.9), percent(0.995)
    ('90 %', '99.5 %')
    """
    return f"{100 * share:g} %"
