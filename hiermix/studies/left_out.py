"""How well each method predicts rows and levels that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.studies.accuracy import Accuracy, leave_out, missing
from hiermix.studies.pieces import level_pieces, row_pieces

if TYPE_CHECKING:
    from hiermix.design.types import Factor
    from hiermix.listening import Listener
    from hiermix.pipeline import RunResult
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
    pieces = row_pieces(result.fit, result.prepared.plan)
    if isinstance(pieces, str):
        return missing(f"no leave-one-out: {pieces}")
    refit = None if refits is None else refits.of_rows(method, result)
    return leave_out(pieces.values, pieces.efficiency, refit)


def _of_levels(method: str, result: RunResult, factor: Factor, refits: Refits | None) -> Accuracy:
    if method == "none":
        return missing(NEW_LEVEL)
    plan = result.prepared.plan
    pieces = level_pieces(result.fit, plan, _factor_in(result, factor), result.tables.group_effects)
    if isinstance(pieces, str):
        return missing(f"no leave-one-level-out: {pieces}")
    refit = None if refits is None else refits.of_levels(method, result)
    return leave_out(pieces.values, pieces.efficiency, refit)


def _factor_in(result: RunResult, factor: Factor) -> Factor:
    """Return the factor as the rows of the plan have it, which may be merged ones."""
    for own in result.prepared.plan.design.main.factors:
        if own.name == factor.name:
            return own
    return factor
