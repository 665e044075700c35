"""How much the levels of a group term are pulled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import CHUNK_BYTES, by_level, draws_of

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan


def pooling_factor(
    fit: Fit, plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> float:
    """Return the pooling factor of one column of a group term.

    ``1 - V_j(E(u_j)) / E(V_j(u_j))``, V_j being the variance between levels and E the posterior
    mean: 0 is no pooling, 1 complete pooling. NaN with a single level.

    Source: Gelman and Pardoe 2006, doi:10.1198/004017005000000517.
    """
    parameter = plan.parameter(plan.label(part, term.name))
    effects = by_level(plan, part, term, draws_of(fit, parameter))[:, column, :]
    return of_draws(effects)


def of_draws(effects: np.ndarray) -> float:
    """Return the pooling factor of draws of shape ``(n_draws, n_groups)``.

    Examples
    --------
    >>> of_draws(np.array([[-1.0, 1.0], [-1.0, 1.0]]))
    0.0
    >>> of_draws(np.array([[-1.0, 1.0], [1.0, -1.0]]))
    1.0
    """
    n_draws, n_groups = effects.shape
    if n_groups < 2:
        return float("nan")
    step = max(1, CHUNK_BYTES // (8 * n_groups))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        within = [
            effects[start : start + step].var(axis=1, ddof=1) for start in range(0, n_draws, step)
        ]
        of_means = effects.mean(axis=0).var(ddof=1)
        return float(1 - of_means / np.concatenate(within).mean())
