"""Closed forms of the Gaussian mixed model with independent group-specific effects.

With relative sds theta (group sds over the residual sd, on the diagonal of Lambda) and W the row
weights, Var(y) = sigma^2 (W^-1 + Z Lambda^2 Z'). sigma and the common coefficients are profiled
out of the restricted likelihood (Bates et al. 2015, doi:10.18637/jss.v067.i01, section 3.4); what
is left is a function of theta, minimised numerically.

The largest factor is eliminated level by level. With Q R = W^1/2 Z the thin QR of its columns
within each level and K = I + R Lambda^2 R' (levels x q x q), for any columns A,

    A' V^-1 A = A' W^1/2 (I - Q Q') W^1/2 A + (Q' W^1/2 A)' K^-1 (Q' W^1/2 A),

a sum without cancellation: the within-level part does not depend on theta, the between-level part
shrinks with it. Further factors enter through Henderson's mixed model equations of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from hiermix.design.checks import NULL_VECTOR_SHARE, RANK_TOLERANCE
from hiermix.design.types import LinearPart
from hiermix.model.mixed_equations import Equations, TooLarge
from hiermix.model.sd_search import minimise
from hiermix.model.within import LinearEstimate, wald, within

__all__ = ["LinearEstimate", "TooLarge", "gls", "reml", "wald", "within"]

EXACT_FIT = 1e-20
"""Share of the response's sum of squares below which its residuals are rounding."""


@dataclass(frozen=True)
class _Rows:
    """The common part as an orthonormal basis, and what it leaves of the response.

    ``columns`` is ``(p + 1, n)``: the basis of the weighted common columns, then the response
    without its projection, whose coefficients are ``start`` ``(p,)``. ``back`` ``(p, p)`` takes
    coefficients of the basis to those of the named columns. ``root`` ``(n,)`` are square roots
    of the weights over their mean; ``unit`` is the variance of a row of mean weight.
    """

    names: tuple[str, ...]
    columns: np.ndarray
    start: np.ndarray
    back: np.ndarray
    root: np.ndarray
    unit: float
    exact: bool


def gls(
    part: LinearPart,
    y: np.ndarray,
    row_variance: np.ndarray,
    group_variances: Mapping[str, np.ndarray],
) -> LinearEstimate:
    """Estimate the common coefficients by generalised least squares at given variances.

    Parameters
    ----------
    part
        Linear predictor; its offset is subtracted from the response.
    y, row_variance
        Shape ``(n,)``: response and residual variances.
    group_variances
        Group term -> variances of its effects, shape ``(k,)`` each.

    Returns
    -------
    LinearEstimate
        b = (X' V^-1 X)^-1 X' V^-1 y with V = diag(row_variance) + sum_t Z_t diag(v_t) Z_t'.

    Raises
    ------
    ValueError
        Common columns are linearly dependent, or a row variance is not positive.
    TooLarge
        Several grouping factors with too many levels.
    """
    rows = _rows(part, y, _reciprocal(row_variance))
    equations = Equations.of(part.group, rows.root, rows.columns)
    sds = {term.name: np.sqrt(group_variances[term.name]) for term in part.group}
    theta = np.concatenate([np.zeros(0), *sds.values()]) / np.sqrt(rows.unit)
    return _estimate(part, rows, equations, theta, rows.unit, found=True)


def reml(
    part: LinearPart,
    y: np.ndarray,
    weights: np.ndarray | None = None,
    known_variance: np.ndarray | None = None,
    n_rows: float | None = None,
) -> LinearEstimate:
    """Estimate group sds, residual sd and common coefficients by restricted maximum likelihood.

    Parameters
    ----------
    part
        Linear predictor; all group-specific effects are taken as independent, whatever its terms
        say of correlations. Its offset is subtracted from the response.
    y
        Response, shape ``(n,)``.
    weights
        Shape ``(n,)``: the residual variance of a row is sigma^2 / weight.
    known_variance
        Shape ``(n,)``: residual variances, known as in meta-analysis; there is no sigma then.
    n_rows
        How many rows the data stand for; by default ``n``. With weights that say how often a row
        counts (a log likelihood multiplied by w), their sum.

    Returns
    -------
    LinearEstimate
        A group sd may be exactly zero.

    Raises
    ------
    ValueError
        Common columns are linearly dependent or fit the response exactly, there are no more rows
        than columns, weights or variances are not positive, or both are given.
    TooLarge
        Several grouping factors with too many levels.

    Notes
    -----
    Time O(n (p + q)^2) once and O(levels q^2 (p + q)) a step for one factor of q columns; never
    a rows x levels array.
    """
    if weights is not None and known_variance is not None:
        raise ValueError("either weights or known variances, not both")
    if known_variance is not None:
        weights = _reciprocal(known_variance)
    rows = _rows(part, y, np.ones(len(y)) if weights is None else weights)
    variance = None if known_variance is None else rows.unit
    df = (len(y) if n_rows is None else n_rows) - len(rows.names)
    if variance is None and df <= 0:
        raise ValueError("no residual degrees of freedom")
    if variance is None and rows.exact:
        raise ValueError("the common columns fit the response exactly: no residual variance")
    equations = Equations.of(part.group, rows.root, rows.columns)

    def deviance(theta: np.ndarray) -> float:
        log_det, gram = equations.at(theta)
        log_det_common, _, _, rss = _solve(gram)
        fit = df * np.log(rss) if variance is None else rss / variance
        return float(log_det + log_det_common + fit)

    theta, found = np.zeros(0), True
    if part.group:
        theta, found = minimise(deviance, 1 / np.sqrt(equations.information))
    return _estimate(part, rows, equations, theta, variance, found, df)


