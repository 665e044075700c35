"""Cholesky factors of very many very small matrices, one entry of all of them at a time.

Matrices are dictionaries: entry ``(i, j)``, ``i >= j``, is an array over matrices of any shape. For
a few rows this is about ten times as fast as LAPACK called once a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Entries = dict[tuple[int, int], np.ndarray]


def pairs(q: int) -> list[tuple[int, int]]:
    """Return the lower triangle: ``(0, 0), (1, 0), (1, 1), ...``."""
    return [(i, j) for i in range(q) for j in range(i + 1)]


def cholesky(matrix: Mapping[tuple[int, int], np.ndarray], q: int) -> tuple[Entries, np.ndarray]:
    """Return the Cholesky factors, with reciprocals on the diagonal, and log determinants.

    A matrix that is not positive definite in floating point gives NaN.
    """
    lower: Entries = {}
    product: np.ndarray | float = 1.0
    for j in range(q):
        for i in range(j, q):
            entry = matrix[i, j]
            for k in range(j):
                entry = entry - lower[i, k] * lower[j, k]
            if i == j:
                product = product * entry
                lower[j, j] = 1 / np.sqrt(entry)
            else:
                lower[i, j] = entry * lower[j, j]
    return lower, np.log(product)


def inverse(lower: Mapping[tuple[int, int], np.ndarray], q: int) -> Entries:
    """Return the inverses, lower triangles, of matrices whose factors `cholesky` returned."""
    root: Entries = {}
    for j in range(q):
        root[j, j] = lower[j, j]
        for i in range(j + 1, q):
            total = lower[i, j] * root[j, j]
            for k in range(j + 1, i):
                total = total + lower[i, k] * root[k, j]
            root[i, j] = -lower[i, i] * total
    found: Entries = {}
    for a, b in pairs(q):
        total = root[q - 1, a] * root[q - 1, b]
        for k in range(a, q - 1):
            total = total + root[k, a] * root[k, b]
        found[a, b] = total
    return found


def solve_normal(
    lower: Mapping[tuple[int, int], np.ndarray],
    right: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Draw from Normal(A^-1 right, A^-1), with A = L L' and standard normal ``noise``."""
    q = len(right)
    forward: list[np.ndarray] = []
    for i in range(q):
        entry = right[i]
        for k in range(i):
            entry = entry - lower[i, k] * forward[k]
        forward.append(entry * lower[i, i])
    drawn: list[np.ndarray] = [np.empty(0)] * q
    for i in reversed(range(q)):
        entry = forward[i] + noise[i]
        for k in range(i + 1, q):
            entry = entry - lower[k, i] * drawn[k]
        drawn[i] = entry * lower[i, i]
    return drawn
