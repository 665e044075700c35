"""Coefficients of levels: the common effect plus the level's own deviation, draw by draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.diagnostics.chains import mcse_of_means
from hiermix.summary.draws import by_level, draws_of, effect_names, group_columns, pieces
from hiermix.summary.group_effects import common_draws

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

KEYS = ("group", "level", "term")

SUMMARY_COLUMNS = (*KEYS, "mean", "sd", "lower", "upper", "mcse_mean")


@dataclass(frozen=True)
class Coefficients:
    """One coefficient of some levels.

    ``parameter`` is the printed name of the group-specific effects; ``draws`` has shape
    ``(n_levels, n_chains, n_draws)``.
    """

    group: str
    term: str
    parameter: str
    levels: tuple[str, ...]
    draws: np.ndarray


def coefficients(fit: Fit, plan: ModelPlan) -> Iterator[Coefficients]:
    """Yield all coefficients in the order of ``group_effects.csv``, some levels at a time."""
    n_chains = fit.tree["posterior"].sizes["chain"]
    for part, term, column in group_columns(plan):
        parameter = plan.parameter(plan.label(part, term.name))
        deviations = by_level(plan, part, term, draws_of(fit, parameter))[:, column, :]
        common = common_draws(fit, plan, part, term, column)
        name = effect_names(plan, part, term)[column]
        for piece in pieces(*deviations.shape):
            own = (deviations[:, piece] + common).T
            yield Coefficients(
                term.factor.name,
                name,
                parameter.name,
                term.factor.levels[piece],
                own.reshape(len(own), n_chains, -1),
            )


def coefficient_summary(fit: Fit, plan: ModelPlan, group_effects: pd.DataFrame) -> pd.DataFrame:
    """Return ``SUMMARY_COLUMNS``, one row a coefficient.

    Parameters
    ----------
    group_effects
        Table of the fit: it has all but ``mcse_mean``, that of the coefficient.
    """
    table = group_effects.rename(columns={"coefficient_mean": "mean", "coefficient_sd": "sd"})
    errors = [mcse_of_means(own.draws) for own in coefficients(fit, plan)]
    table = table.assign(mcse_mean=np.concatenate(errors) if errors else np.empty(0))
    return table[list(SUMMARY_COLUMNS)].reset_index(drop=True)
