"""How well each method predicts rows and levels that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.studies.accuracy import (
    Accuracy,
    by_level,
    efficiency_of,
    leave_out,
    missing,
    row_log_likelihood,
)
from hiermix.studies.densities import thinned_log_likelihood, why_no_densities
from hiermix.studies.effects import effects_of, terms_of
from hiermix.studies.integrated import level_densities, why_not_integrated
from hiermix.summary.weights import row_model

if TYPE_CHECKING:
    from hiermix.design.types import Factor
    from hiermix.pipeline import Listener, RunResult
    from hiermix.studies.exact_left_out import Refits

ACCURACY_COLUMNS = (
    *("method", "engine", "verdict"),
    *("rows", "elpd_loo", "elpd_loo_se", "loo_high_k"),
    *("levels", "elpd_level", "elpd_level_se", "level_high_k", "note"),
)
"""Columns of ``accuracy.csv``, in order."""

NEW_LEVEL = "without pooling the other levels say nothing about one that is left out"


def accuracy_table(
    results: Mapping[str, RunResult],
    factor: Factor,
    listener: Listener,
    refits: Refits | None = None,
) -> pd.DataFrame:
    """Return ``ACCURACY_COLUMNS``, one row per method.

    Parameters
    ----------
    results
        Fit of each method, by its name: ``none``, ``complete``, ``partial``.
    factor
        Whose levels are left out.
    listener
        Hears what is left out; many rows take a minute.
    refits
        Leaves out what importance sampling cannot, if that is wanted.
    """
    rows = []
    for method, result in results.items():
        listener.stage(f"leaving out levels of {factor.name}: {method}")
        level = _of_levels(method, result, factor, refits)
        # Where every row is a level, leaving out one is leaving out the other.
        same = method == "partial" and factor.counts.max() == 1 and np.isfinite(level.elpd)
        if not same:
            listener.stage(f"leaving out rows: {method}")
        single = level if same else _of_rows(method, result, refits)
        notes = dict.fromkeys(reason for reason in (single.reason, level.reason) if reason)
        rows.append(
            {
                "method": method,
                "engine": result.fit.engine,
                "verdict": result.verdict.status,
                "rows": single.pieces,
                "elpd_loo": single.elpd,
                "elpd_loo_se": single.se,
                "loo_high_k": single.unreliable,
                "levels": level.pieces,
                "elpd_level": level.elpd,
                "elpd_level_se": level.se,
                "level_high_k": level.unreliable,
                "note": "; ".join(notes),
            }
        )
    return pd.DataFrame(rows)[list(ACCURACY_COLUMNS)]


def _of_rows(method: str, result: RunResult, refits: Refits | None) -> Accuracy:
    pointwise = _pointwise(result)
    if isinstance(pointwise, str):
        return missing(f"no leave-one-out: {pointwise}")
    values, kept = pointwise
    refit = None if refits is None else refits.of_rows(method, result)
    return leave_out(values, efficiency_of(result.fit, _population(result), kept), refit)


def _pointwise(result: RunResult) -> tuple[np.ndarray, np.ndarray | None] | str:
    """Return log likelihoods of the rows and the draws that they are of, or why there are none.

    Those of the engine for all draws, or for some of them where it has left them out.
    """
    stored = row_log_likelihood(result.fit)
    if stored is not None:
        return stored, None
    plan = result.prepared.plan
    rows = row_model(result.fit, plan)
    why = why_no_densities(plan)
    if why or rows is None:
        return why or f"family {plan.family}"
    thinned = thinned_log_likelihood(result.fit, plan, rows)
    return f"{plan.design.n_obs} rows are too many" if thinned is None else thinned


def _of_levels(method: str, result: RunResult, factor: Factor, refits: Refits | None) -> Accuracy:
    if method == "none":
        return missing(NEW_LEVEL)
    plan = result.prepared.plan
    if any(f.name == factor.name for part in plan.design.components.values() for f in part.factors):
        return missing("no leave-one-level-out: a component of the model has effects of the level")
    refit = None if refits is None else refits.of_levels(method, result)
    if method == "complete":
        pointwise = _pointwise(result)
        if isinstance(pointwise, str):
            return missing("")
        own = by_level(pointwise[0], _factor_in(result, factor))
        return leave_out(own, efficiency_of(result.fit, _population(result), pointwise[1]), refit)
    terms = terms_of(result, factor)
    why = why_not_integrated(plan, len(terms))
    rows = row_model(result.fit, plan)
    if why or rows is None:
        return missing(f"no leave-one-level-out: {why or f'family {plan.family}'}")
    effects = [effects_of(result, factor.name, name) for _, _, name in terms]
    means = np.column_stack([e["coefficient_mean"].to_numpy(dtype=float) for e in effects])
    found = level_densities(result.fit, plan, rows, _factor_in(result, factor), means)
    draws = efficiency_of(result.fit, _population(result), found.draws)
    return leave_out(found.values, draws, refit)


def _factor_in(result: RunResult, factor: Factor) -> Factor:
    """Return the factor as the rows of the plan have it, which may be merged ones."""
    for own in result.prepared.plan.design.main.factors:
        if own.name == factor.name:
            return own
    return factor


def _population(result: RunResult) -> list[str]:
    return [
        parameter.variable
        for parameter in result.prepared.plan.parameters
        if parameter.role != "group_specific"
    ]