def _reciprocal(variance: np.ndarray) -> np.ndarray:
    if not (np.isfinite(variance) & (variance > 0)).all():
        raise ValueError("row variances must be positive and finite")
    return 1 / variance


def _rows(part: LinearPart, y: np.ndarray, weights: np.ndarray) -> _Rows:
    """Weight, centre and scale the common columns, check their rank, orthonormalise them."""
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights must be positive and finite")
    root = np.sqrt(weights / weights.mean())
    names = (("Intercept",) if part.intercept else ()) + part.common_columns
    if len(y) <= len(names):
        raise ValueError(f"{len(y)} rows cannot estimate {len(names)} common coefficients")
    x = part.common_matrix if part.common else np.zeros((len(y), 0))
    weight = root**2
    centre = weight @ x / weight.sum() if part.intercept else np.zeros(x.shape[1])
    scaled = x - centre
    spread = np.sqrt(weight @ scaled**2 / weight.sum())
    constant = spread <= 1e-12 * np.abs(x).max(axis=0, initial=0.0)
    spread = np.where(constant, 1.0, spread)
    scaled = np.where(constant, 0.0, scaled / spread) * root[:, None]
    back = np.diag(1 / spread)
    if part.intercept:
        scaled = np.column_stack([root, scaled])
        back = np.block(
            [[np.ones((1, 1)), -(centre / spread)[None]], [np.zeros((len(back), 1)), back]]
        )
    basis, upper = np.linalg.qr(scaled)
    _check_rank(upper, names)
    response = root * (y if part.offset is None else y - part.offset)
    start = basis.T @ response
    rest = response - basis @ start
    correction = basis.T @ rest
    rest = rest - basis @ correction
    return _Rows(
        names,
        np.vstack([basis.T, rest]),
        start + correction,
        back @ linalg.solve_triangular(upper, np.eye(len(names))),
        root,
        1 / float(weights.mean()),
        bool(rest @ rest <= EXACT_FIT * (response @ response)),
    )


def _check_rank(upper: np.ndarray, names: Sequence[str]) -> None:
    """Raise ValueError naming the columns of a linear dependency."""
    _, singular, right = np.linalg.svd(upper)
    small = singular <= RANK_TOLERANCE * singular.max(initial=0.0)
    if not small.any():
        return
    weight = np.abs(right[small]).max(axis=0)
    members = [
        n for n, w in zip(names, weight, strict=True) if w > NULL_VECTOR_SHARE * weight.max()
    ]
    raise ValueError(f"the common columns are linearly dependent: {', '.join(members)}")


def _solve(gram: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Regress the last column on the others.

    Parameters
    ----------
    gram
        ``[X y]' V^-1 [X y]``, shape ``(p + 1, p + 1)``.

    Returns
    -------
    tuple
        log det X'V^-1X, its inverse ``(p, p)``, the coefficients ``(p,)``, the residual sum of
        squares.
    """
    lower = np.linalg.cholesky(gram[:-1, :-1])
    inverse = np.linalg.inv(lower)
    half = inverse @ gram[:-1, -1]
    rss = max(float(gram[-1, -1] - half @ half), float(np.finfo(float).tiny))
    return 2 * float(np.log(np.diag(lower)).sum()), inverse.T @ inverse, inverse.T @ half, rss


def _estimate(
    part: LinearPart,
    rows: _Rows,
    equations: Equations,
    theta: np.ndarray,
    variance: float | None,
    found: bool,
    df: float = np.nan,
) -> LinearEstimate:
    """Collect the estimate at relative group sds ``theta``; ``variance`` is None where free."""
    _, inverse, coefficients, rss = _solve(equations.at(theta)[1])
    sigma2 = rss / df if variance is None else variance
    ends = np.cumsum([len(term.columns) for term in part.group])[:-1]
    sds = np.split(np.sqrt(sigma2) * theta, ends) if part.group else []
    return LinearEstimate(
        rows.names,
        rows.back @ (rows.start + coefficients),
        sigma2 * rows.back @ inverse @ rows.back.T,
        {term.name: sd for term, sd in zip(part.group, sds, strict=True)},
        float(np.sqrt(sigma2 / rows.unit)) if variance is None else float("nan"),
        found,
    )
