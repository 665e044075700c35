"""The group sds at which a deviance is smallest, exact zeros included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

GRID = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0])
"""Relative group sds tried first, in units of the standard error that a typical level's own
estimate of its coefficient has."""

LOG_RANGE = (np.log(1e-4), np.log(1e5))
"""Range of the search, in the units of `GRID`."""

STEP = 0.01
"""Of numerical derivatives, as a share of the variance or of a typical sampling variance."""

FLAT = 1e-3
"""A second derivative of the deviance by a variance, in the same units, below this is none: the
data do not tell the sds. Each level that does tell contributes about a half."""

VARIANCE_ERROR = 0.01
"""A Newton step larger than this, in the same units, says that the search stopped early."""

ZERO_GAIN = 1e-7
"""A group sd that lowers the deviance by no more than this is zero."""

RESTARTS = 20
"""Searches, at most, after an sd was set to zero or raised from it."""


def minimise(deviance: Callable[[np.ndarray], float], unit: np.ndarray) -> tuple[np.ndarray, bool]:
    """Minimise the profiled deviance over relative group sds, shape ``(k,)``, zero included.

    The search is over logs, in which the deviance bends alike at every size; they cannot reach
    zero, so after a search zero is tried for every sd, and a larger value for those at zero.
    Returns the sds and whether they are an optimum.
    """

    def at(u: np.ndarray) -> float:
        return deviance(unit * np.exp(u))

    u = _search(at, _start(at, len(unit)))
    for _ in range(RESTARTS):
        moved = _lowered(at, u)
        if moved is None:
            break
        u = _search(at, moved)
    theta = unit * np.exp(u)
    return theta, moved is None and _is_optimum(deviance, theta, unit)


def _start(at: Callable[[np.ndarray], float], k: int) -> np.ndarray:
    """Return the best of a grid, all sds alike, then improved one sd after the other."""
    best = min((np.full(k, value) for value in np.log(GRID)), key=at)
    for i in range(k) if k > 1 else ():
        best = min((_replaced(best, i, value) for value in np.log(GRID)), key=at)
    return best


def _search(at: Callable[[np.ndarray], float], u: np.ndarray) -> np.ndarray:
    """Descend in the finite elements of ``u``."""
    active = np.isfinite(u)
    if not active.any():
        return u

    def part(v: np.ndarray) -> float:
        whole = u.copy()
        whole[active] = v
        return at(whole)

    result = optimize.minimize(
        part,
        u[active],
        method="L-BFGS-B",
        jac="3-point",
        bounds=[LOG_RANGE] * int(active.sum()),
        options={"ftol": 1e-15, "gtol": 1e-7, "maxiter": 200},
    )
    best = u.copy()
    best[active] = result.x
    return best


def _lowered(at: Callable[[np.ndarray], float], u: np.ndarray) -> np.ndarray | None:
    """Set one sd to zero that gains nothing, or raise one from zero that would gain."""
    now = at(u)
    to_zero = [_replaced(u, i, -np.inf) for i in np.flatnonzero(np.isfinite(u))]
    best = min(to_zero, key=at, default=None)
    if best is not None and at(best) <= now + ZERO_GAIN:
        return best
    raised = [_replaced(u, i, v) for i in np.flatnonzero(np.isinf(u)) for v in np.log(GRID)]
    best = min(raised, key=at, default=None)
    return best if best is not None and at(best) < now - 2 * ZERO_GAIN else None


def _replaced(u: np.ndarray, i: int | np.integer, value: float) -> np.ndarray:
    changed = u.copy()
    changed[i] = value
    return changed


def _is_optimum(
    deviance: Callable[[np.ndarray], float], theta: np.ndarray, unit: np.ndarray
) -> bool:
    """Say whether the deviance bends upwards in every variance and a Newton step is negligible.

    It must rise from variances that are zero. The others are in units of themselves or, where
    that is larger, of the sampling variance of a typical level's own estimate, so that the
    deviance of a variance near zero bends as well.
    """
    large = [_replaced(theta, k, GRID[-1] * unit[k]) for k in np.flatnonzero(theta == 0)]
    if any(deviance(other) <= deviance(theta) + FLAT for other in large):
        return False
    active = np.flatnonzero(theta)
    if not active.size:
        return True
    scale = np.maximum(theta[active], unit[active]) ** 2
    reached = theta[active] ** 2 / scale
    centre = np.maximum(reached, 2 * STEP)
    step = STEP * np.eye(len(active))

    def f(v: np.ndarray) -> float:
        whole = theta.copy()
        whole[active] = np.sqrt(v * scale)
        return deviance(whole)

    gradient = np.array([f(centre + a) - f(centre - a) for a in step]) / (2 * STEP)
    hessian = np.empty((len(active), len(active)))
    for i, a in enumerate(step):
        for j, b in enumerate(step[: i + 1]):
            bent = f(centre + a + b) - f(centre + a - b) - f(centre - a + b) + f(centre - a - b)
            hessian[i, j] = hessian[j, i] = bent / (4 * STEP**2)
    if np.linalg.eigvalsh(hessian).min() <= FLAT:
        return False
    aim = centre - np.linalg.solve(hessian, gradient)
    return bool(np.abs(aim - reached).max() <= VARIANCE_ERROR)
