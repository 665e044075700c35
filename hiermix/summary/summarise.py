"""All tables of a fit, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiermix.summary.group_effects import group_effects
from hiermix.summary.intervals import IntervalKind
from hiermix.summary.population import population
from hiermix.summary.tables import Tables
from hiermix.summary.variance import variance

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan


def summarise(
    fit: Fit,
    plan: ModelPlan,
    scalars: pd.DataFrame,
    interval: float,
    interval_kind: IntervalKind,
) -> Tables:
    """Return the tables of a run.

    Parameters
    ----------
    fit, plan
        The posterior and the model that it belongs to.
    scalars
        One row per posterior scalar, parameters in the order of the plan and the scalars of a
        parameter in C order: ``variable``, ``role``, ``parameter``, ``mean``, ``sd``, ``rhat``,
        ``ess_bulk``, ``ess_tail``, ``mcse_mean``.
    interval
        Posterior probability of the intervals, in (0, 1).
    interval_kind
        ``eti`` (equal tails) or ``hdi`` (shortest).
    """
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.design.identification import audit_identification
    from hiermix.summary.contextual import contextual_effects
    from hiermix.summary.identification import identification_table

    audit = plan.design.identification or audit_identification(plan.parts, False)
    return Tables(
        summary=population(fit, plan, scalars, interval, interval_kind),
        group_effects=group_effects(fit, plan, scalars, interval, interval_kind),
        variance=variance(fit, plan, interval, interval_kind),
        cre=contextual_effects(fit, plan, interval, interval_kind),
        identification=identification_table(fit, plan, audit),
    )
