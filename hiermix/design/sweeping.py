"""Least squares on the dummies of grouping factors, without building them densely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsmr

from hiermix.design.grouping import refines
from hiermix.design.types import Factor

LEVEL_RANK_TOLERANCE = 1e-10
"""A column of a level that keeps less than this share of its length beside the level's earlier
columns depends on them; rounding leaves 1e-15."""

SWEEP_TOLERANCE = 1e-12
"""Largest correlation with a dummy that may be left in a column swept by crossed factors."""

SWEEP_ROUNDS = 4
SWEEP_ITERATIONS = 20_000
"""Of LSMR, a column and round; they grow with the diameter of the graph of the levels."""


@dataclass(frozen=True)
class LevelBasis:
    """Thin QR of the columns ``z`` of one factor within each of its levels.

    Row i of ``z`` is ``sum_a basis[a, i] upper[level, a, :]``. ``basis`` is ``(q, n)``, its rows
    orthonormal within levels or zero where a level's columns are dependent; ``upper`` is
    ``(levels, q, q)``; ``index`` ``(n,)`` holds the levels of the rows.
    """

    basis: np.ndarray
    upper: np.ndarray
    index: np.ndarray

    @classmethod
    def of(cls, z: np.ndarray, index: np.ndarray, n_levels: int) -> LevelBasis:
        """Orthonormalise ``z`` ``(q, n)`` by Gram-Schmidt, each step twice, in O(n q^2)."""
        basis = np.zeros_like(z, dtype=float)
        upper = np.zeros((n_levels, len(z), len(z)))
        for k, column in enumerate(z):
            done = cls(basis[:k], upper[:, :k, :k], index)
            rest, upper[:, :k, k] = done.split(column)
            length = np.sqrt(np.bincount(index, rest**2, minlength=n_levels))
            before = np.sqrt(np.bincount(index, column**2, minlength=n_levels))
            alive = length > LEVEL_RANK_TOLERANCE * before
            upper[:, k, k] = np.where(alive, length, 0.0)
            inverse = np.where(alive, 1 / np.where(alive, length, 1.0), 0.0)
            basis[k] = rest * inverse[index]
        return cls(basis, upper, index)

    def split(self, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the basis leaves of a column ``(n,)`` and its coefficients ``(levels, q)``.

        The second pass removes what rounding left of a large projection.
        """
        coefficients = np.zeros(self.upper.shape[:2])
        rest = column
        for _ in range(2):
            for a, direction in enumerate(self.basis):
                step = np.bincount(self.index, direction * rest, minlength=len(self.upper))
                coefficients[:, a] += step
                rest = rest - direction * step[self.index]
        return rest, coefficients


def finest(factors: Sequence[Factor]) -> list[Factor]:
    """Leave out factors whose levels are unions of another's, the same partition but once."""
    kept: list[Factor] = []
    for factor in sorted(factors, key=lambda f: -f.n_groups):
        if not any(refines(finer, factor) for finer in kept):
            kept.append(factor)
    return kept


def sweep(
    columns: np.ndarray, factors: Sequence[Factor], root: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Sweep dummies out of columns by least squares, without building them densely.

    One factor: level by level. Crossed factors: LSMR (Fong and Saunders 2011,
    doi:10.1137/10079687X) on the sparse dummies.

    Parameters
    ----------
    columns
        Shape ``(k, n)``, each multiplied by ``root``.
    factors
        Of `finest`.
    root
        Shape ``(n,)``: square roots of the weights of the rows.

    Returns
    -------
    tuple
        What the dummies leave of the columns, ``(k, n)``, and whether `SWEEP_TOLERANCE` was met.
    """
    if len(factors) == 1:
        level = LevelBasis.of(root[None], factors[0].index, factors[0].n_groups)
        return np.array([level.split(column)[0] for column in columns]), True
    rows = np.arange(len(root))
    dummies = sparse.hstack(
        [
            sparse.csr_array(
                (root / np.sqrt(np.bincount(f.index, root**2))[f.index], (rows, f.index)),
                shape=(len(root), f.n_groups),
            )
            for f in factors
        ],
        format="csr",
    )
    across = dummies.T.tocsr()
    swept = columns.copy()
    found = True
    for i, column in enumerate(columns):
        size = float(np.linalg.norm(column))
        for _ in range(SWEEP_ROUNDS):
            if np.abs(across @ swept[i]).max() <= SWEEP_TOLERANCE * size:
                break
            step = lsmr(
                dummies, swept[i], atol=1e-15, btol=1e-15, conlim=0.0, maxiter=SWEEP_ITERATIONS
            )
            swept[i] -= dummies @ step[0]
        found &= bool(np.abs(across @ swept[i]).max() <= SWEEP_TOLERANCE * size)
    return swept, found
