"""What draws say for and against, in words, and whether more draws could turn it over.

Every rule compares shares of draws. A share is the mean of an indicator, and its Monte Carlo
error the MCSE of that indicator's draws.
"""

from __future__ import annotations

import numpy as np

from hiermix.diagnostics.chains import mcse_of_means

ERRORS = 2.0
"""A decision is stable if what it rests on is farther than so many MCSE from where it turns."""


def frequency(hits: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Return the share of draws in which something holds, shape ``(n,)``.

    Parameters
    ----------
    hits
        Truth values, shape ``(n, n_chains, n_draws)``.
    sound
        Shape ``(n,)``: whether all draws of the scalar are finite; its share is NaN if not.
    """
    return np.where(sound, hits.mean(axis=(1, 2)), np.nan)


def share(hits: np.ndarray, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of draws in which something holds, and its MCSE.

    See ``frequency`` for the parameters.
    """
    return frequency(hits, sound), np.where(sound, mcse_of_means(hits), np.nan)


def near(value: np.ndarray, mcse: np.ndarray, limit: float | np.ndarray) -> np.ndarray:
    """Tell whether a value could be on the other side of a limit but for Monte Carlo error."""
    return np.asarray(np.abs(value - limit) < ERRORS * mcse)


def directions(
    above: np.ndarray, mcse_above: np.ndarray, below: np.ndarray, mcse_below: np.ndarray, at: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``above``, ``below`` or ``undecided``, and whether it could flip.

    ``above`` if its probability is at least ``at``; so for ``below``.
    """
    words = np.select(
        [np.isnan(above), above >= at, below >= at], ["", "above", "below"], "undecided"
    )
    return words, near(above, mcse_above, at) | near(below, mcse_below, at)


def memberships(inside: np.ndarray, mcse: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ``in``, ``out`` or ``undecided``, and whether it could flip.

    ``in`` if the probability is at least ``at``, ``out`` if it is at most ``1 - at``.
    """
    words = np.select(
        [np.isnan(inside), inside >= at, inside <= 1 - at], ["", "in", "out"], "undecided"
    )
    return words, near(inside, mcse, at) | near(inside, mcse, 1 - at)


def rope_verdicts(
    effects: np.ndarray,
    sound: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    rope: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``inside``, ``outside`` or ``undecided``, and whether it could flip.

    ``inside`` if the whole interval lies in the region of practical equivalence, ``outside`` if
    none of it does. An end of the interval could be on the other side of a limit if the share of
    draws between the two is below 2 MCSE of the share of draws up to the limit.

    Source: Kruschke 2018, doi:10.1177/2515245918771304.

    Parameters
    ----------
    effects
        Draws, shape ``(n, n_chains, n_draws)``.
    sound
        Shape ``(n,)``: whether all draws are finite.
    ends
        Lower and upper ends of the interval, shape ``(n,)`` each.
    rope
        Its limits.
    """
    (low, high), (lower, upper) = rope, ends
    of_ends = [frequency(effects <= end[:, None, None], sound) for end in ends]
    to_low, to_high = share(effects <= low, sound), share(effects <= high, sound)
    with np.errstate(invalid="ignore"):
        lower_in, upper_in = lower >= low, upper >= low
        lower_over, upper_over = lower > high, upper > high
    close = [[near(*limit, end) for limit in (to_low, to_high)] for end in of_ends]
    (lower_by_low, lower_by_high), (upper_by_low, upper_by_high) = close
    inside = lower_in & ~upper_over
    outside = lower_over | ~upper_in
    surely_inside = inside & ~lower_by_low & ~upper_by_high
    maybe_inside = (lower_in | lower_by_low) & (~upper_over | upper_by_high)
    surely_outside = (lower_over & ~lower_by_high) | (~upper_in & ~upper_by_low)
    maybe_outside = outside | lower_by_high | upper_by_low
    words = np.select([~sound, inside, outside], ["", "inside", "outside"], "undecided")
    unstable = np.where(
        inside, ~surely_inside, np.where(outside, ~surely_outside, maybe_inside | maybe_outside)
    )
    return words, unstable & sound
