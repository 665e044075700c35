"""No-pooling estimates: what the rows of a level say by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.weights import RowModel

if TYPE_CHECKING:
    from hiermix.design.types import Factor, GroupTerm

STEPS = 60
"""Steps of Fisher scoring at most; estimates that still move run off to infinity."""

SETTLED = 1e-6
"""A step that is smaller than this share of the standard error is none."""

LOST = 1e6
"""Growth of the squared standard error that only estimates on their way to infinity show."""

ROUNDING = 1e-10
"""Nor is one that is smaller than this share of the estimate."""

DEPENDENT = 1e-10
"""Eigenvalue of a level's correlation-scaled information below which columns are dependent."""

INVOLVED = 1e-6
"""Part of an effect in a dependent direction above which the level does not identify it."""

MAX_CELLS = 50_000_000
"""Levels times squared effects per level: 400 MB; beyond there are no estimates."""


@dataclass(frozen=True)
class LevelFits:
    """Estimates of each level's effects from its own rows, shape ``(n_groups, k)`` each.

    Attributes
    ----------
    estimate
        Maximum likelihood of the coefficients; NaN where the level alone has none.
    variance
        Squared standard error at ``estimate``; NaN where that is. In units of sigma^2 for
        gaussian models whose rows share a residual sd.
    pooled_variance
        The same by the information at the posterior means of the whole model, which exists
        where the level's own estimate runs off to infinity too; infinite where the level's rows
        do not tell the effect from its others.
    """

    estimate: np.ndarray
    variance: np.ndarray
    pooled_variance: np.ndarray


def level_fits(
    rows: RowModel, factor: Factor, terms: tuple[GroupTerm, ...], start: np.ndarray
) -> LevelFits | None:
    """Estimate all effects of each level of a factor from its own rows.

    Everything that is not an effect of the level (common effects without a group-specific part
    of this factor, effects of other factors, the offset) stays at its posterior mean. The
    estimates maximise the likelihood of the level's rows by Fisher scoring, for all levels at
    once; for gaussian models this is least squares.

    Parameters
    ----------
    rows
        Of the model.
    factor, terms
        The factor and all its terms in the main linear predictor.
    start
        Shape ``(n_groups, k)``: posterior means of the coefficients, columns of the terms after
        one another.

    Returns
    -------
    LevelFits or None
        ``None`` for so many effects a level that they do not fit into memory.

    Notes
    -----
    Time O(n_obs k^2 + n_groups k^3) a step, memory O(n_obs k + n_groups k^2).
    """
    if start.shape[0] * start.shape[1] ** 2 > MAX_CELLS:
        return None
    columns = [column for term in terms for column in term.values.T]
    estimate = start.copy()
    pooled = variance = np.full_like(start, np.nan)
    moving = np.ones(start.shape, dtype=bool)
    # Damaged draws have no means; what is then neither small nor known is left out below.
    with np.errstate(invalid="ignore", over="ignore"):
        for step in range(STEPS):
            eta = rows.eta + _contribution(columns, estimate - start, factor.index)
            residual, weight = rows.working(eta)
            change, variance = _regressed(columns, residual, weight, factor)
            if step == 0:
                pooled = variance
            least = SETTLED * np.sqrt(pooled) + ROUNDING * np.abs(estimate)
            moving = ~(np.abs(change) <= least)
            known = np.isfinite(variance) & np.isfinite(change)
            if not (moving & known & (variance < LOST * pooled)).any():
                break
            estimate = estimate + np.where(known, change, 0.0)
    found = np.isfinite(variance) & ~moving
    return LevelFits(np.where(found, estimate, np.nan), np.where(found, variance, np.nan), pooled)


def _contribution(columns: list[np.ndarray], effects: np.ndarray, index: np.ndarray) -> np.ndarray:
    total = np.zeros(len(index))
    for column, effect in zip(columns, effects.T, strict=True):
        total += column * effect[index]
    return total


def _regressed(
    columns: list[np.ndarray], residual: np.ndarray, weight: np.ndarray, factor: Factor
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and their variances of a weighted regression within each level."""
    k, g = len(columns), factor.n_groups
    information, score = np.empty((g, k, k)), np.empty((g, k))
    for i, column in enumerate(columns):
        weighted = weight * column
        score[:, i] = np.bincount(factor.index, weighted * residual, minlength=g)
        for j in range(i + 1):
            cell = np.bincount(factor.index, weighted * columns[j], minlength=g)
            information[:, i, j] = information[:, j, i] = cell
    return _solved(information, score)


def _solved(information: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve each level's normal equations; what they leave open has an infinite variance.

    Parameters
    ----------
    information, score
        Shapes ``(n_groups, k, k)`` and ``(n_groups, k)``.
    """
    diagonal = np.einsum("gii->gi", information)
    usable = np.isfinite(information).all(axis=(1, 2)) & np.isfinite(score).all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(usable[:, None] & (diagonal > 0), 1 / np.sqrt(diagonal), 0.0)
    scaled = np.where(usable[:, None, None], information, 0.0)
    values, vectors = np.linalg.eigh(scaled * scale[:, :, None] * scale[:, None, :])
    open_ = values < DEPENDENT
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(open_, 0.0, 1 / values)
    target = np.where(usable[:, None], score, 0.0) * scale
    projected = np.einsum("gik,gi->gk", vectors, target) * inverse
    solution = np.einsum("gik,gk->gi", vectors, projected) * scale
    variance = np.einsum("gik,gk->gi", np.square(vectors), inverse) * np.square(scale)
    lost = np.einsum("gik,gk->gi", np.square(vectors), open_) > INVOLVED**2
    variance = np.where(lost | (scale == 0), np.inf, variance)
    return solution, np.where(usable[:, None], variance, np.nan)
