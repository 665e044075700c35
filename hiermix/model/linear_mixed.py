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

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from hiermix.design.checks import NULL_VECTOR_SHARE, RANK_TOLERANCE
from hiermix.design.types import Factor, GroupTerm, LinearPart
from hiermix.model.within import LevelBasis, LinearEstimate, wald, within

__all__ = ["LinearEstimate", "TooLarge", "gls", "reml", "wald", "within"]

GRID = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0])
"""Relative group sds tried first, in units of the standard error that a typical level's own
estimate of its coefficient has."""

LOG_RANGE = (np.log(1e-4), np.log(1e7))
"""Range of the search, in the units of `GRID`."""

CURVATURE_STEP = 0.01
FLAT = 1e-6
"""A second derivative of the deviance along a log sd below this is none: nothing is estimated."""

LOG_SD_ERROR = 1e-3
"""A Newton step of the log sds larger than this says that the optimiser stopped early."""

ZERO_GAIN = 1e-7
"""A group sd that lowers the deviance by less than this is zero."""

EXACT_FIT = 1e-20
"""Share of the response's sum of squares below which its residuals are rounding."""


MAX_ENTRIES = 4_000_000
"""Entries of the equations of all factors but the largest: that factorising them could fill, or
that one evaluation sums. Nested factors stay far below it; two crossed factors reach it when the
smaller one has 2,000 effects, which takes 0.1 s an evaluation."""

ALWAYS_DENSE = 300
"""Effects up to which a dense factorisation is faster than a sparse one whatever the pattern."""

SPARSE_COST = 100
"""Time of a multiplication in a product of sparse matrices over that in one of dense matrices."""


class TooLarge(Exception):
    """Several grouping factors with more levels than the equations are solved for."""


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
    equations = _Equations.of(part.group, rows.root, rows.columns)
    sds = {term.name: np.sqrt(group_variances[term.name]) for term in part.group}
    theta = np.concatenate([np.zeros(0), *sds.values()]) / np.sqrt(rows.unit)
    return _estimate(part, rows, equations, theta, rows.unit, found=True)


def reml(
    part: LinearPart,
    y: np.ndarray,
    weights: np.ndarray | None = None,
    known_variance: np.ndarray | None = None,
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
    if variance is None and rows.exact:
        raise ValueError("the common columns fit the response exactly: no residual variance")
    equations = _Equations.of(part.group, rows.root, rows.columns)

    def deviance(theta: np.ndarray) -> float:
        log_det, gram = equations.at(theta)
        log_det_common, _, _, rss = _solve(gram)
        fit = (len(y) - len(rows.names)) * np.log(rss) if variance is None else rss / variance
        return float(log_det + log_det_common + fit)

    theta, found = _minimise(deviance, 1 / np.sqrt(equations.information))
    return _estimate(part, rows, equations, theta, variance, found)


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
    equations: _Equations,
    theta: np.ndarray,
    variance: float | None,
    found: bool,
) -> LinearEstimate:
    """Collect the estimate at relative group sds ``theta``; ``variance`` is None where free."""
    _, inverse, coefficients, rss = _solve(equations.at(theta)[1])
    n, p = len(rows.root), len(rows.names)
    sigma2 = rss / (n - p) if variance is None else variance
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


def _minimise(deviance: Callable[[np.ndarray], float], unit: np.ndarray) -> tuple[np.ndarray, bool]:
    """Minimise the profiled deviance over relative group sds, shape ``(k,)``, zero included.

    The search is over logs, where the deviance bends alike at every size; that cannot reach zero,
    so zero is tried for every sd at the end of each search. Returns the sds and whether they are
    an optimum.
    """

    def at(u: np.ndarray) -> float:
        return deviance(unit * np.exp(u))

    u = _start(at, len(unit))
    found = True
    while True:
        active = np.flatnonzero(np.isfinite(u))
        if active.size:
            u, found = _search(at, u, active)
        gains = [at(_replaced(u, i, -np.inf)) - at(u) for i in active]
        if not gains or min(gains) > ZERO_GAIN:
            break
        u = _replaced(u, active[np.argmin(gains)], -np.inf)
    lowest = at(u) - ZERO_GAIN
    for i in np.flatnonzero(np.isinf(u)):
        found &= all(at(_replaced(u, i, v)) >= lowest for v in np.log(GRID[:4]))
    return unit * np.exp(u), found


def _replaced(u: np.ndarray, i: int | np.integer, value: float) -> np.ndarray:
    changed = u.copy()
    changed[i] = value
    return changed


