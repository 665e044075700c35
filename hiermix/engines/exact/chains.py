"""Independence Metropolis over the variance parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hiermix.engines.exact.marginal import Marginal
from hiermix.engines.exact.proposal import Proposal, log_ratio

WARMUP = 50
"""Draws of a chain that are thrown away."""

STARTS = 20
"""Points, drawn from all that data may say, of which the best is where a chain starts."""

STEPS, COSTLY_STEPS = 2.0, 0.8
BLOCK = 500
"""Proposals that are drawn at a time."""

MAX_STEPS = 20
"""Proposals a draw: their number over the effective share, and at most."""


@dataclass(frozen=True)
class Path:
    """One chain: ``points`` ``(draws, d)``, log posterior and acceptance rate of each draw."""

    points: np.ndarray
    lp: np.ndarray
    acceptance: np.ndarray


def steps_per_draw(effective: float, costly: bool = False) -> int:
    """Return how many proposals one draw takes; fewer where they are costly.

    An independence sampler whose importance weights have the effective share e has draws that are
    worth less than e of independent ones; so many steps bring that near one.
    """
    steps = COSTLY_STEPS if costly else STEPS
    return int(np.clip(round(steps / max(effective, 1e-3)), 1, MAX_STEPS))


def run_chain(marginal: Marginal, proposal: Proposal, draws: int, seed: list[int]) -> Path:
    """Run one chain of independence Metropolis steps (Tierney 1994, doi:10.1214/aos/1176325750).

    Parameters
    ----------
    seed
        Of the run and the number of the chain: the draws depend on nothing else, and a longer
        chain begins with the shorter one.

    Returns
    -------
    Path
        ``draws`` draws, one every `steps_per_draw` proposals.
    """
    steps = steps_per_draw(proposal.effective, marginal.is_costly)
    first, value = _start(marginal, proposal, np.random.default_rng([*seed, 0]))
    points, thresholds = _proposed(proposal, (WARMUP + draws) * steps, seed)
    log_posterior = marginal.log_posterior(points)
    ratio = log_ratio(log_posterior, proposal.log_density(points))
    current = float(log_ratio(np.array([value]), proposal.log_density(first[None]))[0])
    position = -1
    kept = np.empty(len(points), dtype=np.int64)
    probability = np.empty(len(points))
    for i, (new, threshold) in enumerate(zip(ratio.tolist(), thresholds.tolist(), strict=True)):
        gain = new - current if new > -math.inf else -math.inf
        probability[i] = math.exp(min(gain, 0.0))
        if threshold < gain:
            current, position = new, i
        kept[i] = position
    every = slice(WARMUP * steps + steps - 1, None, steps)
    chosen = kept[every]
    stuck = chosen < 0
    states = np.where(stuck[:, None], first, points[chosen])
    values = np.where(stuck, value, log_posterior[chosen])
    return Path(states, values, probability[WARMUP * steps :].reshape(draws, steps).mean(axis=1))


def _proposed(proposal: Proposal, size: int, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw points and log uniform numbers in blocks: more of them begin with the same."""
    points, thresholds = [], []
    for block in range(-(-size // BLOCK)):
        rng = np.random.default_rng([*seed, 1 + block])
        points.append(proposal.draw(rng, BLOCK))
        thresholds.append(np.log(rng.uniform(size=BLOCK)))
    return np.concatenate(points)[:size], np.concatenate(thresholds)[:size]


def _start(
    marginal: Marginal, proposal: Proposal, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Choose a starting point without the proposal.

    In the domain of a mode that the proposal misses a chain stays where it is, and R-hat tells.
    """
    drawn = marginal.parameters.draw_wide(rng, STARTS)
    values = marginal.log_posterior(drawn)
    best = int(np.argmax(values))
    if not np.isfinite(values[best]):
        centre = proposal.warp.origin((proposal.share @ proposal.mean)[None])[0]
        return centre, float(marginal.log_posterior(centre[None])[0])
    return drawn[best], float(values[best])
