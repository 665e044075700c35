"""Least squares on the dummies of grouping factors, without building them densely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsmr

from hiermix.design.grouping import is_nested
from hiermix.design.types import Factor

TOLERANCE = 1e-13
MAX_STEPS = 10_000


def finest(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Return the factors that no other is nested in: their dummies span those of all."""
    return tuple(
        outer
        for i, outer in enumerate(factors)
        if not any(is_nested(inner, outer) for j, inner in enumerate(factors) if j != i)
    )


def level_part(x: np.ndarray, factors: Sequence[Factor], weight: np.ndarray) -> np.ndarray:
    """Return the fitted values of x on the dummies of the factors, shape ``(n_obs, k)``.

    Weighted least squares: level means for one factor (or nested ones), for crossed factors
    LSMR (Fong and Saunders 2011, doi:10.1137/10079687X) on the sparse dummies.

    Parameters
    ----------
    x
        Shape ``(n_obs, k)``.
    factors
        At least one.
    weight
        Shape ``(n_obs,)``, positive.
    """
    used = finest(factors)
    centre = np.average(x, axis=0, weights=weight)
    if len(used) == 1:
        index, g = used[0].index, used[0].n_groups
        total = np.bincount(index, weight, minlength=g)
        sums = [np.bincount(index, weight * c, minlength=g) for c in (x - centre).T]
        return np.asarray((np.column_stack(sums) / total[:, None])[index] + centre)
    root = np.sqrt(weight)
    rows = np.arange(len(x))
    blocks = []
    for factor in used:
        # Columns of unit length: LSMR then needs few steps whatever the sizes of the levels.
        size = np.sqrt(np.bincount(factor.index, weight, minlength=factor.n_groups))
        values = root / size[factor.index]
        shape = (len(x), factor.n_groups)
        blocks.append(sparse.csr_array((values, (rows, factor.index)), shape=shape))
    dummies = sparse.hstack(blocks, format="csr")
    fitted = [
        dummies
        @ lsmr(dummies, root * c, atol=TOLERANCE, btol=TOLERANCE, conlim=0, maxiter=MAX_STEPS)[0]
        for c in (x - centre).T
    ]
    return np.asarray(np.column_stack(fitted) / root[:, None] + centre)
