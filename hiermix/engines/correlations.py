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
import pymc as pm
import pytensor.tensor as pt

from hiermix.design.types import CorrelatedBlock
from hiermix.model.centring import build_order


def beta_shapes(size: int, eta: float) -> np.ndarray:
    """Return ``b`` of the partial correlations of ``size`` effects, shape ``(n_pairs,)``.

    Pairs are ordered by the later effect, as in ``CorrelatedBlock.pairs``.

    Examples
    --------
    >>> beta_shapes(3, 2.0)
    array([2.5, 2.5, 2. ])
    """
    return np.array([eta + (size - 2 - m) / 2 for i in range(size) for m in range(i)])


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


class CorrelatedEffects:
    """The effects of one level of a block, one after the other while the model is built.

    With standardised effects ``w ~ Normal(0, 1)`` and sds tau, ``u_i = tau_i (sum_m L_im w_m)``
    has exactly the correlations ``L L'``. A sd may be |x| of a signed x, which stands for tau
    here: the correlation of two effects is then ``sign(x_i x_j) (L L')_ij``, and LKJ is its
    prior all the same, since it does not change when the sign of an effect does.

    Parameters
    ----------
    name
        Name in the PyMC model of the variable behind the matrix.
    block
        Terms; their effects come in the order in which the terms are built, to which an LKJ
        prior is indifferent.
    eta
        Parameter of the LKJ prior.
    shape
        ``()``, or the number of categories of the response: each has a matrix of its own.
    """

    def __init__(
        self, name: str, block: CorrelatedBlock, eta: float, shape: tuple[int, ...] = ()
    ) -> None:
        self._block = block
        self._built = [c for term in build_order(block.terms) for c in term.columns]
        shapes = beta_shapes(len(self._built), eta).reshape(-1, *(1 for _ in shape))
        beta = pm.Beta(name, shapes, shapes, shape=(len(shapes), *shape))
        self._rows = cholesky_rows([beta[i] for i in range(len(shapes))])
        self._effects: list[Any] = []
        self._signs: list[Any] = []

    def given(self, tau: Any) -> tuple[Any, Any]:
        """Return mean and (signed) scale of the next effect's prior, given those before it."""
        *before, own = self._rows[len(self._effects)]
        pairs = zip(before, self._effects, strict=True)
        return tau * sum(entry * effect for entry, effect in pairs), tau * own

    def add(self, effect: Any, tau: Any) -> None:
        """Keep a standardised effect, shape ``(n_groups, ...)``."""
        self._effects.append(effect)
        self._signs.append(pt.sign(tau))

    def correlations(self) -> list[Any]:
        """Return the correlation of each pair of the block, in the order of its ``pairs``."""
        place = [self._built.index(column) for column in self._block.columns]
        return [self._entry(*sorted((place[i], place[j]))) for i, j in self._block.pairs]

    def _entry(self, i: int, j: int) -> Any:
        both = zip(self._rows[i], self._rows[j], strict=False)
        return sum(a * b for a, b in both) * self._signs[i] * self._signs[j]
