"""The quantities of a prior check: what the priors say of each, and what the data do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hiermix.model.plan import ModelPlan, correlation_name
from hiermix.spec.families import COUNT_FAMILIES
from hiermix.studies.priors.measures import (
    EDGE,
    FAR_SDS,
    MANY_TIMES,
    level_means,
    moments,
    quantiles,
    share,
)
from hiermix.studies.priors.outcomes import CHANCES, Outcomes
from hiermix.studies.priors.parameters import Draws
from hiermix.studies.priors.remarks import remark_of
from hiermix.summary.draws import effect_names
from hiermix.summary.icc import icc_of

QUANTITIES = (
    *("outcome", "outcome_mean", "outcome_sd", "group_mean", "group_mean_sd", "category_share"),
    *("residual_sd", "group_sd", "correlation", "icc"),
    *("share_impossible", "share_certain", "share_huge", "share_far"),
)
"""Names of the quantities."""

DIRECTIONS = frozenset({"vonmises"})
"""Families without far values."""


@dataclass(frozen=True)
class Quantity:
    """One row of the table before it is summarised.

    Attributes
    ----------
    name, group, term
        What it is.
    prior
        Draws ``(n,)``, or all values of all draws of a quantity that a data set has many of.
    data
        The data's values: many, one, or none.
    scale
        Range of the data's outcomes, where the quantity is on their scale.
    """

    name: str
    prior: np.ndarray
    data: np.ndarray
    group: str = ""
    term: str = ""
    scale: float = np.nan


def of_outcomes(plan: ModelPlan, observed: np.ndarray, outcomes: Outcomes) -> Iterator[Quantity]:
    """Yield outcomes, their mean and sd, and level means of each factor.

    Parameters
    ----------
    observed
        The data on the scale of the outcomes, ``(n_rows,)``.
    """
    trials = plan.design.response.trials
    weight = np.ones(len(observed)) if trials is None else trials.astype(float)
    scale = float(np.ptp(observed))
    drawn, data = moments(outcomes.values, weight), moments(observed[:, None], weight)
    yield Quantity("outcome", outcomes.values.ravel(), observed, scale=scale)
    yield Quantity("outcome_mean", drawn.mean, data.mean, scale=scale)
    # The sd of zeros and ones says nothing that their mean does not.
    if plan.family != "bernoulli":
        yield Quantity("outcome_sd", drawn.sd, data.sd, scale=scale)
    for factor in plan.design.main.factors:
        implied = level_means(outcomes.values, weight, factor)
        own = level_means(observed[:, None], weight, factor)
        equal = np.ones(factor.n_groups)
        spread, data_spread = moments(implied, equal).sd, moments(own, equal).sd
        name = factor.name
        yield Quantity("group_mean", implied.ravel(), own.ravel(), name, scale=scale)
        yield Quantity("group_mean_sd", spread, data_spread, name, scale=scale)


def of_categories(plan: ModelPlan, outcomes: Outcomes) -> Iterator[Quantity]:
    """Yield the share of rows of each category."""
    valid = np.isfinite(outcomes.values)
    for code, level in enumerate(plan.design.response.levels or ()):
        data = np.array([(plan.design.response.values == code).mean()])
        implied = share(outcomes.values == code, valid)
        yield Quantity("category_share", implied, data, term=level)


def implied_spread(plan: ModelPlan, parameters: Draws) -> Iterator[Quantity]:
    """Yield residual sd, group sds, correlations and ICCs that the priors imply."""
    nothing = np.zeros(0)
    for parameter in plan.parameters:
        if parameter.role == "residual" and not parameter.is_fixed:
            draws = parameters[parameter.name]
            yield Quantity("residual_sd", draws, nothing, term=parameter.name)
    for part in plan.parts:
        for term in part.group:
            draws = parameters[f"{plan.label(part, term.name)}_sigma"]
            rows = draws.reshape(-1, draws.shape[-1])
            for name, sd in zip(effect_names(plan, part, term), rows, strict=True):
                yield Quantity("group_sd", sd, nothing, term.factor.name, name)
    yield from _correlations(plan, parameters)

    def draws_of(parameter: Any) -> np.ndarray:
        return np.moveaxis(parameters[parameter.name], -1, 0)

    for group, draws in icc_of(plan, draws_of).items():
        yield Quantity("icc", draws, nothing, group, "Intercept")


def _correlations(plan: ModelPlan, parameters: Draws) -> Iterator[Quantity]:
    for part in plan.parts:
        taken: dict[str, int] = {}
        for block in part.correlated_blocks:
            factor = block.factor.name
            draws = parameters[plan.label(part, correlation_name(factor))]
            # A categorical response has a matrix for each of its categories, all with this prior.
            draws = draws.reshape(len(draws), -1)
            start = taken.get(factor, 0)
            taken[factor] = start + len(block.pairs)
            names = [
                plan.label(part, "Intercept" if column == "1" else column)
                for column in block.columns
            ]
            for number, (i, j) in enumerate(block.pairs, start):
                term = f"{names[i]}, {names[j]}"
                yield Quantity("correlation", draws[number], np.zeros(0), factor, term)


def of_shares(plan: ModelPlan, outcomes: Outcomes) -> Iterator[Quantity]:
    """Yield the shares of a draw's rows that are impossible or absurd."""
    values, nothing = outcomes.values, np.zeros(0)
    valid = np.isfinite(values)
    yield Quantity("share_impossible", 1.0 - valid.mean(axis=0), nothing)
    if outcomes.chance is not None:
        edge = outcomes.chance > 1 - EDGE
        if plan.family in CHANCES:
            edge |= outcomes.chance < EDGE
        yield Quantity("share_certain", share(edge, valid), nothing)
        return
    observed = plan.design.response.values
    if plan.family in COUNT_FAMILIES:
        far = values > MANY_TIMES * max(float(observed.max()), 1.0)
        yield Quantity("share_huge", share(far, valid), nothing)
    elif plan.family not in DIRECTIONS and observed.std() > 0:
        far = abs(values - observed.mean()) > FAR_SDS * observed.std()
        yield Quantity("share_far", share(far, valid), nothing)


