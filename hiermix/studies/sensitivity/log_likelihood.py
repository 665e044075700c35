"""Log likelihood of all data at every draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.model.reduction import reduce_plan
from hiermix.studies.accuracy import NOT_FINITE, row_log_likelihood
from hiermix.studies.densities import row_densities, why_no_densities
from hiermix.summary.draws import draws_of, evenly_spaced, is_fixed
from hiermix.summary.predictor import predictor_draws
from hiermix.summary.weights import row_model

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

MAX_CELLS = 2_000_000_000
"""Rows times draws that are added up at most: a minute or so."""

MIN_DRAWS = 100
"""Draws of each chain that are used at least."""

CHUNK_CELLS = 2_000_000


@dataclass(frozen=True)
class Totals:
    """Log likelihood of all data, up to a constant.

    Attributes
    ----------
    values
        Shape ``(n_chains, n_kept)``; ``None`` where there is none.
    kept
        Positions of the draws of each chain that it is of, shape ``(n_kept,)``.
    reason
        Why there is none, in words; empty otherwise.
    """

    values: np.ndarray | None
    kept: np.ndarray
    reason: str = ""


def total_log_likelihood(fit: Fit, plan: ModelPlan) -> Totals:
    """Return the log likelihood at every draw: the stored one, or worked out again.

    Notes
    -----
    Rows that share all columns are merged first. Of still more than ``MAX_CELLS`` rows times
    draws, evenly spaced draws are used.
    """
    sizes = fit.tree["posterior"].sizes
    n_chains, n_draws = sizes["chain"], sizes["draw"]
    stored = row_log_likelihood(fit)
    every = np.arange(n_draws)
    if stored is not None and stored.shape[:2] == (n_chains, n_draws):
        return _checked(stored.reshape(n_chains, n_draws, -1).sum(axis=-1), every)
    # Of means the sum over all rows is known, though no row's own density is.
    reason = "" if plan.has_means else why_no_densities(plan)
    if reason:
        return Totals(None, every, reason)
    reduced = reduce_plan(plan).plan
    most = MAX_CELLS // (n_chains * max(reduced.design.n_obs, 1))
    if most < min(MIN_DRAWS, n_draws):
        return Totals(None, every, f"{reduced.design.n_obs} rows are too many")
    kept = evenly_spaced(n_draws, most)
    values = [_added_up(fit, reduced, chain * n_draws + kept) for chain in range(n_chains)]
    return _checked(np.stack(values), kept)


def _checked(values: np.ndarray, kept: np.ndarray) -> Totals:
    if not np.isfinite(values).all():
        return Totals(None, kept, NOT_FINITE)
    return Totals(values, kept)


def _added_up(fit: Fit, plan: ModelPlan, picks: np.ndarray) -> np.ndarray:
    """Return the sum over the rows for the draws at ``picks``, shape ``(len(picks),)``."""
    rows = row_model(fit, plan)
    assert rows is not None  # `why_no_densities` is empty
    sigma = None if rows.sigma is None else np.broadcast_to(rows.sigma, _n_draws(fit))[picks]
    drawn = predictor_draws(fit, plan, plan.design.main, picks)
    total = np.empty(len(picks))
    step = max(1, CHUNK_CELLS // plan.design.n_obs)
    for start in range(0, len(picks), step):
        part = slice(start, min(start + step, len(picks)))
        eta = drawn.common_part(part) + drawn.group_part(part)
        precision = None if sigma is None else 1 / np.square(sigma[part])[:, None]
        total[part] = row_densities(plan, rows, eta, precision).sum(axis=1)
    return total + _within_cells(fit, plan, picks)


def _within_cells(fit: Fit, plan: ModelPlan, picks: np.ndarray) -> np.ndarray | float:
    """Return what the means of merged rows do not tell: -S / (2 sigma^2)."""
    if not plan.within_ss:
        return 0.0
    parameter = plan.parameter("sigma")
    sigma = draws_of(fit, parameter)[picks] if not is_fixed(parameter) else parameter.prior
    return np.asarray(-plan.within_ss / (2 * np.square(np.asarray(sigma, dtype=float))))


def _n_draws(fit: Fit) -> int:
    sizes = fit.tree["posterior"].sizes
    return int(sizes["chain"] * sizes["draw"])
