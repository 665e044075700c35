"""Which models the exact engine can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hiermix.design.types import Factor

MAX_OTHER = 2_500
"""Effects of all factors but the largest: they are solved for densely."""

MAX_PRODUCTS = 40_000_000
"""Stored products of elements of Q'C: 320 MB, and as many multiplications an evaluation. With one
factor more are multiplied out anew each time; with several they are too many."""


class TooLarge(Exception):
    """The model is too large for the exact engine; the text says why."""


def largest(factors: Sequence[tuple[Factor, int]]) -> int:
    """Return the position of the factor with the most effects.

    Parameters
    ----------
    factors
        Each with its number of effects a level.
    """
    return int(np.argmax([factor.n_groups * q for factor, q in factors]))


def check_size(factors: Sequence[tuple[Factor, int]], n_common: int) -> None:
    """Raise TooLarge if the factors beside the largest have too many effects, or meet too often.

    Parameters
    ----------
    factors
        Each with its number of effects a level.
    n_common
        Common coefficients.
    """
    if len(factors) < 2:
        return
    position = largest(factors)
    own, q = factors[position]
    others = [pair for i, pair in enumerate(factors) if i != position]
    n_other = sum(factor.n_groups * width for factor, width in others)
    if n_other > MAX_OTHER:
        raise TooLarge(
            f"{n_other:,} group-specific effects beside those of the largest factor, "
            f"{own.name}; at most {MAX_OTHER:,}"
        )
    width = np.full(own.n_groups, n_common + 1, dtype=np.int64)
    for factor, k in others:
        met = np.unique(own.index * factor.n_groups + factor.index) // factor.n_groups
        width += k * np.bincount(met, minlength=own.n_groups)
    n_products = int((width * (width + 1) // 2).sum()) * (q * (q + 1) // 2)
    if n_products > MAX_PRODUCTS:
        raise TooLarge(
            f"levels of {own.name} meet too many others: {n_products:,} products of effects, "
            f"at most {MAX_PRODUCTS:,}"
        )
