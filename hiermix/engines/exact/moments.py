"""Everything that the likelihood of a Gaussian mixed model needs of the rows, computed once.

The common columns become an orthonormal basis B, the response what is left of it by coefficients
near their posterior means, r; the factor with the most effects is reduced to the triangular factors
R of its columns within each level, W^1/2 Z = Q R. With C = [Z_other B r], weighted, and
K = I + R S R' / sigma^2 (S the covariance of the effects of a level),

    C' V^-1 C sigma^2 = C'(I - QQ')C + sum over levels of (Q'C)' K^-1 (Q'C)

is a sum without cancellation, linear in the elements of K^-1. What multiplies them, products of
elements of Q'C, is summed over levels with the same R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hiermix.design.sweeping import LevelBasis
from hiermix.engines.exact.products import dense_products, n_products, sparse_products
from hiermix.engines.exact.size import MAX_PRODUCTS, check_size, largest
from hiermix.engines.exact.small import pairs
from hiermix.engines.exact.statement import Coefficients, FactorEffects, Statement

RANK_TOLERANCE = 1e-12
"""Directions of the common columns with singular values below this share have no data."""


@dataclass(frozen=True)
class Basis:
    """Coefficients b = start + back g of the common columns, g of their orthonormal basis.

    ``back`` is ``(p, p)``; ``precision`` ``(p, p)`` and ``pull`` ``(p,)`` are the prior's in terms
    of g: density exp(-g' precision g / 2 + pull' g) up to ``constant``.
    """

    start: np.ndarray
    back: np.ndarray
    precision: np.ndarray
    pull: np.ndarray
    constant: float


@dataclass(frozen=True)
class Levels:
    """The eliminated factor, at ``position`` among the statement's.

    Of its weighted columns Z within each level, ``gram[ab]`` ``(levels,)`` has the lower triangle
    of Z'Z, ``common`` ``(q, p + 1, levels)`` is Z'[B r], ``other`` has Z'Z_other ``(levels, m)``
    for each of the ``q`` columns. Different R have ``counts`` ``(patterns,)`` levels;
    ``weights[ab]`` ``(q (q + 1) / 2, patterns)`` takes the lower triangle of a matrix A to element
    ab of R A R'. ``direct`` ``(q, p + 1, levels)`` is Q'[B r] where there are no ``products``.
    """

    position: int
    gram: tuple[np.ndarray, ...]
    common: np.ndarray
    other: tuple[sparse.csr_array, ...]
    counts: np.ndarray
    weights: tuple[np.ndarray, ...]
    direct: np.ndarray | None


@dataclass(frozen=True)
class Moments:
    """The sufficient statistics.

    With ``m`` other effects and ``M = m + p + 1``: ``rest`` ``(M, M)`` is C'(I - QQ')C;
    ``products`` has, for each element ``(a, b)`` of the lower triangle of K^-1, what multiplies
    it, ``(patterns, len(where))``; ``where`` are flat positions in the lower triangle of the
    ``(M, M)`` result. ``n_rows`` and ``constant`` complete the log likelihood.
    """

    basis: Basis
    levels: Levels | None
    n_other: int
    rest: np.ndarray
    products: tuple[np.ndarray | sparse.csr_array, ...]
    where: np.ndarray
    n_rows: float
    constant: float

    def facts(self, n_rows: int, n_cells: int | None = None) -> dict[str, str | int]:
        """Return what the manifest says of ``n_rows`` rows, perhaps merged to cells before."""
        levels = 0 if self.levels is None else int(self.levels.counts.sum())
        if n_cells is None:
            return {"method": "sums over levels", "rows": n_rows, "levels": levels}
        method = "gaussian cells, then sums over levels"
        return {"method": method, "rows": n_rows, "cells": n_cells, "levels": levels}


def reduce_rows(statement: Statement) -> Moments:
    """Compute the sufficient statistics.

    Raises
    ------
    TooLarge
        Several grouping factors with too many levels.

    Notes
    -----
    O(n (p + q)^2); never a rows x levels array.
    """
    root = np.sqrt(statement.weight)
    basis, columns = _basis(statement, root)
    constant = -0.5 * statement.n_rows * float(np.log(2 * np.pi))
    if not statement.counted:
        constant += float(np.log(root).sum())
    factors = [(f.factor, f.values.shape[1]) for f in statement.factors]
    check_size(factors, len(basis.start))
    if not factors:
        rest = columns @ columns.T
        rest[-1, -1] += statement.within_ss
        return Moments(basis, None, 0, rest, (), np.zeros(0, int), statement.n_rows, constant)
    position = largest(factors)
    own = statement.factors[position]
    level = LevelBasis.of(
        np.ascontiguousarray(root * own.values.T), own.factor.index, own.factor.n_groups
    )
    split = [level.split(column) for column in columns]
    swept = np.array([rest for rest, _ in split])
    cross = np.stack([coefficients for _, coefficients in split], axis=2)
    others = [f for i, f in enumerate(statement.factors) if i != position]
    other = _indicator(others, root)
    shared = tuple(
        sparse.csr_array(
            sparse.csr_array(
                (direction, (own.factor.index, np.arange(len(root)))),
                shape=(own.factor.n_groups, len(root)),
            )
            @ other
        )
        for direction in level.basis
    )
    rest = _rest(other, shared, swept)
    rest[-1, -1] += statement.within_ss
    upper, pattern, counts = _patterns(level.upper)
    products: tuple[np.ndarray | sparse.csr_array, ...] = ()
    where, direct = np.zeros(0, dtype=np.int64), None
    if other.shape[1]:
        products, where = sparse_products(cross, shared, pattern, len(counts))
    elif n_products(cross, len(counts)) <= MAX_PRODUCTS:
        products, where = dense_products(cross, pattern, len(counts))
    else:
        upper, counts = level.upper, np.ones(len(level.upper))
        direct = np.ascontiguousarray(cross.transpose(1, 2, 0))
    roots = level.upper
    levels = Levels(
        position,
        tuple((roots[:, :, a] * roots[:, :, b]).sum(axis=1) for a, b in pairs(roots.shape[1])),
        np.ascontiguousarray((roots.transpose(0, 2, 1) @ cross).transpose(1, 2, 0)),
        _pulled(roots, shared) if other.shape[1] else (),
        counts,
        _weights(upper),
        direct,
    )
    return Moments(basis, levels, other.shape[1], rest, products, where, statement.n_rows, constant)


def _basis(statement: Statement, root: np.ndarray) -> tuple[Basis, np.ndarray]:
    """Return the basis, and its columns and the residual response as ``(p + 1, n)``."""
    common = statement.coefficients
    p = common.values.shape[1]
    weighted = root[:, None] * common.values
    length = np.sqrt((weighted**2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    missing = max(p - len(root), 0)
    q, upper = np.linalg.qr(np.pad(weighted / length, ((0, missing), (0, 0))))
    q = q[: len(root)]
    left, singular, right = np.linalg.svd(upper)
    alive = singular > RANK_TOLERANCE * singular.max(initial=0.0)
    directions = np.where(alive, q @ left, 0.0)
    back = right.T / np.where(alive, singular, 1.0) / length[:, None]
    estimate, residual = _penalised(
        common, weighted, root * statement.y, statement.n_rows, statement.within_ss
    )
    scaled = back / common.sd[:, None]
    offset = (common.mean - estimate) / common.sd
    constant = (
        float(np.linalg.slogdet(scaled)[1])
        - 0.5 * p * float(np.log(2 * np.pi))
        - 0.5 * float(offset @ offset)
    )
    basis = Basis(estimate, back, scaled.T @ scaled, scaled.T @ offset, constant)
    return basis, np.vstack([directions.T, residual])


def _penalised(
    common: Coefficients, weighted: np.ndarray, y: np.ndarray, n_rows: float, within_ss: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients ``(p,)`` near their posterior means, and what they leave of ``y``.

    All else is relative to them: a prior that is tight and far from the least squares estimate
    would else leave the difference of two large numbers.

    Works on the triangular factor of ``[1 weighted y]``, whose combinations of columns have the
    lengths of those of the rows; all but the first row of it, the lengths about their means.
    """
    estimate = common.mean
    if not len(estimate):
        return estimate, y
    upper = np.linalg.qr(np.column_stack([np.ones(len(y)), weighted, y]), mode="r")
    columns, response = upper[:, 1:-1], upper[:, -1]

    def spread(residual: np.ndarray) -> float:
        return float(np.sqrt((residual[1:] @ residual[1:] + within_ss) / n_rows))

    prior = np.diag(1 / common.sd)
    residual = response - columns @ estimate
    free = np.linalg.lstsq(columns, residual, rcond=RANK_TOLERANCE)[0]
    scale = spread(residual - columns @ free) or 1.0
    for _ in range(3):
        system = np.vstack([columns / scale, prior])
        right = np.concatenate([residual / scale, (common.mean - estimate) / common.sd])
        length = np.linalg.norm(system, axis=0)
        estimate = estimate + np.linalg.lstsq(system / length, right)[0] / length
        residual = response - columns @ estimate
        scale = spread(residual) or scale
    return estimate, y - weighted @ estimate


