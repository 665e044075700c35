"""Fixed-effects estimates: grouping factors swept out of the data by least squares.

A regression on x and a dummy for every level of the factors has the coefficients of x that least
squares gives between what the dummies leave of y and what they leave of x (Frisch and Waugh 1933,
doi:10.2307/1907330). The dummies are never built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse, special
from scipy.sparse.csgraph import connected_components

from hiermix.design.checks import RANK_TOLERANCE
from hiermix.design.sweeping import finest, sweep
from hiermix.design.types import Factor, LinearPart


@dataclass(frozen=True)
class LinearEstimate:
    """Common coefficients of a linear model with their covariance, and its variances.

    Attributes
    ----------
    names, values
        Shape ``(p,)``; the intercept is called ``Intercept``.
    covariance
        Shape ``(p, p)``, at the variances stated here (no correction for their estimation).
    group_sds
        Group term -> sds of its effects, shape ``(k,)``; empty for fixed-effects estimates.
    residual_sd
        Sd of a row of weight 1; ``nan`` where the variances of the rows were given.
    converged
        Whether the optimum was found; false too where the data do not tell the sds apart.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    group_sds: Mapping[str, np.ndarray]
    residual_sd: float
    converged: bool


def wald(estimate: LinearEstimate, names: Sequence[str]) -> tuple[float, int, float]:
    """Test that the named coefficients are all zero.

    Returns
    -------
    tuple
        Chi-square statistic, its degrees of freedom, p-value. Where the covariance of the
        coefficients is singular, its pseudo-inverse is used and its rank are the degrees.

    Raises
    ------
    ValueError
        The estimate has no coefficient of that name.
    """
    missing = [name for name in names if name not in estimate.names]
    if missing:
        raise ValueError(f"no such coefficient: {', '.join(missing)}")
    chosen = [estimate.names.index(name) for name in names]
    covariance = estimate.covariance[np.ix_(chosen, chosen)]
    sd = np.sqrt(np.diag(covariance))
    sd = np.where(sd > 0, sd, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
    kept = values > RANK_TOLERANCE * max(values.max(initial=0.0), np.finfo(float).tiny)
    along = vectors[:, kept].T @ (estimate.values[chosen] / sd)
    statistic = float(np.sum(along**2 / values[kept]))
    df = int(kept.sum())
    return statistic, df, float(special.chdtrc(df, statistic)) if df else 1.0


def within(
    part: LinearPart,
    y: np.ndarray,
    factors: Sequence[Factor],
    weights: np.ndarray | None = None,
    n_rows: float | None = None,
    residual_sd: float | None = None,
) -> LinearEstimate:
    """Estimate the common coefficients beside a dummy for every level of every factor.

    Parameters
    ----------
    part
        Common columns and offset; its intercept and group terms play no part.
    y
        Response, shape ``(n,)``.
    factors
        At least one. A factor that another one refines adds nothing and is left out.
    weights
        Shape ``(n,)``: the residual variance of a row is sigma^2 / weight.
    n_rows
        How many rows the data stand for; by default ``n``. With weights that say how often a row
        counts, their sum.
    residual_sd
        Sd of a row of weight 1, where it is known.

    Returns
    -------
    LinearEstimate
        Coefficients of the columns that vary within levels and beside earlier columns; the
        others are left out of ``names``. ``converged`` is false where the sweep of crossed
        factors stopped above `hiermix.design.sweeping.SWEEP_TOLERANCE`.

    Raises
    ------
    ValueError
        No factor, weights not positive, or no residual degrees of freedom.

    Notes
    -----
    Residual degrees of freedom are n less the kept columns and the rank of the dummies: the
    levels of one factor; A + B less the components of the graph of their levels for two (Abowd,
    Creecy and Kramarz 2002, Census Bureau TP-2002-06). From the third on a factor adds its
    levels less the most components that it has with any one before it. That is an upper bound
    of the rank, so that standard errors are, if anything, too large.
    """
    if not factors:
        raise ValueError("fixed effects need a factor")
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise ValueError("weights must be positive and finite")
    kept = finest(factors)
    x = part.common_matrix if part.common else np.zeros((len(y), 0))
    response = y if part.offset is None else y - part.offset
    columns = np.vstack([x.T, response])
    columns = np.sqrt(weight) * (columns - (columns @ weight / weight.sum())[:, None])
    swept, found = sweep(columns, kept, np.sqrt(weight))
    varying = _independent(swept[:-1], np.linalg.norm(columns[:-1], axis=1))
    df = (len(y) if n_rows is None else n_rows) - len(varying) - _dummy_rank(kept)
    if df <= 0 and residual_sd is None:
        raise ValueError("fixed effects leave no residual degrees of freedom")
    basis, upper = np.linalg.qr(swept[varying].T)
    inverse = np.linalg.inv(upper)
    residual = swept[-1] - basis @ (basis.T @ swept[-1])
    sigma2 = float(residual @ residual) / df if residual_sd is None else residual_sd**2
    return LinearEstimate(
        tuple(part.common_columns[i] for i in varying),
        inverse @ (basis.T @ swept[-1]),
        sigma2 * inverse @ inverse.T,
        {},
        float(np.sqrt(sigma2)),
        found,
    )


def _independent(swept: np.ndarray, before: np.ndarray) -> list[int]:
    """Return the positions of the columns that vary beside the factors and earlier columns."""
    kept: list[int] = []
    basis = np.zeros((0, swept.shape[1]))
    for i, column in enumerate(swept):
        length = float(np.linalg.norm(column))
        if length <= RANK_TOLERANCE * before[i]:
            continue
        rest = column / length
        for _ in range(2):
            rest = rest - basis.T @ (basis @ rest)
        left = float(np.linalg.norm(rest))
        if left > RANK_TOLERANCE:
            kept.append(i)
            basis = np.vstack([basis, rest / left])
    return kept


def _dummy_rank(factors: Sequence[Factor]) -> int:
    rank = 0
    for i, factor in enumerate(factors):
        shared = max((_components(factor, earlier) for earlier in factors[:i]), default=0)
        rank += factor.n_groups - shared
    return rank


def _components(a: Factor, b: Factor) -> int:
    """Count the connected components of the graph that joins levels met in one row."""
    size = a.n_groups + b.n_groups
    edges = sparse.coo_array(
        (np.ones(len(a.index)), (a.index, a.n_groups + b.index)), shape=(size, size)
    )
    count, _ = connected_components(edges, directed=False)
    return int(count)
