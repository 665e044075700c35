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
from hiermix.summary.intervals import IntervalKind, interval, ordered

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


def coefficient_summary(
    fit: Fit, plan: ModelPlan, probability: float, kind: IntervalKind
) -> pd.DataFrame:
    """Return ``SUMMARY_COLUMNS``, one row a coefficient.

    Mean, sd and interval are those of ``group_effects.csv``; ``mcse_mean`` is that of the
    coefficient.
    """
    blocks = []
    for own in coefficients(fit, plan):
        flat = own.draws.reshape(len(own.levels), -1)
        lower, upper = interval(ordered(flat.T), probability, kind)
        blocks.append(
            pd.DataFrame(
                {
                    "group": own.group,
                    "level": list(own.levels),
                    "term": own.term,
                    "mean": flat.mean(axis=1),
                    "sd": flat.std(axis=1, ddof=1),
                    "lower": lower,
                    "upper": upper,
                    "mcse_mean": mcse_of_means(own.draws),
                }
            )
        )
    if not blocks:
        return pd.DataFrame({name: [] for name in SUMMARY_COLUMNS})
    return pd.concat(blocks, ignore_index=True)[list(SUMMARY_COLUMNS)]
