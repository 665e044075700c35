"""Priors of positive parameters as SciPy's distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats

from hiermix.spec.priors import Prior


def frozen(prior: Prior) -> Any:
    """Return the SciPy distribution of a prior of a positive parameter.

    Raises
    ------
    KeyError
        The distribution has negative values, or is not one of ours.

    Examples
    --------
    >>> round(float(frozen(Prior("HalfNormal", (("sigma", 2.0),))).mean()), 4)
    1.5958
    """
    return _SCIPY[prior.distribution](dict(prior.arguments))


_Arguments = Mapping[str, float]


def _gamma(a: _Arguments) -> Any:
    if "alpha" in a:
        return stats.gamma(a["alpha"], scale=1 / a["beta"])
    return stats.gamma((a["mu"] / a["sigma"]) ** 2, scale=a["sigma"] ** 2 / a["mu"])


def _inverse_gamma(a: _Arguments) -> Any:
    if "alpha" in a:
        return stats.invgamma(a["alpha"], scale=a["beta"])
    alpha = 2 + (a["mu"] / a["sigma"]) ** 2
    return stats.invgamma(alpha, scale=a["mu"] * (alpha - 1))


def _beta(a: _Arguments) -> Any:
    if "alpha" in a:
        return stats.beta(a["alpha"], a["beta"])
    size = a["mu"] * (1 - a["mu"]) / a["sigma"] ** 2 - 1
    return stats.beta(a["mu"] * size, (1 - a["mu"]) * size)


def _truncated_normal(a: _Arguments) -> Any:
    lower = (a.get("lower", -math.inf) - a["mu"]) / a["sigma"]
    upper = (a.get("upper", math.inf) - a["mu"]) / a["sigma"]
    return stats.truncnorm(lower, upper, loc=a["mu"], scale=a["sigma"])


class _HalfT:
    """|t|, which SciPy does not have."""

    def __init__(self, nu: float, sigma: float) -> None:
        self._whole = stats.t(nu, scale=sigma)

    def logpdf(self, x: np.ndarray) -> Any:
        return math.log(2.0) + self._whole.logpdf(x)

    def ppf(self, p: np.ndarray) -> Any:
        return self._whole.isf((1 - p) / 2)

    def median(self) -> float:
        return float(self.ppf(np.array(0.5)))


_SCIPY: Mapping[str, Callable[[_Arguments], Any]] = {
    "HalfNormal": lambda a: stats.halfnorm(scale=a["sigma"]),
    "HalfStudentT": lambda a: _HalfT(a["nu"], a["sigma"]),
    "HalfCauchy": lambda a: stats.halfcauchy(scale=a["beta"]),
    "Exponential": lambda a: stats.expon(scale=1 / a["lam"]),
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "Weibull": lambda a: stats.weibull_min(a["alpha"], scale=a["beta"]),
    "LogNormal": lambda a: stats.lognorm(a["sigma"], scale=math.exp(a["mu"])),
    "Wald": lambda a: stats.invgauss(a["mu"] / a["lam"], scale=a["lam"]),
    "Beta": _beta,
    "Uniform": lambda a: stats.uniform(a["lower"], a["upper"] - a["lower"]),
    "TruncatedNormal": _truncated_normal,
}
