"""Correlated group-specific effects in a PyMC model."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from hiermix.design.types import CorrelatedBlock
from hiermix.model.centring import build_order
from hiermix.model.lkj import beta_shapes, cholesky_rows


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
