"""Fit -> measurements: integrity, convergence of every scalar, and the sampler's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hiermix.diagnostics.convergence import convergence
from hiermix.diagnostics.integrity import integrity
from hiermix.diagnostics.sampling import sampling
from hiermix.diagnostics.scalars import Block, blocks, scalar_names
from hiermix.diagnostics.table import scalar_table
from hiermix.measurement import Measurement

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

__all__ = ["Block", "blocks", "diagnose", "scalar_names", "scalar_table"]


def diagnose(
    fit: Fit, plan: ModelPlan, table: pd.DataFrame | None = None
) -> tuple[Measurement, ...]:
    """Measure everything that the gates of the sampler phase judge.

    Parameters
    ----------
    table
        Of `scalar_table` for the same fit, if it is at hand: it is the costly part.
    """
    if table is None:
        table = scalar_table(fit, plan)
    posterior = fit.tree["posterior"].sizes if "posterior" in fit.tree else {}
    return (
        *integrity(fit, plan),
        *convergence(table, posterior.get("chain", 0)),
        *sampling(fit),
    )
