"""Priors of standard deviations and correlations as numbers: log density and draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from hiermix.model import lkj
from hiermix.model.distributions import frozen
from hiermix.spec.priors import Prior

FAR = 690.0
"""Points further from zero on the real line have density zero: exp(690) is 1e299."""


@dataclass(frozen=True)
class Scale:
    """A positive parameter and its image on the real line.

    log(x - lower) for one limit, logit((x - lower) / (upper - lower)) for two.
    """

    prior: Prior
    lower: float
    upper: float
    density: Callable[[np.ndarray], np.ndarray]
    quantile: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of(cls, prior: Prior) -> Scale:
        """Return the parameter with this prior, which allows no negative value."""
        lower, upper = prior.bounds
        distribution = frozen(prior)
        return cls(prior, lower, upper, distribution.logpdf, distribution.ppf)

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no upper limit."""
        return math.isinf(self.upper)

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return the parameter at points of the real line."""
        if self.is_unlimited:
            return self.lower + np.exp(u)
        return np.asarray(self.lower + (self.upper - self.lower) * special.expit(u))

    def unbounded(self, x: np.ndarray) -> np.ndarray:
        """Return the point of the real line, the inverse of ``value``."""
        if self.is_unlimited:
            return np.log(x - self.lower)
        return np.asarray(special.logit((x - self.lower) / (self.upper - self.lower)))

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Return the log density of ``u`` under the prior."""
        if self.is_unlimited:
            jacobian = u
        else:
            jacobian = (
                special.log_expit(u) + special.log_expit(-u) + math.log(self.upper - self.lower)
            )
        return np.where(np.abs(u) > FAR, -np.inf, self.density(self.value(u)) + jacobian)

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``u`` from the prior; what floating point cannot hold is just beyond `FAR`."""
        with np.errstate(all="ignore"):
            drawn = self.unbounded(self.quantile(rng.uniform(size=size)))
        return np.asarray(np.clip(np.nan_to_num(drawn, nan=FAR + 1), -FAR - 1, FAR + 1))


@dataclass(frozen=True)
class Partial:
    """A canonical partial correlation r and its image atanh(r): (r + 1) / 2 ~ Beta(b, b)."""

    b: float

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return the partial correlation at points of the real line."""
        return np.tanh(u)

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Return the log density of ``u``: proportional to (1 - r^2)^b."""
        # log(1 - tanh(u)^2) = log 4 + log expit(2u) + log expit(-2u)
        log_one_minus_square = math.log(4.0) + special.log_expit(2 * u) + special.log_expit(-2 * u)
        constant = special.betaln(self.b, self.b) + (2 * self.b - 1) * math.log(2.0)
        return np.asarray(self.b * log_one_minus_square - constant)

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``u`` from the prior."""
        return np.arctanh(np.clip(2 * rng.beta(self.b, self.b, size=size) - 1, -ONE, ONE))


ONE = 1 - 1e-15
"""The largest partial correlation that is drawn from a prior."""


def lkj_partials(k: int, eta: float) -> tuple[Partial, ...]:
    """Return the partial correlations of an LKJ(eta) correlation matrix of ``k`` effects.

    In the order of `hiermix.design.types.ordered_pairs`.
    """
    return tuple(Partial(float(b)) for b in lkj.beta_shapes(k, eta))


def cholesky_factors(partials: np.ndarray, k: int) -> np.ndarray:
    """Return Cholesky factors of correlation matrices, ``(..., k (k - 1) / 2)`` to ``(..., k, k)``.

    Examples
    --------
    >>> cholesky_factors(np.array([0.6]), 2)
    array([[1. , 0. ],
           [0.6, 0.8]])
    """
    lower = np.zeros((*partials.shape[:-1], k, k))
    betas = [(1 + partials[..., i]) / 2 for i in range(partials.shape[-1])]
    for i, row in enumerate(lkj.cholesky_rows(betas)):
        for m, entry in enumerate(row):
            lower[..., i, m] = entry
    return lower
