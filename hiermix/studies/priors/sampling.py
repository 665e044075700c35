"""Random numbers from the distributions that a prior may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from hiermix.spec.priors import Prior

Rng = np.random.Generator
Arguments = Mapping[str, float]

SWEEPS = 200
"""Gibbs sweeps over ordered cutpoints: neighbours that are closer than their sds mix slowly."""


def draw_prior(prior: Prior, rng: Rng, n: int) -> np.ndarray:
    """Draw ``n`` values, shape ``(n,)``.

    Parameters
    ----------
    prior
        Any but ``LKJ``, whose matrices are drawn by `hiermix.studies.priors.parameters`.

    Raises
    ------
    KeyError
        The distribution has no sampler.

    Examples
    --------
    >>> prior = Prior("Uniform", (("lower", 2.0), ("upper", 3.0)))
    >>> bool((draw_prior(prior, np.random.default_rng(1), 100) >= 2).all())
    True
    """
    return np.asarray(SAMPLERS[prior.distribution](rng, dict(prior.arguments), n))


def truncated_normal(rng: Rng, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Draw standard normals between bounds, by the inverse distribution function.

    Parameters
    ----------
    lower, upper
        Bounds that broadcast, infinite where there is none.

    Notes
    -----
    Beyond zero the mirrored tail on logarithms is used, which keeps its digits however far out.
    """
    lower, upper = np.broadcast_arrays(lower, upper)
    mirrored = lower > 0
    a, b = np.where(mirrored, -upper, lower), np.where(mirrored, -lower, upper)
    u = rng.random(a.shape)
    with np.errstate(divide="ignore"):
        tail = np.logaddexp(log_ndtr(a) + np.log1p(-u), log_ndtr(b) + np.log(u))
        # Where the upper tail matters, logarithms of chances near 1 have lost it.
        high = tail > -0.5
        left = ndtri_exp(np.where(high, -1.0, tail))
    right = -ndtri(np.clip(ndtr(-a) * (1 - u) + ndtr(-b) * u, 1e-300, 1.0))
    x = np.clip(np.where(high, right, left), a, b)
    return np.asarray(np.where(mirrored, -x, x))


def ordered_normals(rng: Rng, mu: np.ndarray, sigma: np.ndarray, n: int) -> np.ndarray:
    """Draw independent normals given that they are in ascending order, shape ``(k, n)``.

    This is the prior of the cutpoints of a cumulative model: Bambi's normal priors under PyMC's
    ``ordered`` transform. Gibbs sampling, every draw a chain of its own.
    """
    middle = np.sort(mu)
    x = np.tile(middle[:, None], (1, n)).astype(float)
    edge = np.full(n, np.inf)
    for _ in range(SWEEPS if len(mu) > 1 else 1):
        for i in range(len(mu)):
            below = x[i - 1] if i else -edge
            above = x[i + 1] if i + 1 < len(mu) else edge
            z = truncated_normal(rng, (below - mu[i]) / sigma[i], (above - mu[i]) / sigma[i])
            x[i] = mu[i] + sigma[i] * z
    return x


def _gamma(rng: Rng, a: Arguments, n: int) -> np.ndarray:
    if "alpha" in a:
        return rng.gamma(a["alpha"], 1 / a["beta"], n)
    return rng.gamma((a["mu"] / a["sigma"]) ** 2, a["sigma"] ** 2 / a["mu"], n)


def _inverse_gamma(rng: Rng, a: Arguments, n: int) -> np.ndarray:
    if "alpha" in a:
        alpha, beta = a["alpha"], a["beta"]
    else:
        alpha = 2 + (a["mu"] / a["sigma"]) ** 2
        beta = a["mu"] * (alpha - 1)
    with np.errstate(divide="ignore"):
        return np.asarray(beta / rng.gamma(alpha, 1.0, n))


def _beta(rng: Rng, a: Arguments, n: int) -> np.ndarray:
    if "alpha" in a:
        return rng.beta(a["alpha"], a["beta"], n)
    size = a["mu"] * (1 - a["mu"]) / a["sigma"] ** 2 - 1
    return rng.beta(a["mu"] * size, (1 - a["mu"]) * size, n)


def _skew_normal(rng: Rng, a: Arguments, n: int) -> np.ndarray:
    delta = a["alpha"] / np.hypot(1.0, a["alpha"])
    side, rest = rng.standard_normal((2, n))
    return np.asarray(a["mu"] + a["sigma"] * (delta * abs(side) + np.sqrt(1 - delta**2) * rest))


def _truncated_normal(rng: Rng, a: Arguments, n: int) -> np.ndarray:
    lower = (a.get("lower", -np.inf) - a["mu"]) / a["sigma"]
    upper = (a.get("upper", np.inf) - a["mu"]) / a["sigma"]
    return a["mu"] + a["sigma"] * truncated_normal(rng, np.full(n, lower), np.full(n, upper))


SAMPLERS: Mapping[str, Callable[[Rng, Arguments, int], np.ndarray]] = {
    "Normal": lambda rng, a, n: rng.normal(a["mu"], a["sigma"], n),
    "StudentT": lambda rng, a, n: a["mu"] + a["sigma"] * rng.standard_t(a["nu"], n),
    "Cauchy": lambda rng, a, n: a["alpha"] + a["beta"] * rng.standard_cauchy(n),
    "Laplace": lambda rng, a, n: rng.laplace(a["mu"], a["b"], n),
    "Logistic": lambda rng, a, n: rng.logistic(a["mu"], a["s"], n),
    "Gumbel": lambda rng, a, n: rng.gumbel(a["mu"], a["beta"], n),
    "SkewNormal": _skew_normal,
    "ExGaussian": lambda rng, a, n: (
        rng.normal(a["mu"], a["sigma"], n) + rng.exponential(a["nu"], n)
    ),
    "HalfNormal": lambda rng, a, n: abs(rng.normal(0.0, a["sigma"], n)),
    "HalfStudentT": lambda rng, a, n: a["sigma"] * abs(rng.standard_t(a["nu"], n)),
    "HalfCauchy": lambda rng, a, n: a["beta"] * abs(rng.standard_cauchy(n)),
    "Exponential": lambda rng, a, n: rng.exponential(1 / a["lam"], n),
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "Weibull": lambda rng, a, n: a["beta"] * rng.weibull(a["alpha"], n),
    "LogNormal": lambda rng, a, n: rng.lognormal(a["mu"], a["sigma"], n),
    "Wald": lambda rng, a, n: rng.wald(a["mu"], a["lam"], n),
    "Beta": _beta,
    "Uniform": lambda rng, a, n: rng.uniform(a["lower"], a["upper"], n),
    "TruncatedNormal": _truncated_normal,
}
"""Distribution of a prior -> how to draw it, with PyMC's meaning of its arguments."""
