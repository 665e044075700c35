"""Which of several levels is best: probabilities, expected losses, ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hiermix.diagnostics.chains import mcse_of_means
from hiermix.summary.draws import pieces
from hiermix.summary.questions.decisions import ERRORS, memberships, share

type Draws = Callable[[np.ndarray], np.ndarray]
"""Positions of levels -> their draws, shape ``(len(positions), n_chains, n_draws)``."""


@dataclass(frozen=True)
class Best:
    """What the draws say of each of ``n`` levels; every field has shape ``(n,)``.

    ``unstable`` marks the chosen level, and each that Monte Carlo error leaves in its place.
    The fields of ``top`` are ``None`` where nobody asked.
    """

    probability: np.ndarray
    probability_mcse: np.ndarray
    loss: np.ndarray
    loss_mcse: np.ndarray
    chosen: np.ndarray
    unstable: np.ndarray
    top: np.ndarray | None = None
    top_mcse: np.ndarray | None = None
    top_words: np.ndarray | None = None
    top_unstable: np.ndarray | None = None


def best_of(
    draws: Draws, n_levels: int, n_draws: int, largest: bool, top: int | None, decide: float
) -> Best:
    """Return probabilities of being best and expected losses.

    A draw's best level has the largest effect (or the smallest). The loss of choosing level j is
    max_k theta_k - theta_j (theta_j - min_k theta_k), its expectation the mean over draws. The
    level of least expected loss is chosen: that of the best posterior mean.

    The choice could flip to a level whose effect is on average within 2 MCSE of that of the
    chosen one, by the MCSE of the mean of their difference.

    Parameters
    ----------
    draws
        Gives the draws of levels.
    n_levels, n_draws
        How many there are, over all chains.
    largest
        Whether more is better.
    top
        Size of the set whose membership is asked for.
    decide
        Probability from which on a level is in the top, or out of it.

    Notes
    -----
    Levels are taken in `pieces`: memory is that of one piece and of ``top`` draws of all levels.
    """
    sign = 1.0 if largest else -1.0

    def signed() -> Iterator[np.ndarray]:
        for piece in pieces(n_draws, n_levels):
            yield sign * draws(np.arange(n_levels)[piece])

    leaders = _leaders(signed(), top or 1)
    sound = bool(np.isfinite(leaders).all()) and all(np.isfinite(p).all() for p in signed())
    if not sound:
        return _nothing(n_levels, top)
    found: list[list[np.ndarray]] = []
    for piece in signed():
        every = np.ones(len(piece), dtype=bool)
        loss = leaders[-1] - piece
        best = share(piece >= leaders[-1], every)
        within = best if top is None else share(piece >= leaders[0], every)
        found.append([*best, loss.mean(axis=(1, 2)), mcse_of_means(loss), *within])
    best_p, best_mcse, loss, loss_mcse, in_top, in_top_mcse = map(
        np.concatenate, zip(*found, strict=True)
    )
    chosen, unstable = _chosen(signed(), loss, sign * draws(loss.argmin()[None]))
    picked = Best(best_p, best_mcse, loss, loss_mcse, chosen, unstable)
    if top is None:
        return picked
    words, flips = memberships(in_top, in_top_mcse, decide)
    return replace(picked, top=in_top, top_mcse=in_top_mcse, top_words=words, top_unstable=flips)


def _leaders(parts: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Return the ``count`` largest values of every draw in ascending order."""
    held = np.zeros((0, 0, 0))
    for part in parts:
        joined = np.concatenate([held, part]) if held.size else part
        held = np.sort(joined, axis=0)[-count:]
    return held


def _chosen(
    parts: Iterator[np.ndarray], loss: np.ndarray, best: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.zeros(len(loss), dtype=bool)
    chosen[loss.argmin()] = True
    close = []
    for part in parts:
        ahead = best - part
        close.append(ahead.mean(axis=(1, 2)) < ERRORS * mcse_of_means(ahead))
    rivals = np.concatenate(close) & ~chosen
    return chosen, rivals | (chosen & rivals.any())


def _nothing(n_levels: int, top: int | None) -> Best:
    nan, no = np.full(n_levels, np.nan), np.zeros(n_levels, dtype=bool)
    if top is None:
        return Best(nan, nan, nan, nan, no, no)
    return Best(nan, nan, nan, nan, no, no, nan, nan, np.full(n_levels, ""), no)
