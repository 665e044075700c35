"""Means and new observations of every family, from draws of its parameters.

Parameters are those of Bambi 0.21: ``mu`` or ``p`` by the family's parent, the others by name, and
``n`` trials. Arrays broadcast to ``(rows, draws)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

P = Mapping[str, np.ndarray]
Rng = np.random.Generator

MOST = 1e15
"""Largest mean of a count that is drawn; beyond it a count has no exact float64 either."""

LEAST_SHAPE = 1e-300
"""Of a beta distribution whose mean has been rounded to 0 or 1."""

ROUNDS = 30
"""Rounds of drawing until a count is not 0, before its quantile function is used."""


@dataclass(frozen=True)
class Predictive:
    """How a family predicts.

    Attributes
    ----------
    mean
        Expected response.
    draw
        One new observation for each row and draw.
    valid
        Where the parameters make a distribution: a link such as ``identity`` does not keep a
        probability below 1. Elsewhere there is no prediction.
    safe
        A value of the parent that is valid, for the places that are not.
    needs
        Parameters besides the parent that the mean depends on.
    """

    mean: Callable[[P], np.ndarray]
    draw: Callable[[Rng, P], np.ndarray]
    valid: Callable[[np.ndarray], np.ndarray]
    safe: float
    needs: tuple[str, ...] = ()


def _real(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x)


def _positive(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x) & (x > 0)


def _count(x: np.ndarray) -> np.ndarray:
    return np.asarray((x >= 0) & (x <= MOST))


def _positive_count(x: np.ndarray) -> np.ndarray:
    return np.asarray((x > 0) & (x <= MOST))


def _chance(x: np.ndarray) -> np.ndarray:
    return np.asarray((x >= 0) & (x <= 1))


def _like(p: P) -> np.ndarray:
    """Return the parent, broadcast with all other parameters."""
    return np.asarray(np.broadcast_arrays(*p.values())[0])


def _asymmetric_laplace(rng: Rng, p: P) -> np.ndarray:
    left, right = rng.standard_exponential((2, *_like(p).shape))
    return np.asarray(p["mu"] + (right / p["kappa"] - left * p["kappa"]) / p["b"])


def _beta(rng: Rng, p: P) -> np.ndarray:
    a = np.maximum(p["mu"] * p["kappa"], LEAST_SHAPE)
    b = np.maximum((1 - p["mu"]) * p["kappa"], LEAST_SHAPE)
    return rng.beta(a, b, _like(p).shape)


def _binomial(rng: Rng, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    size = np.broadcast_shapes(n.shape, p.shape)
    return np.asarray(rng.binomial(n.astype(np.int64), p, size), dtype=np.float64)


def _gamma(rng: Rng, p: P) -> np.ndarray:
    alpha = np.where(p["alpha"] > 0, p["alpha"], np.nan)
    return np.asarray(rng.gamma(alpha, 1.0, _like(p).shape) * (p["mu"] / alpha))


def _negative_binomial(rng: Rng, p: P) -> np.ndarray:
    rate = np.minimum(_gamma(rng, p), MOST)
    return np.where(np.isnan(rate), np.nan, rng.poisson(np.nan_to_num(rate)))


def _positive_poisson(rng: Rng, p: P) -> np.ndarray:
    """Draw counts that are not 0: the first event of the process, then those after it."""
    mu = _like(p)
    first = -np.log1p(rng.random(mu.shape) * np.expm1(-mu))
    return np.asarray(1.0 + rng.poisson(np.maximum(mu - first, 0.0)))


def _positive_negative_binomial(rng: Rng, p: P) -> np.ndarray:
    mu, alpha = np.broadcast_arrays(p["mu"], p["alpha"])
    found = _negative_binomial(rng, {"mu": mu, "alpha": alpha})
    for _ in range(ROUNDS):
        zero = found == 0
        if not zero.any():
            return found
        found[zero] = _negative_binomial(rng, {"mu": mu[zero], "alpha": alpha[zero]})
    zero = found == 0
    if zero.any():
        found[zero] = _rare_negative_binomial(rng, mu[zero], alpha[zero])
    return found


def _rare_negative_binomial(rng: Rng, mu: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    from scipy.stats import nbinom

    chance = alpha / (alpha + mu)
    at_zero = chance**alpha
    u = at_zero + rng.random(mu.shape) * (1 - at_zero)
    return np.asarray(np.maximum(nbinom.ppf(u, alpha, chance), 1.0))


def _mixed(part: Callable[[Rng, P], np.ndarray]) -> Callable[[Rng, P], np.ndarray]:
    """Return draws of a mixture with a point mass 1 - psi at zero."""

    def draw(rng: Rng, p: P) -> np.ndarray:
        rest = {name: value for name, value in p.items() if name != "psi"}
        found = part(rng, rest)
        size = np.broadcast_shapes(found.shape, p["psi"].shape)
        return np.where(rng.random(size) < p["psi"], found, 0.0)

    return draw


def _hurdle_negative_binomial_mean(p: P) -> np.ndarray:
    log_zero = p["alpha"] * -np.log1p(p["mu"] / p["alpha"])
    return np.asarray(p["psi"] * p["mu"] / -np.expm1(log_zero))


def _student(rng: Rng, p: P) -> np.ndarray:
    return np.asarray(p["mu"] + p["sigma"] * rng.standard_t(p["nu"], _like(p).shape))


def _weibull(rng: Rng, p: P) -> np.ndarray:
    from scipy.special import gamma

    return np.asarray(p["mu"] / gamma(1 + 1 / p["alpha"]) * rng.weibull(p["alpha"], _like(p).shape))


def _lognormal_mean(p: P) -> np.ndarray:
    return np.asarray(np.exp(p["mu"] + p["sigma"] ** 2 / 2))


def _mu(p: P) -> np.ndarray:
    return p["mu"]


def _normal(rng: Rng, p: P) -> np.ndarray:
    return np.asarray(p["mu"] + p["sigma"] * rng.standard_normal(_like(p).shape))


def _lognormal(rng: Rng, p: P) -> np.ndarray:
    return np.exp(_normal(rng, p))


def _poisson(rng: Rng, p: P) -> np.ndarray:
    return np.asarray(rng.poisson(_like(p)), dtype=np.float64)


PREDICTIVES: Mapping[str, Predictive] = {
    "asymmetriclaplace": Predictive(
        lambda p: p["mu"] + (1 / p["kappa"] - p["kappa"]) / p["b"],
        _asymmetric_laplace,
        _real,
        0.0,
        ("b", "kappa"),
    ),
    "bernoulli": Predictive(
        lambda p: p["p"], lambda rng, p: _binomial(rng, np.ones(1), _like(p)), _chance, 0.5
    ),
    "beta": Predictive(_mu, _beta, _chance, 0.5),
    "beta_binomial": Predictive(
        lambda p: p["n"] * p["mu"],
        lambda rng, p: _binomial(
            rng, p["n"], _beta(rng, {name: p[name] for name in ("mu", "kappa")})
        ),
        _chance,
        0.5,
    ),
    "binomial": Predictive(
        lambda p: p["n"] * p["p"], lambda rng, p: _binomial(rng, p["n"], p["p"]), _chance, 0.5
    ),
    "exgaussian": Predictive(
        lambda p: p["mu"] + p["nu"],
        lambda rng, p: _normal(rng, p) + p["nu"] * rng.standard_exponential(_like(p).shape),
        _real,
        0.0,
        ("nu",),
    ),
    "exponential": Predictive(
        _mu, lambda rng, p: p["mu"] * rng.standard_exponential(_like(p).shape), _positive, 1.0
    ),
    "gamma": Predictive(_mu, _gamma, _positive, 1.0),
    "gaussian": Predictive(_mu, _normal, _real, 0.0),
    "hurdle_gamma": Predictive(
        lambda p: p["psi"] * p["mu"], _mixed(_gamma), _positive, 1.0, ("psi",)
    ),
    "hurdle_lognormal": Predictive(
        lambda p: p["psi"] * _lognormal_mean(p), _mixed(_lognormal), _real, 0.0, ("psi", "sigma")
    ),
    "hurdle_negativebinomial": Predictive(
        _hurdle_negative_binomial_mean,
        _mixed(_positive_negative_binomial),
        _positive_count,
        1.0,
        ("psi", "alpha"),
    ),
    "hurdle_poisson": Predictive(
        lambda p: p["psi"] * p["mu"] / -np.expm1(-p["mu"]),
        _mixed(_positive_poisson),
        _positive_count,
        1.0,
        ("psi",),
    ),
    "laplace": Predictive(
        _mu, lambda rng, p: p["mu"] + p["b"] * rng.laplace(size=_like(p).shape), _real, 0.0
    ),
    "lognormal": Predictive(_lognormal_mean, _lognormal, _real, 0.0, ("sigma",)),
    "negativebinomial": Predictive(_mu, _negative_binomial, _count, 1.0),
    "poisson": Predictive(_mu, _poisson, _count, 1.0),
    "t": Predictive(_mu, _student, _real, 0.0),
    "vonmises": Predictive(
        _mu, lambda rng, p: rng.vonmises(p["mu"], p["kappa"], _like(p).shape), _real, 0.0
    ),
    "wald": Predictive(
        _mu, lambda rng, p: rng.wald(p["mu"], p["lam"], _like(p).shape), _positive, 1.0
    ),
    "weibull": Predictive(_mu, _weibull, _positive, 1.0),
    "zero_inflated_binomial": Predictive(
        lambda p: p["psi"] * p["n"] * p["p"],
        _mixed(lambda rng, p: _binomial(rng, p["n"], p["p"])),
        _chance,
        0.5,
        ("psi",),
    ),
    "zero_inflated_negativebinomial": Predictive(
        lambda p: p["psi"] * p["mu"], _mixed(_negative_binomial), _count, 1.0, ("psi",)
    ),
    "zero_inflated_poisson": Predictive(
        lambda p: p["psi"] * p["mu"], _mixed(_poisson), _count, 1.0, ("psi",)
    ),
}
"""Family -> how it predicts; `CATEGORY_FAMILIES` are in ``categories``."""


def predicted(family: str, parameters: P, rng: Rng | None) -> np.ndarray:
    """Return the expected response of each row and draw, or with ``rng`` a new observation.

    Parameters
    ----------
    family
        Name of a family in `PREDICTIVES`.
    parameters
        The parent first, shape ``(rows, draws)``.
    rng
        Source of new observations.

    Returns
    -------
    numpy.ndarray
        Shape ``(rows, draws)``; NaN where the parameters make no distribution.
    """
    how = PREDICTIVES[family]
    parent = next(iter(parameters))
    valid = how.valid(parameters[parent])
    safe = {**parameters, parent: np.where(valid, parameters[parent], how.safe)}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = how.mean(safe) if rng is None else how.draw(rng, safe)
    return np.where(valid, found, np.nan)
