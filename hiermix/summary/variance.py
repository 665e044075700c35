"""The table of variance components, intraclass correlations and explained variance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from hiermix.summary.draws import draws_of, effect_names
from hiermix.summary.icc import icc
from hiermix.summary.intervals import IntervalKind, interval, ordered, quantile
from hiermix.summary.pooling import pooling_factor
from hiermix.summary.r2 import bayes_r2

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

COLUMNS = ("component", "group", "term", "quantity", "mean", "sd", "median", "lower", "upper")
"""Columns of ``variance.csv``, in order."""


class Row(NamedTuple):
    """One quantity: what it is of, and its draws, shape ``(n_draws,)``, or its single value."""

    component: str
    group: str
    term: str
    quantity: str
    draws: np.ndarray


def variance(fit: Fit, plan: ModelPlan, probability: float, kind: IntervalKind) -> pd.DataFrame:
    """Return ``COLUMNS``, one row per quantity.

    ``component`` is the family's parameter (``mu``, ``sigma``...), ``quantity`` one of ``sd``,
    ``variance``, ``correlation``, ``covariance``, ``icc``, ``r2_conditional``, ``r2_marginal``,
    ``pooling_factor``. The residual of a Gaussian model has the term ``residual``, a correlation
    those of both effects: ``Intercept, x``. Ratios that the model does not have are left out.
    The pooling factor is one number of the whole posterior: its other columns are NaN.

    See ``summarise`` for the parameters.
    """
    rows = [
        *_group_sds(fit, plan),
        *_correlations(fit, plan),
        *_residual(fit, plan),
        *_ratios(fit, plan),
        *_pooling(fit, plan),
    ]
    table = pd.DataFrame([_described(row, probability, kind) for row in rows], columns=COLUMNS)
    return table if len(table) else table.astype(object)


def _described(row: Row, probability: float, kind: IntervalKind) -> dict[str, str | float]:
    labels = dict(zip(COLUMNS, row[:4], strict=False))
    if len(row.draws) == 1:
        return labels | {"mean": float(row.draws[0])}
    sorted_draws = ordered(row.draws[:, None])
    lower, upper = interval(sorted_draws, probability, kind)
    with np.errstate(invalid="ignore", over="ignore"):
        return labels | {
            "mean": float(row.draws.mean()),
            "sd": float(row.draws.std(ddof=1)),
            "median": float(quantile(sorted_draws, 0.5)[0]),
            "lower": float(lower[0]),
            "upper": float(upper[0]),
        }


def _group_sds(fit: Fit, plan: ModelPlan) -> Iterator[Row]:
    for part in plan.parts:
        for term in part.group:
            for name, sd in _sds(fit, plan, part, term):
                yield Row(part.parameter, term.factor.name, name, "sd", sd)
                yield Row(part.parameter, term.factor.name, name, "variance", np.square(sd))


def _sds(
    fit: Fit, plan: ModelPlan, part: LinearPart, term: GroupTerm
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and draws of the sd of each effect of a group term."""
    draws = draws_of(fit, plan.parameter(f"{plan.label(part, term.name)}_sigma"))
    yield from zip(effect_names(plan, part, term), draws.reshape(len(draws), -1).T, strict=True)


def _correlations(fit: Fit, plan: ModelPlan) -> Iterator[Row]:
    # Imported here: what reads finished runs needs no model.
    from hiermix.model.plan import correlation_name

    named = {p.name: p for p in plan.parameters if p.role == "correlation"}
    for part in plan.parts:
        taken: dict[str, int] = {}
        for block in part.correlated_blocks:
            factor = block.factor.name
            parameter = named.get(plan.label(part, correlation_name(factor)))
            # A categorical response has a matrix for each of its categories.
            if parameter is None or len(parameter.dims) > 1:
                continue
            draws = draws_of(fit, parameter)
            start = taken.get(factor, 0)
            taken[factor] = start + len(block.pairs)
            sds = [sd for term in block.terms for sd in _sds(fit, plan, part, term)]
            for number, (i, j) in enumerate(block.pairs, start):
                names, correlation = f"{sds[i][0]}, {sds[j][0]}", draws[:, number]
                covariance = correlation * sds[i][1] * sds[j][1]
                yield Row(part.parameter, factor, names, "correlation", correlation)
                yield Row(part.parameter, factor, names, "covariance", covariance)


def _residual(fit: Fit, plan: ModelPlan) -> Iterator[Row]:
    if plan.family != "gaussian":
        return
    for parameter in plan.parameters:
        if parameter.role == "residual" and parameter.name == "sigma":
            sd = draws_of(fit, parameter)
            yield Row(plan.design.main.parameter, "", "residual", "sd", sd)
            yield Row(plan.design.main.parameter, "", "residual", "variance", np.square(sd))


def _ratios(fit: Fit, plan: ModelPlan) -> Iterator[Row]:
    main = plan.design.main
    for group, draws in icc(fit, plan).items():
        yield Row(main.parameter, group, "Intercept", "icc", draws)
    for quantity, draws in bayes_r2(fit, plan).items():
        yield Row(main.parameter, "", "", quantity, draws)


def _pooling(fit: Fit, plan: ModelPlan) -> Iterator[Row]:
    for part in plan.parts:
        for term in part.group:
            for column, name in enumerate(effect_names(plan, part, term)):
                value = np.array([pooling_factor(fit, plan, part, term, column)])
                yield Row(part.parameter, term.factor.name, name, "pooling_factor", value)
