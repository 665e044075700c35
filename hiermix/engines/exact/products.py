"""Products of what the levels of the eliminated factor share with all other columns."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from hiermix.engines.exact.small import pairs


def n_products(cross: np.ndarray, n_patterns: int) -> int:
    """Return how many numbers `dense_products` would return."""
    q, size = cross.shape[1:]
    return int(len(pairs(q)) * n_patterns * (size * (size + 1) // 2))


def dense_products(
    cross: np.ndarray, pattern: np.ndarray, n_patterns: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Multiply all pairs of columns, summed over levels of one pattern.

    Parameters
    ----------
    cross
        Q'[B r], ``(levels, q, p + 1)``.
    pattern
        Which of ``n_patterns`` triangular factors each level has, ``(levels,)``.

    Returns
    -------
    tuple
        For each element of the lower triangle of K^-1 what multiplies it, ``(n_patterns, pairs)``;
        and the flat places of the pairs in the result, ``(pairs,)``.
    """
    q, size = cross.shape[1:]
    x, y = np.triu_indices(size)
    order = np.argsort(pattern, kind="stable")
    starts = np.searchsorted(pattern[order], np.arange(n_patterns))
    ordered = cross[order]
    found = []
    for a, b in pairs(q):
        total = np.empty((n_patterns, len(x)))
        for column, (i, j) in enumerate(zip(x, y, strict=True)):
            product = ordered[:, a, i] * ordered[:, b, j]
            if a != b:
                product = product + ordered[:, b, i] * ordered[:, a, j]
            total[:, column] = np.add.reduceat(product, starts)
        found.append(total)
    return tuple(found), y * size + x


def sparse_products(
    cross: np.ndarray, shared: tuple[sparse.csr_array, ...], pattern: np.ndarray, n_patterns: int
) -> tuple[tuple[sparse.csr_array, ...], np.ndarray]:
    """Multiply the pairs of columns that meet in a level: few of all pairs ever do.

    ``shared`` has Q'Z_other ``(levels, m)`` for each column of Q. Otherwise as `dense_products`,
    with the products transposed, ``(pairs, n_patterns)``.
    """
    levels, q, p1 = cross.shape
    m = shared[0].shape[1]
    size = m + p1
    touched = sum(abs(s) for s in shared)
    touched = sparse.csr_array(touched)
    touched.sort_indices()
    met = np.diff(touched.indptr)
    width = met + p1
    level = np.repeat(np.arange(levels), width)
    start = np.cumsum(width) - width
    place = np.arange(len(level)) - start[level]
    is_other = place < met[level]
    column = np.empty(len(level), dtype=np.int64)
    column[is_other] = touched.indices
    column[~is_other] = m + (place - met[level])[~is_other]
    values = np.empty((q, len(level)))
    for a, own in enumerate(shared):
        values[a, is_other] = _at(own, level[is_other], column[is_other])
        values[a, ~is_other] = cross[:, a].ravel()
    partners = width[level] - place
    first = np.repeat(np.arange(len(level)), partners)
    second = first + np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    where, row = np.unique(column[second] * size + column[first], return_inverse=True)
    home = pattern[level[first]]
    found = []
    for a, b in pairs(q):
        product = values[a, first] * values[b, second]
        if a != b:
            product = product + values[b, first] * values[a, second]
        found.append(sparse.csr_array((product, (row, home)), shape=(len(where), n_patterns)))
    return tuple(found), where


def _at(matrix: sparse.csr_array, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Return elements of a sparse matrix at positions in row-major order, zeros included."""
    matrix.sort_indices()
    own = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * matrix.shape[1]
    keys = own + matrix.indices
    wanted = row * matrix.shape[1] + column
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(wanted))
    return np.where(keys[place] == wanted, matrix.data[place], 0.0)
