"""Which columns are linearly dependent within a set of rows, for many sets at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ZERO = 1e-10
"""Values up to this share of the column's largest are 0 up to the rounding of how it was made."""

FLAT = 1e-10
"""A column is constant where its sd is at most this share of its range over all rows, as in the
check of slopes without variation."""

NULL = 1e-10
"""Eigenvalues of the correlation form up to this share of the largest are zero.

Rounding leaves about n_rows^(1/2) 1e-16 < 1e-12 there. An eigenvalue is a squared length: 1e-10
means that all but 1e-5 of a column is made of the others, and what the likelihood then says about
it is 1e-10 of what it says about a column that stands alone."""

LINK = 1e-6
"""Entries of a projector on the null space up to this are zero: its rounding is about 1e-15 over
the gap between zero and the other eigenvalues."""


@dataclass(frozen=True)
class Links:
    """Dependencies among ``p`` columns, the ones first, then ``q`` slopes, in ``n`` sets of rows.

    ``linked`` has shape ``(n, p, p)``: both columns take part in one dependency. ``zero`` and
    ``constant`` have shape ``(n, q)``.
    """

    linked: np.ndarray
    zero: np.ndarray
    constant: np.ndarray


def find_links(
    slopes: np.ndarray, starts: np.ndarray, n_ones: int, size: np.ndarray, spread: np.ndarray
) -> Links:
    """Find the dependencies among columns of ones and slopes.

    Parameters
    ----------
    slopes
        Shape ``(q, n_rows)``, the rows of each set next to one another.
    starts
        Shape ``(n,)``: first row of each set.
    n_ones
        Number of columns that are 1 in all rows.
    size, spread
        Shape ``(q,)``: largest absolute value and range of each slope in all data.

    Notes
    -----
    With a column of ones, slopes are centred at the means of the set: a year or a timestamp would
    else look constant. What the dependencies among centred slopes weigh at the means then tells
    whether the ones take part.
    """
    q, n_rows = slopes.shape
    counts = np.diff(np.append(starts, n_rows))
    unit = np.where(size > 0, size, 1.0)[:, None]
    scaled = slopes / unit
    zero = np.maximum.reduceat(np.abs(scaled), starts, axis=1) <= ZERO
    mean = np.zeros((q, len(starts)))
    if n_ones:
        # From the first row, so that a constant becomes exactly zero.
        mean = scaled[:, starts]
        scaled -= np.repeat(mean, counts, axis=1)
        rest = np.add.reduceat(scaled, starts, axis=1) / counts
        scaled -= np.repeat(rest, counts, axis=1)
        mean = mean + rest
    gram = _gram(scaled, starts)
    length = np.sqrt(gram.diagonal(axis1=1, axis2=2))
    zero, mean = zero.T, mean.T
    flat = FLAT * (spread[:, None] / unit).T * np.sqrt(counts)[:, None]
    constant = ~zero & (length <= flat) if n_ones else np.zeros_like(zero)
    active = ~zero & ~constant & (length > 0)
    length[~active] = 1.0
    projector = _null_projector(gram / (length[:, :, None] * length[:, None, :]), active)
    linked = np.zeros((len(starts), n_ones + q, n_ones + q), dtype=bool)
    if n_ones:
        weight = np.where(active, mean * np.sqrt(counts)[:, None] / length, 0.0)
        to_ones = _join_ones(projector, weight) | constant
        linked[:, :n_ones, :n_ones] = n_ones > 1
        linked[:, :n_ones, n_ones:] = to_ones[:, None, :]
        linked[:, n_ones:, :n_ones] = to_ones[:, :, None]
    linked[:, n_ones:, n_ones:] = np.abs(projector) > LINK
    linked[:, np.arange(n_ones + q), np.arange(n_ones + q)] = False
    return Links(linked, zero, constant)


def _gram(columns: np.ndarray, starts: np.ndarray) -> np.ndarray:
    q = len(columns)
    gram = np.empty((len(starts), q, q))
    for i in range(q):
        for j in range(i + 1):
            gram[:, i, j] = np.add.reduceat(columns[i] * columns[j], starts)
            gram[:, j, i] = gram[:, i, j]
    return gram


def _null_projector(correlation: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Return the projectors on the null spaces of the active columns, shape ``(n, q, q)``."""
    q = active.shape[1]
    both = active[:, :, None] & active[:, None, :]
    matrix = np.where(both, correlation, np.eye(q))
    if q == 1:
        return np.zeros_like(matrix)
    values, vectors = np.linalg.eigh(matrix)
    null = vectors * (values <= NULL * values[:, -1:])[:, None, :]
    return np.asarray(null @ null.transpose(0, 2, 1))


def _join_ones(projector: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return which slopes a column of ones has a dependency with, shape ``(n, q)``.

    A dependency v among centred slopes is one among slopes and ones, in which the ones have the
    coefficient -weight v. It is zero for all of them where the projection of the weights is; the
    scale of the ones does not matter, and is chosen to keep the weights below 1.
    """
    weight = np.where(np.abs(weight) <= ZERO, 0.0, weight)
    largest = np.abs(weight).max(axis=1, keepdims=True)
    weight = weight / np.where(largest > 0, largest, 1.0)
    return np.asarray(np.abs(np.einsum("nij,nj->ni", projector, weight)) > LINK)


def first_member(linked: np.ndarray) -> np.ndarray:
    """Return the first column of the set that each column is in, -1 for a column on its own.

    Parameters
    ----------
    linked
        Shape ``(n, p, p)``, symmetric. Columns that are linked through others are in one set, as
        the entries of a projector can be zero by chance.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, p)``.
    """
    p = linked.shape[1]
    reach = (linked | np.eye(p, dtype=bool)).astype(np.float32)
    for _ in range(max(p - 1, 1).bit_length()):
        reach = (reach @ reach > 0).astype(np.float32)
    return np.where(linked.any(axis=2), reach.argmax(axis=2), -1)
