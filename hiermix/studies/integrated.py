"""What a fitted model says about a level that it has not seen, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.model.plan import correlation_name
from hiermix.studies.densities import MIN_DRAWS, why_no_densities
from hiermix.studies.quadrature import NODES, LevelModel
from hiermix.summary.draws import draws_of, evenly_spaced
from hiermix.summary.group_effects import common_draws
from hiermix.summary.predictor import predictor_draws
from hiermix.summary.weights import RowModel

if TYPE_CHECKING:
    from hiermix.design.types import Factor, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

MAX_CELLS = 60_000_000
"""Rows times draws times nodes that are evaluated: about five seconds."""

MAX_ROWS = 500_000_000
"""Rows times nodes times ``MIN_DRAWS`` beyond which nothing is left out: about a minute."""

ALMOST_ONE = 1e-10
"""Added to the diagonal of correlation matrices, so that those of +-1 have a root."""


@dataclass(frozen=True)
class LevelDensities:
    """Log densities of each level's rows, its own effects integrated out over their distribution.

    ``values`` has shape ``(n_chains, n_kept, n_groups)``; ``draws`` ``(n_kept,)`` are positions
    in each chain.
    """

    values: np.ndarray
    draws: np.ndarray


def why_not_integrated(plan: ModelPlan, n_effects: int) -> str:
    """Return why a level's effects cannot be integrated out, in words; empty if they can.

    Parameters
    ----------
    n_effects
        Effects of a level.
    """
    why = why_no_densities(plan)
    if why:
        return why
    nodes = 1 if plan.family == "gaussian" else NODES.get(n_effects, 0) ** n_effects
    if not nodes:
        return f"{n_effects} effects a level are too many for quadrature"
    if plan.design.n_obs * nodes * MIN_DRAWS > MAX_ROWS:
        return f"{plan.design.n_obs} rows are too many"
    return ""


def level_densities(
    fit: Fit, plan: ModelPlan, rows: RowModel, factor: Factor, means: np.ndarray
) -> LevelDensities:
    """Integrate the effects of each level out of the likelihood of its rows.

    With theta everything else, the posterior of theta without level j is proportional to that
    with it, divided by ``p(y_j | theta) = integral of p(y_j | u, theta) N(u | 0, Sigma) du``:
    leaving a level out needs no refit (Merkle, Furr and Rabe-Hesketh 2019,
    doi:10.1007/s11336-019-09679-0). The integral is in closed form for gaussian models, by
    adaptive Gauss-Hermite quadrature (Pinheiro and Bates 1995,
    doi:10.1080/10618600.1995.10474663) for others.

    Parameters
    ----------
    rows
        Of the model; see `row_model`.
    factor
        Whose levels are left out; `why_not_integrated` is empty.
    means
        Shape ``(n_groups, k)``: posterior means of the levels' coefficients.
    """
    terms = [t for t in plan.design.main.group if t.factor.name == factor.name]
    columns = [(t, c) for t in terms for c in range(len(t.columns))]
    nodes = 1 if plan.family == "gaussian" else NODES[len(columns)] ** len(columns)
    sizes = fit.tree["posterior"].sizes
    n_chains, n_draws = sizes["chain"], sizes["draw"]
    kept = _kept(plan.design.n_obs * nodes, n_chains, n_draws)
    picks = np.concatenate([chain * n_draws + kept for chain in range(n_chains)])
    others = _without(plan, factor)
    drawn = predictor_draws(fit, others, others.design.main, picks)
    order = np.argsort(factor.index, kind="stable")
    model = LevelModel(
        plan,
        rows,
        factor,
        np.stack([t.values[:, c] for t, c in columns]),
        means,
        lambda piece: drawn.common_part(piece) + drawn.group_part(piece),
        np.stack(
            [
                np.broadcast_to(common_draws(fit, plan, plan.design.main, t, c), (n, 1))[picks, 0]
                for (t, c), n in zip(columns, [n_chains * n_draws] * len(columns), strict=True)
            ],
            axis=1,
        ),
        effect_roots(fit, plan, plan.design.main, factor.name)[picks],
        None if rows.sigma is None else np.broadcast_to(rows.sigma, n_chains * n_draws)[picks],
        order,
        np.searchsorted(factor.index[order], np.arange(factor.n_groups)),
    )
    shape = (n_chains, len(kept), factor.n_groups)
    return LevelDensities(model.log_densities().reshape(shape), kept)


def _kept(cells_a_draw: int, n_chains: int, n_draws: int) -> np.ndarray:
    wanted = min(n_draws, max(MIN_DRAWS, MAX_CELLS // (cells_a_draw * n_chains)))
    return evenly_spaced(n_draws, wanted)


def _without(plan: ModelPlan, factor: Factor) -> ModelPlan:
    main = plan.design.main
    kept = replace(main, group=tuple(t for t in main.group if t.factor.name != factor.name))
    return replace(plan, design=replace(plan.design, main=kept))


def effect_roots(fit: Fit, plan: ModelPlan, part: LinearPart, factor: str) -> np.ndarray:
    """Return draws of a root of the covariance of a level's effects, ``(n_draws, k, k)``.

    Effects are in the order of the factor's terms and their columns in ``part``.
    """
    terms = [t for t in part.group if t.factor.name == factor]
    sds = np.concatenate(
        [
            (draws := draws_of(fit, plan.parameter(plan.label(part, f"{t.name}_sigma")))).reshape(
                len(draws), -1
            )
            for t in terms
        ],
        axis=1,
    )
    k = sds.shape[1]
    matrix = np.broadcast_to(np.eye(k) * (1 + ALMOST_ONE), (len(sds), k, k)).copy()
    starts = np.cumsum([0, *(len(t.columns) for t in terms)])
    place = {t.name: range(starts[i], starts[i + 1]) for i, t in enumerate(terms)}
    start = 0
    for block in part.correlated_blocks:
        if block.factor.name != factor:
            continue
        draws = draws_of(fit, plan.parameter(plan.label(part, correlation_name(factor))))
        at = [i for t in block.terms for i in place[t.name]]
        for number, (i, j) in enumerate(block.pairs, start):
            matrix[:, at[i], at[j]] = matrix[:, at[j], at[i]] = draws[:, number]
        start += len(block.pairs)
    return np.asarray(sds[:, :, None] * np.linalg.cholesky(matrix))