def _start(at: Callable[[np.ndarray], float], k: int) -> np.ndarray:
    """Return the best of a grid, all sds alike, then improved one sd after the other."""
    tried = [np.full(k, value) for value in np.log(GRID)]
    best = min(tried, key=at, default=np.zeros(k))
    for i in range(k) if k > 1 else ():
        best = min((_replaced(best, i, value) for value in np.log(GRID)), key=at)
    return best


def _search(
    at: Callable[[np.ndarray], float], u: np.ndarray, active: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Descend in the finite elements of ``u``; whether a Newton step from there is negligible."""

    def part(v: np.ndarray) -> float:
        whole = u.copy()
        whole[active] = v
        return at(whole)

    result = optimize.minimize(
        part,
        u[active],
        method="L-BFGS-B",
        jac="3-point",
        bounds=[LOG_RANGE] * len(active),
        options={"ftol": 1e-15, "gtol": 1e-7, "maxiter": 200},
    )
    best = u.copy()
    best[active] = result.x
    curvature = _curvature(part, result.x)
    if (result.x >= LOG_RANGE[1]).any() or np.linalg.eigvalsh(curvature).min() <= FLAT:
        return best, False
    step = np.linalg.solve(curvature, result.jac)
    return best, bool(np.abs(step).max() <= LOG_SD_ERROR)


def _curvature(f: Callable[[np.ndarray], float], v: np.ndarray) -> np.ndarray:
    """Return the Hessian by central differences."""
    k = len(v)
    steps = CURVATURE_STEP * np.eye(k)
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            a, b = steps[i], steps[j]
            bent = f(v + a + b) - f(v + a - b) - f(v - a + b) + f(v - a - b)
            hessian[i, j] = hessian[j, i] = bent / (4 * CURVATURE_STEP**2)
    return hessian


@dataclass(frozen=True)
class _Equations:
    """``[X y]' V^-1 [X y]`` and ``log det V`` as functions of the relative group sds.

    ``own`` are the elements of theta of the largest factor, whose ``upper`` is ``(levels, q, q)``
    and whose part of the columns ``cross`` ``(levels, q, p + 1)``; ``rest`` ``(p + 1, p + 1)`` is
    what varies within its levels. ``information`` ``(k,)`` is the mean over levels of Z'WZ.
    """

    own: list[int]
    upper: np.ndarray
    cross: np.ndarray
    rest: np.ndarray
    others: _Others | None
    information: np.ndarray

    @classmethod
    def of(cls, terms: Sequence[GroupTerm], root: np.ndarray, columns: np.ndarray) -> _Equations:
        effects = [_Effect(t.factor, root * z) for t in terms for z in t.values.T]
        sizes = Counter[str]()
        for effect in effects:
            sizes[effect.factor.name] += effect.factor.n_groups
        largest = max(sizes, key=lambda name: sizes[name], default=None)
        own = [i for i, e in enumerate(effects) if e.factor.name == largest]
        other = [i for i, e in enumerate(effects) if e.factor.name != largest]
        z = np.array([effects[i].column for i in own]).reshape(len(own), len(root))
        index = effects[own[0]].factor.index if own else np.zeros(len(root), dtype=np.int64)
        level = LevelBasis.of(z, index, effects[own[0]].factor.n_groups if own else 1)
        split = [level.split(column) for column in columns]
        swept = np.array([rest for rest, _ in split])
        others = _Others.of([effects[i] for i in other], other, level, swept) if other else None
        information = [e.column @ e.column / e.factor.n_groups or 1.0 for e in effects]
        cross = np.stack([coefficients for _, coefficients in split], axis=2)
        return cls(own, level.upper, cross, swept @ swept.T, others, np.array(information))

    def at(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log det V, up to a constant, and the Gram matrix ``(p + 1, p + 1)``."""
        scaled = self.upper * theta[self.own]
        inner = np.eye(len(self.own)) + scaled @ scaled.transpose(0, 2, 1)
        inverse = np.linalg.inv(inner)
        carried = inverse @ self.cross
        log_det = float(np.linalg.slogdet(inner)[1].sum())
        gram = self.rest + np.tensordot(self.cross, carried, axes=((0, 1), (0, 1)))
        if self.others is None:
            return log_det, gram
        more, less = self.others.eliminate(theta, inverse, carried)
        return log_det + more, gram - less


@dataclass(frozen=True)
class _Effect:
    """One column of a group term, weighted: ``column`` is ``(n,)``."""

    factor: Factor
    column: np.ndarray


@dataclass(frozen=True)
class _Others:
    """Henderson's equations of all factors but the largest, which is eliminated.

    ``owner`` ``(m,)`` says which element of theta scales each effect; with Q of the largest
    factor and Z of the others, weighted, ``shared`` ``(levels * q, m)`` is Q'Z, ``rest`` ``(m,
    m)`` Z'(I - QQ')Z, each sparse or dense, and ``cross`` ``(m, p + 1)`` Z'(I - QQ')[X y].
    """

    owner: np.ndarray
    shared: np.ndarray | sparse.csr_array
    rest: np.ndarray | sparse.csr_array
    cross: np.ndarray

    @classmethod
    def of(
        cls, effects: Sequence[_Effect], owner: Sequence[int], level: LevelBasis, swept: np.ndarray
    ) -> _Others:
        n = len(level.index)
        g, q, _ = level.upper.shape
        rows = np.arange(n)
        blocks = [
            sparse.csr_array((e.column, (rows, e.factor.index)), shape=(n, e.factor.n_groups))
            for e in effects
        ]
        z = sparse.hstack(blocks, format="csr")
        z.eliminate_zeros()
        dense_shared, dense_rest = _dense(z.tocoo(), level.index, g, q)
        place = (level.index[:, None] * q + np.arange(q)).ravel()
        basis = sparse.csr_array(
            (level.basis.T.ravel(), (np.repeat(rows, q), place)), shape=(n, g * q)
        )
        shared = (basis.T @ z).tocsr()
        if dense_shared:
            shared = shared.toarray()
        rest = z.T @ z - shared.T @ shared
        if dense_rest and sparse.issparse(rest):
            rest = rest.toarray()
        owners = np.repeat(owner, [e.factor.n_groups for e in effects])
        return cls(owners, shared, rest, z.T @ swept.T)

    def eliminate(
        self, theta: np.ndarray, inverse: np.ndarray, carried: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return the log determinant of the equations and what they take off the Gram matrix.

        ``inverse`` is K^-1 ``(levels, q, q)``, ``carried`` ``(levels, q, p + 1)`` K^-1 Q'[X y].
        """
        g, q, _ = inverse.shape
        scale = theta[self.owner]
        blocks = sparse.bsr_array(
            (inverse, np.arange(g), np.arange(g + 1)), shape=(g * q, g * q)
        ).tocsr()
        inner = self.rest + self.shared.T @ (blocks @ self.shared)
        right = self.cross + self.shared.T @ carried.reshape(g * q, -1)
        right = scale[:, None] * right
        if not sparse.issparse(inner):
            matrix = np.eye(len(scale)) + scale[:, None] * inner * scale
            lower = np.linalg.cholesky(matrix)
            half = linalg.solve_triangular(lower, right, lower=True)
            return 2 * float(np.log(np.diag(lower)).sum()), half.T @ half
        diagonal = sparse.diags_array(scale)
        matrix = sparse.eye_array(len(scale)) + diagonal @ inner @ diagonal
        factor = splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        log_det = float(np.log(np.abs(factor.U.diagonal())).sum())
        return log_det, right.T @ factor.solve(right)


def _dense(z: sparse.coo_array, index: np.ndarray, g: int, q: int) -> tuple[bool, bool]:
    """Say whether `_Others` stores ``shared`` and ``rest`` dense; raise if they are too large.

    Effects that share a level of the eliminated factor, directly or through others, can fill
    each other's entries: the squared sizes of the components bound the fill of any ordering.
    """
    size = z.shape[1]
    met = sparse.csr_array((np.ones(z.nnz), (index[z.row], z.col)), shape=(g, size))
    met.sum_duplicates()
    work = q * int((np.diff(met.indptr).astype(np.int64) ** 2).sum())
    graph = sparse.block_array([[None, met], [met.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    fill = int((np.bincount(label[g:]).astype(np.int64) ** 2).sum())
    dense_rest = size <= ALWAYS_DENSE or 4 * fill > size**2
    fits = g * q * size <= MAX_ENTRIES
    dense_shared = dense_rest and fits and SPARSE_COST * work > g * q * size**2
    needed = max(fill, 0 if dense_shared else work)
    if needed > MAX_ENTRIES:
        raise TooLarge(
            f"{size:,} effects beside the largest factor: {needed:,} entries, "
            f"at most {MAX_ENTRIES:,}"
        )
    return dense_shared, dense_rest
