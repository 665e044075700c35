"""Triangular systems, many at a time."""

from __future__ import annotations

import numpy as np
from scipy import linalg

FEW = 40
"""Unknowns up to which all systems are solved together, one unknown after the other."""


def forward(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L x = right for lower triangular L ``(D, k, k)`` and right sides ``(D, k)``."""
    size = right.shape[1]
    if size > FEW:
        return _one_by_one(lower, right, "N")
    solved = np.empty_like(right)
    for i in range(size):
        known = (lower[:, i, :i] * solved[:, :i]).sum(axis=1)
        solved[:, i] = (right[:, i] - known) / lower[:, i, i]
    return solved


def backward(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L' x = right for lower triangular L ``(D, k, k)`` and right sides ``(D, k)``."""
    size = right.shape[1]
    if size > FEW:
        return _one_by_one(lower, right, "T")
    solved = np.empty_like(right)
    for i in reversed(range(size)):
        known = (lower[:, i + 1 :, i] * solved[:, i + 1 :]).sum(axis=1)
        solved[:, i] = (right[:, i] - known) / lower[:, i, i]
    return solved


def _one_by_one(lower: np.ndarray, right: np.ndarray, trans: str) -> np.ndarray:
    return np.stack(
        [
            linalg.solve_triangular(matrix, vector, lower=True, trans=trans, check_finite=False)
            for matrix, vector in zip(lower, right, strict=True)
        ]
    )
