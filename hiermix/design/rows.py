"""Moments over rows where each row of a table may stand for several equal ones."""

from __future__ import annotations

import numpy as np


def row_mean(values: np.ndarray, multiplicity: np.ndarray | None) -> np.ndarray:
    """Return the means over the first axis, shape ``values.shape[1:]``.

    Parameters
    ----------
    values
        Shape ``(n, ...)``.
    multiplicity
        Shape ``(n,)``: how many rows each stands for; ``None`` for one.
    """
    if multiplicity is None:
        return np.asarray(values.mean(axis=0))
    return np.asarray(np.average(values, axis=0, weights=multiplicity))


def row_variance(
    values: np.ndarray, multiplicity: np.ndarray | None, within_ss: float = 0.0
) -> np.ndarray:
    """Return the variances (divisor n) over the first axis, shape ``values.shape[1:]``.

    Parameters
    ----------
    values, multiplicity
        As in `row_mean`.
    within_ss
        Sum of squares of the rows about ``values``, where these are means.
    """
    if multiplicity is None:
        return np.asarray(values.var(axis=0))
    squares = (values - row_mean(values, multiplicity)) ** 2
    extra = within_ss / float(multiplicity.sum())
    return np.asarray(np.average(squares, axis=0, weights=multiplicity) + extra)


def row_sd(
    values: np.ndarray, multiplicity: np.ndarray | None, within_ss: float = 0.0
) -> np.ndarray:
    """Return the square roots of `row_variance`."""
    return np.asarray(np.sqrt(row_variance(values, multiplicity, within_ss)))
