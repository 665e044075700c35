"""Log densities of rows and of whole levels at the draws of a fit: what is left out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.studies.accuracy import efficiency_of, row_log_likelihood
from hiermix.studies.densities import summed, thinned_log_likelihood, why_no_densities
from hiermix.studies.effects import effects_of, terms_of
from hiermix.studies.integrated import level_densities, why_not_integrated
from hiermix.summary.weights import row_model

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from hiermix.design.types import Factor
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan


@dataclass(frozen=True)
class Pieces:
    """Log densities of pieces of the data.

    ``values`` has shape ``(n_chains, n_kept, n_pieces)``; ``efficiency`` are the draws of the
    population-level parameters that they are of.
    """

    values: np.ndarray
    efficiency: xr.Dataset


def row_pieces(fit: Fit, plan: ModelPlan) -> Pieces | str:
    """Return the log densities of the rows, or why there are none.

    Those of the engine for all draws, or for some of them where it has left them out.
    """
    stored = row_log_likelihood(fit)
    if stored is not None:
        return Pieces(stored, _efficiency(fit, plan))
    rows = row_model(fit, plan)
    why = why_no_densities(plan)
    if why or rows is None:
        return why or f"family {plan.family}"
    thinned = thinned_log_likelihood(fit, plan, rows)
    if thinned is None:
        return f"{plan.design.n_obs} rows are too many"
    return Pieces(thinned[0], _efficiency(fit, plan, thinned[1]))


def level_pieces(
    fit: Fit, plan: ModelPlan, factor: Factor, group_effects: pd.DataFrame
) -> Pieces | str:
    """Return the log densities of the rows of each level as a new one, or why there are none.

    The level's own effects are integrated out; where the model has none by this factor, the
    densities of its rows are added up.

    Parameters
    ----------
    factor
        Levels of the rows that the plan has.
    group_effects
        Table of the same fit.
    """
    if any(f.name == factor.name for part in plan.design.components.values() for f in part.factors):
        return "a component of the model has effects of the level"
    terms = terms_of(plan, factor)
    if not terms:
        rows = row_pieces(fit, plan)
        if isinstance(rows, str):
            return rows
        return Pieces(summed(rows.values, factor.index), rows.efficiency)
    model = row_model(fit, plan)
    why = why_not_integrated(plan, len(terms))
    if why or model is None:
        return why or f"family {plan.family}"
    effects = [effects_of(group_effects, factor.name, name) for _, _, name in terms]
    means = np.column_stack([e["coefficient_mean"].to_numpy(dtype=float) for e in effects])
    found = level_densities(fit, plan, model, factor, means)
    return Pieces(found.values, _efficiency(fit, plan, found.draws))


def _efficiency(fit: Fit, plan: ModelPlan, draws: np.ndarray | None = None) -> xr.Dataset:
    names = [p.variable for p in plan.parameters if p.role != "group_specific"]
    return efficiency_of(fit, names, draws)
