"""Rows as a level sees them: Fisher information and working residuals of a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import draws_of
from hiermix.summary.links import INVERSE, SLOPES, log_chances
from hiermix.summary.predictor import mean_predictor

if TYPE_CHECKING:
    from hiermix.design.types import Response
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

KINDS = ("plain", "proportion", "weighted")
"""Kinds of response whose rows have the family's own information."""

VARIANCES: Mapping[str, Callable[[np.ndarray, np.ndarray | float], np.ndarray]] = {
    "gaussian": lambda mean, sigma: np.ones_like(mean),
    "bernoulli": lambda mean, _: mean * (1 - mean),
    "binomial": lambda mean, _: mean * (1 - mean),
    "poisson": lambda mean, _: mean,
    "negativebinomial": lambda mean, alpha: mean + np.square(mean) / alpha,
    "exponential": lambda mean, _: np.square(mean),
    "gamma": lambda mean, alpha: np.square(mean) / alpha,
    "wald": lambda mean, lam: mean**3 / lam,
}
"""Variance of a row around its mean, given the family's other parameter; in units of the residual
variance for gaussian."""

CHANCES = ("bernoulli", "binomial")
"""Families of a row's chance."""

AUXILIARY = {"negativebinomial": "alpha", "gamma": "alpha", "wald": "lam"}
"""The other parameter of a family; in `VARIANCES` it is at its posterior mean."""


@dataclass(frozen=True)
class RowModel:
    """How the rows of a model tell about their linear predictor.

    Attributes
    ----------
    eta
        Shape ``(n_obs,)``: the linear predictor at posterior means.
    response
        Shape ``(n_obs,)``: responses on the scale of the mean.
    size
        Shape ``(n_obs,)``: trials, weights, 1 / se^2...: what multiplies the information of a row.
    sigma
        Draws of the residual sd that all rows share, shape ``(n_draws,)``, or ``None`` where the
        information of a row does not depend on one.
    """

    family: str
    link: str
    eta: np.ndarray
    response: np.ndarray
    size: np.ndarray
    auxiliary: float
    sigma: np.ndarray | None

    def working(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return working residuals and information of the rows, shape ``(n_obs,)`` each.

        A step of Fisher scoring is the regression of the residuals on the columns, weighted by
        the information (McCullagh and Nelder 1989, section 2.5). The information is in units of
        1 / sigma^2 where `sigma` is not ``None``. Both are 0 for rows so far out that the curve is
        flat there.
        """
        with np.errstate(all="ignore"):
            mean = INVERSE[self.link](eta)
            slope = SLOPES[self.link](eta)
            information = slope * (slope / self._variance(eta, mean))
            residual = (self.response - mean) / slope
            tells = (information > 0) & np.isfinite(information) & np.isfinite(residual)
            flat = np.isfinite(eta) & ~tells
            return np.where(flat, 0.0, residual), self.size * np.where(flat, 0.0, information)

    def _variance(self, eta: np.ndarray, mean: np.ndarray) -> np.ndarray:
        if self.family in CHANCES:
            # Not from the mean: near 1 its complement has lost its digits.
            return np.asarray(np.exp(np.add(*log_chances(self.link, eta))))
        return VARIANCES[self.family](mean, self.auxiliary)


def row_model(fit: Fit, plan: ModelPlan) -> RowModel | None:
    """Return how rows tell about the main linear predictor; ``None`` for other families.

    ``gaussian``, ``bernoulli``, ``binomial``, ``poisson``, ``negativebinomial``, ``exponential``,
    ``gamma`` and ``wald`` have it, unless the response is censored or truncated, or a component
    other than sigma has a formula.
    """
    design = plan.design
    link = plan.links.get(design.main.parameter, "")
    modelled = set(design.components) - {"sigma"}
    if plan.family not in VARIANCES or link not in SLOPES or modelled:
        return None
    if design.response.kind not in KINDS:
        return None
    size = _sizes(design.response, design.n_obs)
    sigma = None
    if plan.family == "gaussian":
        if design.known_se is not None:
            size = size / np.square(design.known_se)
        elif "sigma" in design.components:
            if plan.links.get("sigma") != "log":
                return None
            size = size * np.exp(-2 * mean_predictor(fit, plan, design.components["sigma"]))
        elif not any(parameter.name == "sigma" for parameter in plan.parameters):
            return None
        else:
            sigma = draws_of(fit, plan.parameter("sigma")).reshape(-1)
    return RowModel(
        plan.family,
        link,
        mean_predictor(fit, plan, design.main),
        _shares(design.response),
        size,
        _auxiliary(fit, plan),
        sigma,
    )


def _sizes(response: Response, n_obs: int) -> np.ndarray:
    if response.trials is not None:
        return np.asarray(response.trials, dtype=float)
    if response.weights is not None:
        return np.asarray(response.weights, dtype=float)
    return np.ones(n_obs)


def _shares(response: Response) -> np.ndarray:
    values = np.asarray(response.values, dtype=float)
    return values if response.trials is None else values / response.trials


def _auxiliary(fit: Fit, plan: ModelPlan) -> float:
    name = AUXILIARY.get(plan.family)
    return 1.0 if name is None else float(draws_of(fit, plan.parameter(name)).mean())
