"""Coordinates in which the posterior of an sd that may be zero looks normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from hiermix.engines.exact.densities import FAR, Scale
from hiermix.engines.exact.parameters import Parameters

FARTHEST = 37.0
"""Normal scores beyond this have no probability in floating point."""

ROOT2 = float(np.sqrt(2.0))


@dataclass(frozen=True)
class Warp:
    """Points u of `Parameters` and their images v, one dimension at a time.

    Where data allow an sd to be zero and the prior's density there is positive, the posterior of
    u = log(sd) falls like exp(u) to the left: no normal or t distribution does. The normal score
    v = Phi^-1(F(exp(u - centre))) with F the distribution function of a standard half-normal
    variable has N(0, 1) for a half-normal sd whose scale is exp(centre). Between two limits v is
    the normal score of the share of the way; partial correlations stay as they are.

    ``kind`` ``(d,)`` is 1 for an sd without upper limit, 2 for one with, else 0.
    """

    kind: np.ndarray
    centre: np.ndarray

    @classmethod
    def at(cls, parameters: Parameters, mode: np.ndarray) -> Warp:
        """Return the coordinates for a posterior with a mode there, ``(d,)``."""
        kind = [
            (1 if t.is_unlimited else 2) if isinstance(t, Scale) else 0
            for t in parameters.transforms
        ]
        return cls(np.array(kind), mode)

    def image(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return v and log |dv/du| summed over dimensions, of points ``(D, d)``."""
        v, slope = u.copy(), np.zeros(len(u))
        with np.errstate(all="ignore"):
            for i, kind in enumerate(self.kind):
                if kind == 1:
                    x = np.exp(u[:, i] - self.centre[i])
                    low, high = special.erf(x / ROOT2), special.erfc(x / ROOT2)
                    density = np.log(2) - 0.5 * x**2 + u[:, i] - self.centre[i]
                elif kind == 2:
                    low, high = special.expit(u[:, i]), special.expit(-u[:, i])
                    density = np.log(low) + np.log(high) + 0.5 * np.log(2 * np.pi)
                else:
                    continue
                v[:, i] = np.where(low < high, special.ndtri(low), -special.ndtri(high))
                slope += density + 0.5 * v[:, i] ** 2
        return v, np.where(np.isfinite(v).all(axis=1), slope, -np.inf)

    def origin(self, v: np.ndarray) -> np.ndarray:
        """Return u of points v ``(D, d)``; what floating point cannot hold is beyond `FAR`."""
        u = v.copy()
        with np.errstate(all="ignore"):
            for i, kind in enumerate(self.kind):
                low, high = special.ndtr(v[:, i]), special.ndtr(-v[:, i])
                if kind == 1:
                    x = np.where(v[:, i] < 0, special.erfinv(low), special.erfcinv(high))
                    u[:, i] = self.centre[i] + np.log(ROOT2 * x)
                elif kind == 2:
                    u[:, i] = np.log(low) - np.log(high)
                beyond = np.where(v[:, i] > 0, FAR + 1, -FAR - 1)
                u[:, i] = np.where(np.isfinite(u[:, i]), u[:, i], beyond)
        return u
