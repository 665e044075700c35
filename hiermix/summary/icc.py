"""Intraclass correlation: the share of variance that lies between levels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import INTERCEPT, draws_of

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan, Parameter

    DrawsOf = Callable[[Parameter], np.ndarray]

LATENT_VARIANCE = {
    "logit": np.pi**2 / 3,
    "probit": 1.0,
    "cloglog": np.pi**2 / 6,
}
"""Variance of the latent variable behind a binary outcome, by link."""

BINARY = ("bernoulli", "binomial")


def icc(fit: Fit, plan: ModelPlan) -> dict[str, np.ndarray]:
    """Return draws of the ICC of each grouping factor, shape ``(n_draws,)`` each.

    ``tau_g^2 / (sum of tau^2 + residual variance)`` over the group-specific intercepts of the
    main predictor; with slopes in the model it holds where their predictors are 0. Gaussian with
    the identity link: the residual variance is sigma^2, if that is one number. Bernoulli and
    binomial: the variance of the latent variable. Poisson with the log link: the log-normal
    approximation ``log(1 + 1 / mean)``. Other families have no agreed residual variance: no ICC.
    Nor have models with an effect of every category, ``(0 + f | g)``: it is 0 in no row, and its
    variance differs between categories.

    Source: Nakagawa, Johnson and Schielzeth 2017, doi:10.1098/rsif.2017.0213.
    """
    return icc_of(plan, partial(draws_of, fit))


def icc_of(plan: ModelPlan, draws: DrawsOf) -> dict[str, np.ndarray]:
    """Return what `icc` does, for any draws of the parameters: the prior's, for example."""
    residual = _residual_variance(plan, draws)
    terms = [t for t in plan.design.main.group if t.expression == INTERCEPT]
    if residual is None or not terms or any(map(_of_every_category, plan.design.main.group)):
        return {}
    between = {
        t.factor.name: np.square(draws(plan.parameter(f"{t.name}_sigma")).reshape(-1))
        for t in terms
    }
    total = np.sum(list(between.values()), axis=0) + residual
    return {name: tau2 / total for name, tau2 in between.items()}


def _of_every_category(term: GroupTerm) -> bool:
    """Return whether the columns of a term are dummies for all categories: one in each row is 1."""
    if term.expression == INTERCEPT:
        return False
    ones = (term.values == 1).sum(axis=1)
    return bool((ones == 1).all() and (np.count_nonzero(term.values, axis=1) == 1).all())


def residual_variance(fit: Fit, plan: ModelPlan) -> np.ndarray | float | None:
    """Return what varies between rows beside the predictor, on the predictor's scale, if known.

    A number, or draws of it, shape ``(n_draws,)``; see `icc`.
    """
    return _residual_variance(plan, partial(draws_of, fit))


def _residual_variance(plan: ModelPlan, draws: DrawsOf) -> np.ndarray | float | None:
    link = plan.links.get(plan.design.main.parameter)
    if plan.family == "gaussian" and link == "identity":
        sigma = [p for p in plan.parameters if p.name == "sigma" and p.role == "residual"]
        return np.square(draws(sigma[0])) if sigma else None
    if plan.family in BINARY and link is not None:
        return LATENT_VARIANCE.get(link)
    if plan.family == "poisson" and link == "log" and _counts_whole_rows(plan):
        mean = float(plan.design.response.values.sum()) / plan.design.n_rows
        return float(np.log1p(1 / mean)) if mean > 0 else None
    return None


def _counts_whole_rows(plan: ModelPlan) -> bool:
    """Return whether every row of the data has an exposure of 1; merged ones have their number."""
    offset = plan.design.main.offset
    return offset is None or (
        plan.merged is not None and np.allclose(np.exp(offset), plan.design.rows, rtol=1e-9)
    )
