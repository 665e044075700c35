"""Log densities of single rows, for some draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from hiermix.summary.draws import evenly_spaced
from hiermix.summary.links import INVERSE, log_chances
from hiermix.summary.predictor import predictor_draws
from hiermix.summary.weights import KINDS, RowModel

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

COUNTED = ("bernoulli", "binomial", "poisson")

MAX_CELLS = 20_000_000
"""Rows times draws of log densities: 160 MB."""

MIN_DRAWS = 100
"""Draws of each chain that are used at least."""


def why_no_densities(plan: ModelPlan) -> str:
    """Return why log densities of rows cannot be worked out here, in words; empty if they can."""
    if plan.design.components:
        return "a component has a formula of its own"
    if plan.design.response.kind not in KINDS:
        return f"the response is {plan.design.response.kind}"
    if plan.has_means:
        return "rows were merged to means while they were read"
    link = plan.links[plan.design.main.parameter]
    if plan.family == "gaussian" and link == "identity":
        return ""
    if plan.family not in COUNTED or link not in INVERSE:
        return f"family {plan.family}"
    return ""


def row_densities(
    plan: ModelPlan, rows: RowModel, eta: np.ndarray, precision: np.ndarray | None
) -> np.ndarray:
    """Return log densities of the rows, in the shape of ``eta``.

    They are -inf where a link makes no mean of the family: ``identity`` below 0.

    Parameters
    ----------
    plan, rows
        The model; `why_no_densities` is empty.
    eta
        Linear predictors, shape ``(n_draws, n_obs)``.
    precision
        1 / sigma^2 of each draw, shape ``(n_draws, 1)``; ``None`` where rows share no sigma.
    """
    response = rows.response
    if plan.family == "gaussian":
        # Weights multiply log densities; 1 / se^2 is a precision.
        weights = plan.design.response.weights
        times = 1.0 if weights is None else weights
        tau = rows.size / times if precision is None else precision
        square = tau * np.square(response - eta)
        return np.asarray(times * 0.5 * (np.log(tau / (2 * np.pi)) - square))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if plan.family == "poisson":
            mean = INVERSE[rows.link](eta)
            # The mean itself may round to 0 or overflow.
            log_mean = eta if rows.link == "log" else np.log(mean)
            found = _times(response, log_mean) - mean - gammaln(response + 1)
            return np.where(mean < 0, -np.inf, found)
        trials = rows.size
        hits = np.round(response * trials)
        ways = gammaln(trials + 1) - gammaln(hits + 1) - gammaln(trials - hits + 1)
        hit, miss = log_chances(rows.link, eta)
        return np.asarray(ways + _times(hits, hit) + _times(trials - hits, miss))


def _times(count: np.ndarray, log_chance: np.ndarray) -> np.ndarray:
    """Multiply; none of something impossible is no contradiction."""
    return np.where(count == 0, 0.0, count * log_chance)


def summed(values: np.ndarray, piece: np.ndarray) -> np.ndarray:
    """Add up the last axis by piece: ``(..., n_obs)`` to ``(..., n_pieces)``.

    Parameters
    ----------
    piece
        Shape ``(n_obs,)``: to which piece, or level, a row belongs, from 0, none of them empty.
    """
    order = np.argsort(piece, kind="stable")
    starts = np.searchsorted(piece[order], np.arange(int(piece.max()) + 1))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def log_mean(values: np.ndarray, axis: int | tuple[int, ...] = 0) -> np.ndarray:
    """Return the log of the mean of exponentials, over the first axis unless others are named."""
    top = values.max(axis=axis)
    with np.errstate(invalid="ignore"):
        return np.asarray(top + np.log(np.exp(values - top).mean(axis=axis)))


def thinned_log_likelihood(
    fit: Fit, plan: ModelPlan, rows: RowModel
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return log densities of all rows for evenly spaced draws, ``MAX_CELLS`` at most.

    Returns
    -------
    tuple or None
        Values, shape ``(n_chains, n_kept, n_obs)``, and positions in each chain; ``None`` for too
        many rows.
    """
    sizes, n_obs = fit.tree["posterior"].sizes, plan.design.n_obs
    n_chains, n_draws = sizes["chain"], sizes["draw"]
    most = MAX_CELLS // (n_chains * n_obs)
    if most < min(MIN_DRAWS, n_draws):
        return None
    kept = evenly_spaced(n_draws, most)
    values = np.empty((n_chains, len(kept), n_obs))
    for chain in range(n_chains):
        picks = chain * n_draws + kept
        drawn = predictor_draws(fit, plan, plan.design.main, picks)
        whole = slice(0, len(kept))
        eta = drawn.common_part(whole) + drawn.group_part(whole)
        precision = None if rows.sigma is None else 1 / np.square(_at(rows.sigma, picks))[:, None]
        values[chain] = row_densities(plan, rows, eta, precision)
    return values, kept


def _at(sigma: np.ndarray, picks: np.ndarray) -> np.ndarray:
    return np.broadcast_to(sigma, len(picks)) if len(sigma) == 1 else sigma[picks]
