"""Which level comes first, draw by draw."""

from __future__ import annotations

import numpy as np

from hiermix.summary.draws import CHUNK_BYTES, evenly_spaced

MAX_CELLS = 10_000_000
"""Draws times levels that are sorted: about a second."""

MIN_DRAWS = 200


def expected_ranks(effects: np.ndarray) -> np.ndarray:
    """Return the posterior mean of each level's rank; 1 is the largest effect.

    Beyond ``MAX_CELLS`` evenly spaced draws are used, ``MIN_DRAWS`` at least.

    Parameters
    ----------
    effects
        Shape ``(n_draws, n_groups)``.

    Returns
    -------
    np.ndarray
        Shape ``(n_groups,)``, all NaN if any draw is not finite.

    Examples
    --------
    >>> expected_ranks(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])).tolist()
    [3.0, 1.5, 1.5]
    """
    n_draws, n_groups = effects.shape
    wanted = min(n_draws, max(MIN_DRAWS, MAX_CELLS // max(n_groups, 1)))
    picks = evenly_spaced(n_draws, wanted)
    total = np.zeros(n_groups)
    places = np.arange(1, n_groups + 1)
    for rows in _chunks(len(picks), n_groups):
        drawn = effects[picks[rows]]
        if not np.isfinite(drawn).all():
            return np.full(n_groups, np.nan)
        ranks = np.empty(drawn.shape, dtype=np.int64)
        np.put_along_axis(ranks, np.argsort(-drawn, axis=1), places[None, :], axis=1)
        total += ranks.sum(axis=0)
    return np.asarray(total / len(picks))


def chances_of_best(effects: np.ndarray) -> np.ndarray:
    """Return the share of the draws in which each level has the largest effect.

    Levels that tie share a draw. Parameters and result as in `expected_ranks`.

    Examples
    --------
    >>> chances_of_best(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 3.0]])).tolist()
    [0.0, 0.25, 0.75]
    """
    n_draws, n_groups = effects.shape
    total = np.zeros(n_groups)
    for rows in _chunks(n_draws, n_groups):
        drawn = effects[rows]
        if not np.isfinite(drawn).all():
            return np.full(n_groups, np.nan)
        first = drawn == drawn.max(axis=1, keepdims=True)
        total += (first / first.sum(axis=1, keepdims=True)).sum(axis=0)
    return np.asarray(total / n_draws)


def _chunks(n_draws: int, n_groups: int) -> list[slice]:
    step = max(1, CHUNK_BYTES // (8 * max(n_groups, 1)))
    return [slice(start, min(start + step, n_draws)) for start in range(0, n_draws, step)]
