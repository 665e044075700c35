"""Correlation matrices with an LKJ prior, from independent variables and plain arithmetic.

A matrix of k effects is made of the canonical partial correlations ``p_mi`` of each pair
``m < i``, given the effects before ``m``; under LKJ(eta), whose density is proportional to
``det(R)^(eta - 1)``, they are independent, ``(p_mi + 1) / 2 ~ Beta(b, b)`` with
``b = eta + (k - 2 - m) / 2``. Its Cholesky factor is::

    L_im = p_mi prod_{l < m} sqrt(1 - p_li^2),   L_ii = prod_{l < i} sqrt(1 - p_li^2)

Source: Lewandowski, Kurowicka and Joe 2009, doi:10.1016/j.jmva.2009.04.008.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiermix.design.types import ordered_pairs


def beta_shapes(size: int, eta: float) -> np.ndarray:
    """Return ``b`` of the partial correlations of ``size`` effects, shape ``(n_pairs,)``.

    Pairs are in the order of `ordered_pairs`.

    Examples
    --------
    >>> beta_shapes(3, 2.0)
    array([2.5, 2.5, 2. ])
    """
    return np.array([eta + (size - 2 - m) / 2 for m, _ in ordered_pairs(size)])


def cholesky_rows(betas: Sequence[Any]) -> list[list[Any]]:
    """Return the rows of the Cholesky factor, ``i + 1`` entries in row ``i``.

    Parameters
    ----------
    betas
        ``(p_mi + 1) / 2`` of each pair, ordered by the later effect: numbers, arrays or tensors
        in (0, 1), all of one shape.

    Examples
    --------
    >>> cholesky_rows([0.75])
    [[1.0], [0.5, 0.8660254037844386]]
    """
    rows: list[list[Any]] = [[1.0]]
    pairs = iter(betas)
    while len(rows) * (len(rows) + 1) // 2 <= len(betas):
        row: list[Any] = []
        rest: Any = 1.0
        for _ in rows:
            beta = next(pairs)
            row.append((2 * beta - 1) * rest)
            # 1 - p^2 without the cancellation near p = 1 and -1.
            rest = rest * 2 * (beta * (1 - beta)) ** 0.5
        rows.append([*row, rest])
    return rows
