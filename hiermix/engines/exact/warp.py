"""Coordinates in which the posterior of an sd that may be zero, or anything, looks normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from hiermix.engines.exact.densities import FAR, Scale
from hiermix.engines.exact.parameters import Parameters


@dataclass(frozen=True)
class Warp:
    """Points u of `Parameters` and their images v, one dimension at a time.

    Where data allow an sd to be zero and the prior's density there is positive, the posterior of
    u = log(sd) falls like exp(u) to the left; with J levels the likelihood falls only like
    sd^-(J - 1) to the right. No normal or t distribution in u, nor in the sd, has both tails. The
    normal score v = Phi^-1(F(exp(u - centre))) with F the distribution function of a standard
    half-Cauchy variable has: N(0, 1) is a half-Cauchy sd whose median is exp(centre). Between two
    limits v is the normal score of the share of the way; partial correlations stay as they are.

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
        """Return v and log |dv/du|, ``(D, d)`` each, of points ``(D, d)``.

        Where v is not finite the slope is minus infinity.
        """
        v, slope = u.copy(), np.zeros(u.shape)
        with np.errstate(all="ignore"):
            for i, kind in enumerate(self.kind):
                if kind == 1:
                    t = u[:, i] - self.centre[i]
                    low, high = 2 / np.pi * np.arctan(np.exp(t)), 2 / np.pi * np.arctan(np.exp(-t))
                    density = np.log(2 / np.pi) - np.logaddexp(t, -t)
                elif kind == 2:
                    low, high = special.expit(u[:, i]), special.expit(-u[:, i])
                    density = np.log(low) + np.log(high)
                else:
                    continue
                v[:, i] = np.where(low < high, special.ndtri(low), -special.ndtri(high))
                slope[:, i] = density + 0.5 * np.log(2 * np.pi) + 0.5 * v[:, i] ** 2
        return v, np.where(np.isfinite(v), slope, -np.inf)

    def origin(self, v: np.ndarray) -> np.ndarray:
        """Return u of points v ``(D, d)``; what floating point cannot hold is beyond `FAR`."""
        u = v.copy()
        with np.errstate(all="ignore"):
            for i, kind in enumerate(self.kind):
                low, high = special.ndtr(v[:, i]), special.ndtr(-v[:, i])
                if kind == 1:
                    t = np.log(np.tan(0.5 * np.pi * np.minimum(low, high)))
                    u[:, i] = self.centre[i] + np.where(v[:, i] < 0, t, -t)
                elif kind == 2:
                    u[:, i] = np.log(low) - np.log(high)
                beyond = np.where(v[:, i] > 0, FAR + 1, -FAR - 1)
                u[:, i] = np.where(np.isfinite(u[:, i]), u[:, i], beyond)
        return u
