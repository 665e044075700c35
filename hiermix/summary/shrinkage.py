"""How far the model moves each level from its own estimate to the common one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import draws_of, group_columns, pieces
from hiermix.summary.raw import LevelFits, level_fits
from hiermix.summary.weights import RowModel, row_model

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

COLUMNS = ("raw_estimate", "raw_se", "pooling", "shrinkage")

NOTHING_TO_SHRINK = 0.25
"""Distance of a raw estimate from the common effect, in its standard errors, below which the
share of it that is left means nothing: the common effect itself is no better known."""


def pooling_columns(fit: Fit, plan: ModelPlan, effects: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return ``COLUMNS`` of the group effects.

    ``raw_estimate`` is the level's own estimate of its coefficient, without pooling: maximum
    likelihood from its rows alone, everything that is not an effect of the level being at its
    posterior mean. ``raw_se`` is its standard error by the Fisher information, at the posterior
    mean of sigma. Both are NaN where the level alone does not have the estimate: one row for two
    effects, a slope whose predictor does not vary, separation, a count of zero.

    ``pooling`` is the weight of that estimate, ``w = tau^2 / (tau^2 + se^2)``, averaged over the
    draws of tau and of sigma; for other families se^2 is taken from the information at posterior
    means. It is 0 where the level's rows alone do not tell the effect from its others.

    ``shrinkage`` is the part of the distance between raw estimate and common effect that the
    model takes away, ``1 - deviation_mean / (raw_estimate - common effect)``: about 1 - w where
    nothing else shifts the level, below 0 or above 1 where something does.

    Parameters
    ----------
    effects
        Rows in the order of `group_columns`, with ``coefficient_mean`` and ``deviation_mean``.

    Returns
    -------
    dict
        One array ``(n_rows,)`` a column; NaN for the effects of components and for families
        without `row_model`.
    """
    found = {name: np.full(len(effects), np.nan) for name in COLUMNS}
    rows = row_model(fit, plan)
    if rows is None:
        return found
    places = _places(plan)
    main = plan.design.main
    means = effects["coefficient_mean"].to_numpy(dtype=float)
    deviations = effects["deviation_mean"].to_numpy(dtype=float)
    for factor in main.factors:
        terms = tuple(t for t in main.group if t.factor.name == factor.name)
        own = [(t, c, places[t.name, c]) for t in terms for c in range(len(t.columns))]
        start = np.column_stack([means[place] for _, _, place in own])
        fits = level_fits(rows, factor, terms, start)
        if fits is None:
            continue
        for k, (term, column, place) in enumerate(own):
            tau2 = np.square(_sd_draws(fit, plan, main, term, column))
            values = _columns(rows, fits, k, tau2, means[place], deviations[place])
            for name, value in zip(COLUMNS, values, strict=True):
                found[name][place] = value
    return found


def _places(plan: ModelPlan) -> dict[tuple[str, int], slice]:
    """Return the rows of the table that belong to each column of the main group terms."""
    places, start = {}, 0
    for part, term, column in group_columns(plan):
        end = start + term.factor.n_groups
        if part is plan.design.main:
            places[term.name, column] = slice(start, end)
        start = end
    return places


def _columns(
    rows: RowModel,
    fits: LevelFits,
    k: int,
    tau2: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Return ``COLUMNS`` of the k-th effect of each level."""
    sigma2 = np.ones(1) if rows.sigma is None else np.square(rows.sigma)
    scale = 1.0 if rows.sigma is None else float(rows.sigma.mean())
    estimate, se = fits.estimate[:, k], scale * np.sqrt(fits.variance[:, k])
    weights = mean_weights(tau2, sigma2, fits.pooled_variance[:, k])
    return estimate, se, weights, shrinkage(estimate - (mean - deviation), deviation, se)


def _sd_draws(
    fit: Fit, plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> np.ndarray:
    draws = draws_of(fit, plan.parameter(f"{plan.label(part, term.name)}_sigma"))
    return np.asarray(draws.reshape(len(draws), -1)[:, column])


def mean_weights(tau2: np.ndarray, sigma2: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return posterior mean pooling weights, shape ``(n_groups,)``.

    Parameters
    ----------
    tau2
        Draws of the squared group sd, shape ``(n_draws,)``.
    sigma2
        Draws of what `variance` is a multiple of, shape ``(n_draws,)`` or ``(1,)``.
    variance
        Squared standard errors of the levels, shape ``(n_groups,)``; infinite ones have weight 0.

    Examples
    --------
    >>> se = np.array([0.003, 0.005, 0.05, np.inf])
    >>> mean_weights(np.array([0.005**2]), np.ones(1), se**2).round(4).tolist()
    [0.7353, 0.5, 0.0099, 0.0]
    """
    weights = np.empty(len(variance))
    for piece in pieces(len(tau2), len(variance)):
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = (sigma2 / tau2)[:, None] * variance[piece]
            weights[piece] = (1 / (1 + ratio)).mean(axis=0)
    return weights


def shrinkage(raw: np.ndarray, shrunk: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Return how much of raw deviations is taken away, shape ``(n_groups,)``.

    NaN where the raw deviation is within ``NOTHING_TO_SHRINK`` standard errors of 0.

    Examples
    --------
    >>> shrinkage(np.array([2.0, 1e-9]), np.array([0.5, 1e-9]), np.ones(2)).tolist()
    [0.75, nan]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.abs(raw) > NOTHING_TO_SHRINK * se, 1 - shrunk / raw, np.nan)