def _indicator(others: list[FactorEffects], root: np.ndarray) -> sparse.csr_array:
    """Return the weighted columns of the other effects, ``(n, m)``, level by level."""
    n = len(root)
    rows = np.arange(n)
    blocks = []
    for effects in others:
        g, q = effects.factor.n_groups, effects.values.shape[1]
        column = (effects.factor.index[:, None] * q + np.arange(q)).ravel()
        data = (root[:, None] * effects.values).ravel()
        blocks.append(sparse.csr_array((data, (np.repeat(rows, q), column)), shape=(n, g * q)))
    return sparse.csr_array(sparse.hstack(blocks)) if blocks else sparse.csr_array((n, 0))


def _rest(
    other: sparse.csr_array, shared: tuple[sparse.csr_array, ...], swept: np.ndarray
) -> np.ndarray:
    m, p1 = other.shape[1], len(swept)
    rest = np.zeros((m + p1, m + p1))
    rest[m:, m:] = swept @ swept.T
    if m:
        rest[:m, :m] = (other.T @ other - sum(s.T @ s for s in shared)).toarray()
        rest[:m, m:] = other.T @ swept.T
        rest[m:, :m] = rest[:m, m:].T
    return rest


def _patterns(upper: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different triangular factors, which one each level has, and their counts."""
    flat = np.ascontiguousarray(upper.reshape(len(upper), -1))
    if flat.shape[1] == 1:
        values, index, counts = np.unique(flat[:, 0], return_inverse=True, return_counts=True)
        return values.reshape(-1, 1, 1), index, counts
    keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))[:, 0]
    _, first, index, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return upper[first], index, counts


def _pulled(
    roots: np.ndarray, shared: tuple[sparse.csr_array, ...]
) -> tuple[sparse.csr_array, ...]:
    """Return R' times the blocks of ``shared``: column a from those of Q up to a."""
    return tuple(
        sparse.csr_array(sum(sparse.diags_array(roots[:, c, a]) @ shared[c] for c in range(a + 1)))
        for a in range(len(shared))
    )


def _weights(upper: np.ndarray) -> tuple[np.ndarray, ...]:
    q = upper.shape[1]
    return tuple(
        np.stack(
            [
                upper[:, a, c] * upper[:, b, d]
                + (upper[:, a, d] * upper[:, b, c] if c != d else 0.0)
                for c, d in pairs(q)
            ]
        )
        for a, b in pairs(q)
    )
