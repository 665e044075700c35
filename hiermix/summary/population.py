"""The population-level table: one row per scalar that does not belong to a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.summary.draws import draws_of, is_fixed
from hiermix.summary.intervals import IntervalKind, interval, ordered, quantile

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

COLUMNS = (
    "parameter",
    "role",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "mcse_mean",
    "ess_bulk",
    "ess_tail",
    "rhat",
)
"""Columns of ``summary.csv``, in order."""


def population(
    fit: Fit, plan: ModelPlan, scalars: pd.DataFrame, probability: float, kind: IntervalKind
) -> pd.DataFrame:
    """Return ``COLUMNS`` for common effects, group sds, correlations, residual and auxiliary.

    Parameters that the spec fixes are not estimates and have no row.

    See ``summarise`` for the parameters.
    """
    blocks = []
    for parameter in plan.parameters:
        if parameter.role == "group_specific" or is_fixed(parameter):
            continue
        draws = draws_of(fit, parameter)
        rows = ordered(draws.reshape(len(draws), -1))
        block = scalars[scalars["parameter"] == parameter.name].reset_index(drop=True)
        lower, upper = interval(rows, probability, kind)
        blocks.append(
            block.assign(
                parameter=block["variable"], median=quantile(rows, 0.5), lower=lower, upper=upper
            )
        )
    if not blocks:
        return pd.DataFrame({c: np.empty(0, dtype=object) for c in COLUMNS})
    return pd.concat(blocks, ignore_index=True)[list(COLUMNS)]
