"""Log density of the priors at every draw, of top-level parameters only.

Group-specific effects are no top-level parameters: their distribution given the group sds is part
of the model that the data are explained with. Scaling it too would mean to ask about another
model, and reports conflicts that are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from hiermix.design.types import ordered_pairs
from hiermix.model.distributions import frozen
from hiermix.model.plan import correlation_name
from hiermix.spec.priors import Prior
from hiermix.summary.draws import draws_of, is_fixed

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan, Parameter

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def log_prior_draws(fit: Fit, plan: ModelPlan) -> dict[str, np.ndarray]:
    """Return the log prior of each top-level parameter at every draw, up to constants.

    Returns
    -------
    dict
        Name of a common effect, group sd, correlation, residual or auxiliary parameter -> the sum
        over its scalars, shape ``(n_draws,)``, chains after one another. Parameters that the
        spec fixes have none.

    Notes
    -----
    The prior of an intercept is about the intercept at the means of the predictors, which is the
    stored one plus the means times the coefficients. Densities are those of the parameters as
    they are printed, without any Jacobian. Of ordered cutpoints the product of their normal
    priors stands for the density, to which it is proportional.
    """
    centred = _centred_intercepts(fit, plan)
    found = {}
    for parameter in plan.parameters:
        if parameter.role == "group_specific" or is_fixed(parameter):
            continue
        assert isinstance(parameter.prior, tuple)  # all others have one
        values = centred.get(parameter.name)
        if values is None:
            values = draws_of(fit, parameter)
        if parameter.role == "correlation":
            found[parameter.name] = _log_lkj(plan, parameter, values)
        else:
            found[parameter.name] = _log_densities(parameter.prior, values)
    return found


def log_density(prior: Prior, x: np.ndarray) -> np.ndarray:
    """Return the log density of any prior but ``LKJ``, with PyMC's meaning of its arguments.

    Examples
    --------
    >>> prior = Prior("Laplace", (("mu", 0.0), ("b", 1.0)))
    >>> log_density(prior, np.array([0.0])).round(4).tolist()
    [-0.6931]
    """
    arguments = dict(prior.arguments)
    with np.errstate(divide="ignore", over="ignore"):
        if prior.distribution in _REAL:
            return np.asarray(_REAL[prior.distribution](arguments, np.asarray(x, dtype=float)))
        return np.asarray(frozen(prior).logpdf(x))


def _log_densities(priors: tuple[Prior, ...], values: np.ndarray) -> np.ndarray:
    """Add up the log densities of all scalars: one prior a column of the first axis."""
    columns = values.reshape(len(values), len(priors), -1)
    each = [log_density(prior, columns[:, i]).sum(axis=-1) for i, prior in enumerate(priors)]
    return np.asarray(np.sum(each, axis=0))


def _centred_intercepts(fit: Fit, plan: ModelPlan) -> dict[str, np.ndarray]:
    """Return the draws of the intercepts at the means of the columns, by name."""
    found = {}
    for part in plan.parts:
        if not part.intercept:
            continue
        name = plan.label(part, "Intercept")
        values = draws_of(fit, plan.parameter(name))
        for term, means in zip(part.common, plan.centres(part), strict=True):
            effects = draws_of(fit, plan.parameter(plan.label(part, term.name)))
            by_column = effects.reshape(len(effects), len(means), *values.shape[1:])
            values = values + np.einsum("dk...,k->d...", by_column, means)
        found[name] = values
    return found


def _log_lkj(plan: ModelPlan, parameter: Parameter, values: np.ndarray) -> np.ndarray:
    """Return (eta - 1) log det R, summed over the matrices: one a bar of the formula."""
    assert isinstance(parameter.prior, tuple)
    eta = parameter.prior[0].get("eta")
    total, start = np.zeros(len(values)), 0
    for part in plan.parts:
        for block in part.correlated_blocks:
            if plan.label(part, correlation_name(block.factor.name)) != parameter.name:
                continue
            pairs = ordered_pairs(len(block.columns))
            own = values[:, start : start + len(pairs)].reshape(len(values), len(pairs), -1)
            start += len(pairs)
            for copy in range(own.shape[2]):
                _, log_det = np.linalg.slogdet(_matrices(own[:, :, copy], len(block.columns)))
                total += (eta - 1) * log_det
    return total


def _matrices(correlations: np.ndarray, size: int) -> np.ndarray:
    """Return correlation matrices ``(n_draws, size, size)`` of ``(n_draws, n_pairs)``."""
    found = np.tile(np.eye(size), (len(correlations), 1, 1))
    for place, (first, second) in enumerate(ordered_pairs(size)):
        found[:, first, second] = found[:, second, first] = correlations[:, place]
    return found


_Arguments = Mapping[str, float]


def _normal(a: _Arguments, x: np.ndarray) -> np.ndarray:
    return -0.5 * ((x - a["mu"]) / a["sigma"]) ** 2 - math.log(a["sigma"]) - HALF_LOG_2PI


def _student(a: _Arguments, x: np.ndarray) -> np.ndarray:
    nu, sigma = a["nu"], a["sigma"]
    z = (x - a["mu"]) / sigma
    constant = math.log(special.poch(nu / 2, 0.5)) - 0.5 * math.log(nu * math.pi)
    return np.asarray(constant - math.log(sigma) - (nu + 1) / 2 * np.log1p(z**2 / nu))


def _cauchy(a: _Arguments, x: np.ndarray) -> np.ndarray:
    z = (x - a["alpha"]) / a["beta"]
    return np.asarray(-math.log(math.pi * a["beta"]) - np.log1p(z**2))


def _logistic(a: _Arguments, x: np.ndarray) -> np.ndarray:
    z = (x - a["mu"]) / a["s"]
    return np.asarray(special.log_expit(z) + special.log_expit(-z) - math.log(a["s"]))


def _gumbel(a: _Arguments, x: np.ndarray) -> np.ndarray:
    z = (x - a["mu"]) / a["beta"]
    return -z - np.exp(-z) - math.log(a["beta"])


def _skew_normal(a: _Arguments, x: np.ndarray) -> np.ndarray:
    z = (x - a["mu"]) / a["sigma"]
    return np.asarray(_normal(a, x) + math.log(2) + special.log_ndtr(a["alpha"] * z))


def _ex_gaussian(a: _Arguments, x: np.ndarray) -> np.ndarray:
    """Return the log density of a normal plus an exponential of mean nu."""
    sigma, nu = a["sigma"], a["nu"]
    z = (x - a["mu"]) / sigma
    ratio = sigma / nu
    tail = special.log_ndtr(z - ratio)
    return np.asarray(ratio**2 / 2 - ratio * z + tail - math.log(nu))


_REAL: Mapping[str, Callable[[_Arguments, np.ndarray], np.ndarray]] = {
    "Normal": _normal,
    "StudentT": _student,
    "Cauchy": _cauchy,
    "Laplace": lambda a, x: -np.abs(x - a["mu"]) / a["b"] - math.log(2 * a["b"]),
    "Logistic": _logistic,
    "Gumbel": _gumbel,
    "SkewNormal": _skew_normal,
    "ExGaussian": _ex_gaussian,
}
"""Priors of parameters of any sign; those of positive ones are in `hiermix.model.distributions`."""
