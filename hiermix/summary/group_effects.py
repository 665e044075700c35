"""The table of group-specific effects: deviation and coefficient of each level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.summary.centres import centre_of
from hiermix.summary.draws import (
    by_level,
    draws_of,
    effect_names,
    group_columns,
    pieces,
    scalars_of,
)
from hiermix.summary.intervals import IntervalKind, interval, ordered
from hiermix.summary.ranking import chances_of_best, expected_ranks

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

TEXTS = ("group", "level", "term")

ESTIMATES = (
    "deviation_mean",
    "deviation_sd",
    "coefficient_mean",
    "coefficient_sd",
    "lower",
    "upper",
    "raw_estimate",
    "raw_se",
)
NUMBERS = (*ESTIMATES, "pooling", "ess_bulk", "rhat")

POOLING = ("shrinkage", "rank", "prob_best")

COLUMNS = (*TEXTS, "n_rows", *NUMBERS, "identified", *POOLING)
"""Columns of ``group_effects.csv``, in order."""


def group_effects(
    fit: Fit, plan: ModelPlan, scalars: pd.DataFrame, probability: float, kind: IntervalKind
) -> pd.DataFrame:
    """Return ``COLUMNS``, one row per group, term and level, in this order.

    ``deviation`` is the effect of the level itself. ``coefficient`` is, draw by draw, the common
    effect of the same name plus that deviation (``1|g``: intercept plus deviation; ``x|g``: x
    plus deviation); without such a common effect it is the deviation alone. For nested factors
    each of ``a`` and ``a:b`` is the common effect plus its *own* deviation. ``lower`` and
    ``upper`` belong to the coefficient, ``ess_bulk`` and ``rhat`` to the deviation. ``term`` is
    the name of the common effect that the level deviates from. ``identified`` says that the
    likelihood tells the effect from all others. ``raw_estimate``, ``raw_se``, ``pooling`` and
    ``shrinkage`` are those of `pooling_columns`. ``rank`` is the posterior mean of the
    coefficient's rank among the levels, 1 being the largest, ``prob_best`` the probability that
    it is the largest. Numbers that this fit does not have are NaN.

    See ``summarise`` for the parameters. Time and memory: linear in draws times levels, worked
    on in `pieces`.
    """
    blocks = [_block(fit, plan, place, scalars, probability, kind) for place in group_columns(plan)]
    if not blocks:
        return _empty()
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.summary.shrinkage import pooling_columns

    table = pd.concat(blocks, ignore_index=True)
    for name, values in pooling_columns(fit, plan, table).items():
        table[name] = values
    return table[list(COLUMNS)]


def _block(
    fit: Fit,
    plan: ModelPlan,
    place: tuple[LinearPart, GroupTerm, int],
    scalars: pd.DataFrame,
    probability: float,
    kind: IntervalKind,
) -> pd.DataFrame:
    part, term, column = place
    parameter = plan.parameter(plan.label(part, term.name))
    deviations = by_level(plan, part, term, draws_of(fit, parameter))[:, column, :]
    common = common_draws(fit, plan, part, term, column)
    summaries = [
        _summary(deviations[:, piece], common, probability, kind)
        for piece in pieces(*deviations.shape)
    ]
    numbers = {name: np.concatenate([s[name] for s in summaries]) for name in summaries[0]}
    numbers["rank"] = expected_ranks(deviations)
    numbers["prob_best"] = chances_of_best(deviations)
    for name in ("ess_bulk", "rhat"):
        numbers[name] = by_level(plan, part, term, scalars_of(scalars, parameter, name))[column]
    n_groups = term.factor.n_groups
    block = pd.DataFrame(
        {
            "group": [term.factor.name] * n_groups,
            "level": list(term.factor.levels),
            "term": [effect_names(plan, part, term)[column]] * n_groups,
            "n_rows": np.asarray(term.factor.counts, dtype=np.int64),
        }
    )
    for name in (*NUMBERS, *POOLING):
        block[name] = numbers.get(name, np.full(n_groups, np.nan))
    block["identified"] = _identified(plan, part, term, column)
    return block


def _identified(
    plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> pd.arrays.BooleanArray:
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.summary.identification import identified_column

    audit = plan.design.identification
    if audit is None:
        return pd.array([pd.NA] * term.factor.n_groups, dtype="boolean")
    return pd.array(identified_column(audit, plan, part, term, column), dtype="boolean")


def common_draws(
    fit: Fit, plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> np.ndarray:
    """Return the common effect that one effect of a group term deviates from.

    Returns
    -------
    np.ndarray
        Shape ``(n_draws, 1)``, or ``(1, 1)`` and zero where the model has no such common effect:
        the sum of `centre_of`.
    """
    total = np.zeros((1, 1))
    for parameter, place in centre_of(plan, part, term, column):
        draws = draws_of(fit, parameter)
        total = total + draws.reshape(len(draws), -1)[:, [place]]
    return total


def common_mean(rows: pd.DataFrame) -> float:
    """Return the common effect of one group term, fixed or estimated: 0 where it has none.

    Parameters
    ----------
    rows
        Of ``group_effects``, of one group and term: the coefficient of each level is the common
        effect plus its deviation.
    """
    known = (rows["coefficient_mean"] - rows["deviation_mean"]).dropna()
    return float(known.iloc[0]) if len(known) else 0.0


def _summary(
    deviations: np.ndarray, common: np.ndarray, probability: float, kind: IntervalKind
) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore", over="ignore"):
        coefficients = deviations + common
        lower, upper = interval(ordered(coefficients), probability, kind)
        return {
            "deviation_mean": deviations.mean(axis=0),
            "deviation_sd": deviations.std(axis=0, ddof=1),
            "coefficient_mean": coefficients.mean(axis=0),
            "coefficient_sd": coefficients.std(axis=0, ddof=1),
            "lower": lower,
            "upper": upper,
        }


def _empty() -> pd.DataFrame:
    table = pd.DataFrame({name: np.empty(0, dtype=object) for name in TEXTS})
    table["n_rows"] = np.empty(0, dtype=np.int64)
    for name in (*NUMBERS, *POOLING):
        table[name] = np.empty(0)
    table["identified"] = pd.array([], dtype="boolean")
    return table[list(COLUMNS)]
