"""The equations of a Gaussian mixed model as functions of the relative group sds.

The largest factor is eliminated level by level, further ones through Henderson's mixed model
equations of what is left; see `hiermix.model.linear_mixed` for the algebra.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from hiermix.design.sweeping import LevelBasis
from hiermix.design.types import Factor, GroupTerm

MAX_ENTRIES = 4_000_000
"""Entries of the equations of all factors but the largest: that factorising them could fill, or
that one evaluation sums. Nested factors stay far below it; two crossed factors reach it when the
smaller one has 2,000 effects, which takes 0.2 s an evaluation."""

ALWAYS_DENSE = 300
"""Effects up to which a dense factorisation is faster than a sparse one whatever the pattern."""

SPARSE_COST = 100
"""Time of a multiplication in a product of sparse matrices over that in one of dense matrices."""


class TooLarge(Exception):
    """Several grouping factors with more levels than the equations are solved for."""


@dataclass(frozen=True)
class Equations:
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
    def of(cls, terms: Sequence[GroupTerm], root: np.ndarray, columns: np.ndarray) -> Equations:
        """Reduce weighted columns ``(p + 1, n)``; ``root`` ``(n,)`` are roots of the weights."""
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
