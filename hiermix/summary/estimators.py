"""Random-effects and fixed-effects estimates beside those with group means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from hiermix.model.linear_mixed import LinearEstimate, TooLarge, reml, within

if TYPE_CHECKING:
    from hiermix.design.cre import Contextual
    from hiermix.model.plan import ModelPlan

RANDOM, FIXED = "random", "fixed"
"""Effects of the rows that hold these estimates."""


def comparison(plan: ModelPlan, probability: float) -> list[dict[str, Any]]:
    """Return rows of ``cre.csv`` with estimates that need no sampling, if the model has them.

    ``random``: the coefficient of the same model without group means, by generalised least
    squares at restricted maximum likelihood estimates of the sds, without priors; its
    group-specific effects are independent, whatever the bars of the formula say. ``fixed``:
    least squares with a dummy for each level of the factors of ``cre``, the within estimator.
    ``mean`` is the estimate, ``sd`` its standard error, ``lower`` and ``upper`` its confidence
    limits. Both exist for gaussian models with identity link and no model of sigma, unless there
    are too many crossed levels or the data do not tell the sds apart.

    Parameters
    ----------
    plan
        With contextual columns.
    probability
        Of the intervals.
    """
    contextual = plan.design.contextual
    if contextual is None or not contextual.columns or not has_closed_form(plan):
        return []
    random = _random(plan, contextual)
    fixed = _fixed(plan, contextual)
    group = " + ".join(dict.fromkeys(c.group for c in contextual.columns))
    rows = []
    for source in dict.fromkeys(c.source for c in contextual.columns):
        for effect, estimate in ((RANDOM, random), (FIXED, fixed)):
            if estimate is not None and source in estimate.names:
                rows.append(_row(group, source, effect, estimate, probability))
    return rows


def has_closed_form(plan: ModelPlan) -> bool:
    """Return whether the model is linear with normal errors whose relative sizes are known."""
    link = plan.links.get(plan.design.main.parameter)
    plain = plan.design.response.kind in ("plain", "weighted")
    return (
        plan.family == "gaussian"
        and link == "identity"
        and plain
        and "sigma" not in plan.design.components
    )


def _random(plan: ModelPlan, contextual: Contextual) -> LinearEstimate | None:
    y = plan.design.response.values
    weights, n_rows, sd = _residual(plan, contextual)
    if sd is None:
        return _found(lambda: reml(contextual.plain, y, weights, n_rows=n_rows))
    return _found(lambda: reml(contextual.plain, y, known_variance=sd**2 / weights))


def _fixed(plan: ModelPlan, contextual: Contextual) -> LinearEstimate | None:
    y = plan.design.response.values
    groups = {c.group for c in contextual.columns}
    factors = [f for f in contextual.plain.factors if f.name in groups]
    weights, n_rows, sd = _residual(plan, contextual)
    return _found(lambda: within(contextual.plain, y, factors, weights, n_rows, sd))


def _found(estimate: Callable[[], LinearEstimate]) -> LinearEstimate | None:
    """Return an estimate, or ``None`` where the data do not give one.

    Too many crossed levels, dependent columns that the rank gate has reported, sds that the data
    do not tell apart.
    """
    try:
        found = estimate()
    except (TooLarge, ValueError):
        return None
    return found if found.converged else None


def _residual(plan: ModelPlan, contextual: Contextual) -> tuple[np.ndarray, float, float | None]:
    """Return weights of the rows, how many rows they stand for, and the residual sd if known.

    ``weighted(y, w)`` multiplies a row's log likelihood by w: it counts w times. Known standard
    errors are residual sds of 1 at weights 1 / se^2.
    """
    weights = contextual.weight
    if plan.design.known_se is not None:
        return weights, float(len(weights)), 1.0
    sigma = next((p for p in plan.parameters if p.name == "sigma"), None)
    known = sigma.prior if sigma is not None and isinstance(sigma.prior, float) else None
    return weights, float(weights.sum()), known


def _row(
    group: str, source: str, effect: str, estimate: LinearEstimate, probability: float
) -> dict[str, Any]:
    i = estimate.names.index(source)
    value, error = float(estimate.values[i]), float(np.sqrt(estimate.covariance[i, i]))
    reach = float(special.ndtri((1 + probability) / 2)) * error
    return {
        "group": group,
        "term": source,
        "effect": effect,
        "mean": value,
        "sd": error,
        "lower": value - reach,
        "upper": value + reach,
        "conclusion": "",
    }
