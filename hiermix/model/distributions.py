"""Priors of positive parameters: log density and quantiles.

The usual ones are written out; for the others SciPy loads ``scipy.stats``, which takes half a
second and is therefore never imported by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from scipy import special

from hiermix.spec.priors import Prior


def frozen(prior: Prior) -> Any:
    """Return the distribution of a prior of a positive parameter.

    It has ``logpdf``, ``ppf`` and ``median``, as SciPy's have.

    Raises
    ------
    KeyError
        The distribution has negative values, or is not one of ours.

    Examples
    --------
    >>> round(frozen(Prior("HalfNormal", (("sigma", 2.0),))).median(), 4)
    1.349
    """
    return _DISTRIBUTIONS[prior.distribution](dict(prior.arguments))


_Arguments = Mapping[str, float]


def _gamma(a: _Arguments) -> Any:
    if "alpha" in a:
        return scipy.stats.gamma(a["alpha"], scale=1 / a["beta"])
    return scipy.stats.gamma((a["mu"] / a["sigma"]) ** 2, scale=a["sigma"] ** 2 / a["mu"])


def _inverse_gamma(a: _Arguments) -> Any:
    if "alpha" in a:
        return scipy.stats.invgamma(a["alpha"], scale=a["beta"])
    alpha = 2 + (a["mu"] / a["sigma"]) ** 2
    return scipy.stats.invgamma(alpha, scale=a["mu"] * (alpha - 1))


def _beta(a: _Arguments) -> Any:
    if "alpha" in a:
        return scipy.stats.beta(a["alpha"], a["beta"])
    size = a["mu"] * (1 - a["mu"]) / a["sigma"] ** 2 - 1
    return scipy.stats.beta(a["mu"] * size, (1 - a["mu"]) * size)


def _truncated_normal(a: _Arguments) -> Any:
    lower = (a.get("lower", -math.inf) - a["mu"]) / a["sigma"]
    upper = (a.get("upper", math.inf) - a["mu"]) / a["sigma"]
    return scipy.stats.truncnorm(lower, upper, loc=a["mu"], scale=a["sigma"])


@dataclass(frozen=True)
class _Scaled:
    """A positive variable, ``scale`` times one with this log density and these quantiles."""

    scale: float
    log_density: Callable[[np.ndarray], np.ndarray]
    quantile: Callable[[np.ndarray], np.ndarray]

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        unit = np.asarray(x, dtype=float) / self.scale
        return np.where(unit >= 0, self.log_density(unit) - math.log(self.scale), -np.inf)

    def ppf(self, p: np.ndarray) -> np.ndarray:
        return np.asarray(self.scale * self.quantile(np.asarray(p, dtype=float)))

    def median(self) -> float:
        return float(self.ppf(np.array(0.5)))


def _half_normal(a: _Arguments) -> _Scaled:
    constant = 0.5 * math.log(2 / math.pi)
    return _Scaled(a["sigma"], lambda x: constant - x**2 / 2, lambda p: special.ndtri((1 + p) / 2))


def _half_t(a: _Arguments) -> _Scaled:
    nu = a["nu"]
    constant = math.log(2 * special.poch(nu / 2, 0.5)) - 0.5 * math.log(nu * math.pi)
    return _Scaled(
        a["sigma"],
        lambda x: constant - (nu + 1) / 2 * np.log1p(x**2 / nu),
        lambda p: -special.stdtrit(nu, (1 - p) / 2),
    )


def _half_cauchy(a: _Arguments) -> _Scaled:
    constant = math.log(2 / math.pi)
    return _Scaled(
        a["beta"], lambda x: constant - np.log1p(x**2), lambda p: np.tan(math.pi / 2 * p)
    )


def _exponential(a: _Arguments) -> _Scaled:
    return _Scaled(1 / a["lam"], lambda x: -x, lambda p: -np.log1p(-p))


_DISTRIBUTIONS: Mapping[str, Callable[[_Arguments], Any]] = {
    "HalfNormal": _half_normal,
    "HalfStudentT": _half_t,
    "HalfCauchy": _half_cauchy,
    "Exponential": _exponential,
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "Weibull": lambda a: scipy.stats.weibull_min(a["alpha"], scale=a["beta"]),
    "LogNormal": lambda a: scipy.stats.lognorm(a["sigma"], scale=math.exp(a["mu"])),
    "Wald": lambda a: scipy.stats.invgauss(a["mu"] / a["lam"], scale=a["lam"]),
    "Beta": _beta,
    "Uniform": lambda a: scipy.stats.uniform(a["lower"], a["upper"] - a["lower"]),
    "TruncatedNormal": _truncated_normal,
}
