"""Probabilities of the categories of a categorical or ordinal response."""

from __future__ import annotations

import numpy as np

from hiermix.summary.links import INVERSE


def probabilities(
    family: str, link: str, eta: np.ndarray, threshold: np.ndarray | None
) -> np.ndarray:
    """Return the probability of each category.

    Parameters
    ----------
    family
        ``categorical``, ``cumulative`` or ``sratio``.
    link
        Of the ordinal families.
    eta
        Linear predictors: ``(K - 1, rows, draws)`` of all categories but the first, or
        ``(1, rows, draws)`` for an ordinal family.
    threshold
        Thresholds of an ordinal family, ``(K - 1, draws)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(K, rows, draws)``; sums to one over categories.

    Notes
    -----
    With F the inverse link and t the thresholds, P(Y <= k) = F(t_k - eta) for ``cumulative``, and
    P(Y = k | Y >= k) = F(t_k - eta) for ``sratio`` (Buerkner and Vuorre 2019,
    doi:10.1177/2515245918823199).
    """
    if family == "categorical":
        whole = np.concatenate([np.zeros((1, *eta.shape[1:])), eta])
        whole = np.exp(whole - whole.max(axis=0))
        return np.asarray(whole / whole.sum(axis=0))
    assert threshold is not None
    with np.errstate(over="ignore"):
        at = INVERSE[link](threshold[:, None, :] - eta)
    one = np.ones((1, *at.shape[1:]))
    if family == "cumulative":
        return np.diff(np.concatenate([0 * one, at, one]), axis=0)
    left = np.concatenate([one, np.cumprod(1 - at, axis=0)])
    return np.asarray(np.concatenate([at, one]) * left)


def drawn(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a category for each row and draw: 1 for it and 0 for the others.

    Parameters
    ----------
    chances
        Shape ``(K, rows, draws)``.
    """
    u = rng.random(chances.shape[1:])
    above = np.cumsum(chances, axis=0)
    above[-1] = 1.0
    chosen = (u < above).argmax(axis=0)
    found = (np.arange(len(chances))[:, None, None] == chosen).astype(np.float64)
    return np.where(np.isfinite(chances).all(axis=0), found, np.nan)
