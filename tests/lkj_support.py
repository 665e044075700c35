"""The LKJ density written from its definition, for tests."""

import numpy as np
from scipy.special import betaln


def lkj_log_constant(size: int, eta: float) -> float:
    """Return the log of the integral of det(R)^(eta - 1) over correlation matrices.

    Lewandowski, Kurowicka and Joe 2009, doi:10.1016/j.jmva.2009.04.008, equation 16.
    """
    total = 0.0
    for k in range(1, size):
        half = eta + (size - k - 1) / 2
        total += (2 * eta - 2 + size - k) * (size - k) * np.log(2) + (size - k) * betaln(half, half)
    return total


def lkj_log_density(matrix: np.ndarray, eta: float) -> float:
    """Return the normalised log density of a correlation matrix."""
    _, log_determinant = np.linalg.slogdet(matrix)
    return (eta - 1) * log_determinant - lkj_log_constant(len(matrix), eta)


def matrix_of(pairs: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix with these entries above the diagonal, by the later index."""
    size = round((1 + np.sqrt(1 + 8 * len(pairs))) / 2)
    matrix = np.eye(size)
    matrix.T[np.tril_indices(size, -1)] = pairs
    matrix[np.tril_indices(size, -1)] = pairs
    return matrix
