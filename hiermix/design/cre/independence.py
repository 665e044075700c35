"""Which columns of a term add something to those before them."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-8
"""A column that keeps less than this share of its length beside others is made of them."""


def independent(columns: np.ndarray, base: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return which columns are no combination of the base and of columns before them.

    Parameters
    ----------
    columns, base
        Shapes ``(n, k)`` and ``(n, m)``.
    weight
        Shape ``(n,)``: weights of the inner product.

    Returns
    -------
    numpy.ndarray
        Shape ``(k,)``.
    """
    both = np.sqrt(weight)[:, None] * np.column_stack([base, columns])
    kept = np.zeros(both.shape[1], dtype=bool)
    found = np.zeros((len(both), 0))
    for i, column in enumerate(both.T):
        rest = column - found @ (found.T @ column)
        rest = rest - found @ (found.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > TOLERANCE * max(float(np.linalg.norm(column)), np.finfo(float).tiny):
            kept[i] = True
            found = np.column_stack([found, rest / length])
    return kept[base.shape[1] :]


def null_combinations(columns: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return combinations of columns that vanish, shape ``(k, m)``, orthonormal.

    Parameters
    ----------
    columns
        Shape ``(n, k)``.
    scale
        Shape ``(k,)``: sizes in which columns are measured.
    """
    gram = (columns / scale).T @ (columns / scale) / len(columns)
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors[:, values <= TOLERANCE**2] / scale[:, None])