def summary_row(quantity: Quantity, interval: float) -> dict[str, Any]:
    """Return the table's row of a quantity; NaN where there is no number."""
    tail = (1 - interval) / 2
    lower, median, upper = quantiles(quantity.prior, (tail, 0.5, 1 - tail))
    known = quantity.prior[~np.isnan(quantity.prior)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(known.mean()) if len(known) else np.nan
    data = quantity.data[~np.isnan(quantity.data)]
    many, one = len(quantity.data) > 1 or quantity.name in MANY, len(data) == 1
    row = {
        "quantity": quantity.name,
        "group": quantity.group,
        "term": quantity.term,
        "data_min": float(data.min()) if many and len(data) else np.nan,
        "data": float(np.median(data)) if len(data) else np.nan,
        "data_max": float(data.max()) if many and len(data) else np.nan,
        "prior_lower": lower,
        "prior_median": median,
        "prior_upper": upper,
        "prior_mean": mean,
        "data_inside": _inside(data, lower, upper) if many else np.nan,
        "prob_below": _below(known, float(data[0])) if one and not many else np.nan,
    }
    return {**row, "remark": remark_of(row, quantity.scale)}


MANY = frozenset({"outcome", "group_mean"})
"""Quantities that a data set has many values of."""


def _inside(data: np.ndarray, lower: float, upper: float) -> float:
    return float(((data >= lower) & (data <= upper)).mean()) if len(data) else np.nan


def _below(prior: np.ndarray, data: float) -> float:
    """Return the chance of a smaller value in prior draws, half of the equal ones included."""
    if not len(prior):
        return np.nan
    # Means of the same whole numbers differ by rounding where they are summed in another order.
    equal = np.isclose(prior, data, rtol=1e-9, atol=0.0)
    return float(((prior < data) & ~equal).mean() + equal.mean() / 2)
