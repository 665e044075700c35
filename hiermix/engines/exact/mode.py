"""The modes of a low-dimensional log density that is cheap at many points at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from hiermix.engines.exact.parameters import Parameters

DRAWS = 200
"""Draws from the prior, and from all that data may say, among which starts are chosen."""

STEP = 1e-4
"""Of numerical gradients, in units of a parameter's scale."""

CLIMBS = 6
GAIN = 1e-3
"""A search is begun again, at most so often, in units of the conditional sds where it ended, until
the log density gains less than this: 10^8 rows leave log sigma an sd of 10^-4 beside a correlation
about which they say little."""

REACH = 25.0
"""How far a search may go from its start."""

SAME = 0.1
"""Modes whose log densities and places are closer than this are one."""

BELOW = 20.0
"""Modes whose log density is so much lower do not matter."""

DROP = 0.5
"""What the log density falls by at one conditional sd."""

MIN_CURVATURE = 0.05
"""Of the log density in units of conditional sds: flatter directions are cut off."""


def find_starts(
    parameters: Parameters,
    target: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return points ``(3, d)`` from which to climb: prior and data may disagree.

    The best draw from the prior, and of draws from all that data may say the best by the
    posterior and by the likelihood.
    """
    prior, wide = parameters.draw_prior(rng, DRAWS), parameters.draw_wide(rng, DRAWS)
    at_prior, at_wide = target(prior), target(wide)
    with np.errstate(invalid="ignore"):
        likelihood = np.nan_to_num(at_wide - parameters.log_prior(wide), nan=-np.inf)
    return np.array(
        [prior[np.argmax(at_prior)], wide[np.argmax(at_wide)], wide[np.argmax(likelihood)]]
    )


def find_modes(
    starts: np.ndarray, target: Callable[[np.ndarray], np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """Climb from starts ``(n, d)``; return different modes and their log densities, best first.

    Modes more than `BELOW` below the best are left out.
    """
    found: list[tuple[np.ndarray, float]] = []
    for start in starts:
        at, value = _climb(start, target)
        if all(abs(value - v) > SAME or np.abs(at - a).max() > SAME for a, v in found):
            found.append((at, value))
    found.sort(key=lambda mode: -mode[1])
    return [mode for mode in found if mode[1] > found[0][1] - BELOW]


def _climb(
    start: np.ndarray, target: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, float]:
    at, value = start, float(target(start[None])[0])
    scale = np.ones(len(start))
    for _ in range(CLIMBS):
        before = value
        at, value = _search(at, value, scale, (start - REACH, start + REACH), target)
        # Also if both are minus infinity.
        if not value - before >= GAIN:
            break
        scale = conditional_sds(at, value, target)
    return at, value


def _search(
    start: np.ndarray,
    value: float,
    scale: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    target: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, float]:
    """Climb in units of ``scale`` ``(d,)``; return the highest point and its log density."""
    d = len(start)
    offsets = STEP * np.vstack([np.zeros((1, d)), np.eye(d), -np.eye(d)])
    # Log densities are large numbers; what counts is their differences.
    base = value if np.isfinite(value) else 0.0

    def value_and_gradient(point: np.ndarray) -> tuple[float, np.ndarray]:
        values = np.clip(base - target(start + scale * (point + offsets)), -1e15, 1e15)
        return float(values[0]), (values[1 : d + 1] - values[d + 1 :]) / (2 * STEP)

    low, high = limits
    result = optimize.minimize(
        value_and_gradient,
        np.zeros(d),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip((low - start) / scale, (high - start) / scale, strict=True)),
        options={"maxiter": 200, "ftol": 1e-12},
    )
    return start + scale * result.x, base - float(result.fun)


def conditional_sds(
    at: np.ndarray, value: float, target: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the step ``(d,)`` in each coordinate by which the log density falls by `DROP`."""
    scale = np.full(len(at), 0.1)
    for _ in range(12):
        steps = np.diag(scale)
        drop = value - 0.5 * (target(at + steps) + target(at - steps))
        drop = np.where(np.isfinite(drop), np.maximum(drop, 1e-8), 1e8)
        scale = scale * np.clip(np.sqrt(DROP / drop), 0.02, 10.0)
        if np.abs(np.log(drop / DROP)).max() < 0.3:
            break
    return scale


def covariance(
    at: np.ndarray, value: float, target: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the inverse of the curvature at a mode, taken about one conditional sd away."""
    d = len(at)
    scale = conditional_sds(at, value, target)
    rows, columns = np.triu_indices(d)
    a, b = scale[rows, None] * np.eye(d)[rows], scale[columns, None] * np.eye(d)[columns]
    corners = np.concatenate([at + a + b, at + a - b, at - a + b, at - a - b])
    high, one, two, low = target(corners).reshape(4, -1)
    curvature = -(high - one - two + low) / 4
    matrix = np.zeros((d, d))
    matrix[rows, columns] = matrix[columns, rows] = np.where(np.isfinite(curvature), curvature, 0.0)
    values, vectors = np.linalg.eigh(matrix)
    inverse = (vectors / np.maximum(values, MIN_CURVATURE)) @ vectors.T
    return np.asarray(inverse * scale * scale[:, None])
