"""Why an effect is not identified on its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hiermix.design.identification.codes import Kind
from hiermix.design.identification.partitions import Role

ALONE = -1
"""Label of a column that no other one makes up."""

ZERO = -2
"""Label of a column that is zero."""


def kinds_of(
    label: np.ndarray,
    constant: np.ndarray,
    owner: np.ndarray,
    is_ones: np.ndarray,
    roles: Sequence[Role],
    n_rows: np.ndarray,
    crossed: np.ndarray,
    one_row: np.ndarray,
) -> np.ndarray:
    """Return the kind of every effect, shape ``(n_classes, n_columns)``; rivals have none.

    What a set has decides, in this order: the residual, for the intercepts of a factor whose
    levels are single rows; a common effect; two crossed factors; an inner factor; an intercept
    whose slopes are all constant; none of these, as with fewer rows than effects.

    Parameters
    ----------
    label, constant
        Shape ``(n_classes, n_columns)``: see ``EffectSets``.
    owner, is_ones, roles
        Of each column: its partition, whether it is a column of ones, the partition's role.
    n_rows
        Shape ``(n_classes,)``.
    crossed, one_row
        See ``effect_sets``.
    """
    kind = np.full(label.shape, Kind.PLAIN, dtype=np.int8)
    role = np.array(roles)
    factors = np.unique(owner[role == "factor"])
    for column in np.flatnonzero(role == "factor"):
        own = label[:, column]
        member = (label == own[:, None]) & (own >= 0)[:, None]
        present = {f: member[:, (role == "factor") & (owner == f)].any(axis=1) for f in factors}
        isolated = np.zeros(len(label), dtype=bool)
        for a in factors:
            for b in factors[factors > a]:
                if crossed[a, b]:
                    isolated |= present[a] & present[b]
        several = np.sum(list(present.values()), axis=0) > 1
        flat = member[:, is_ones].any(axis=1) & (~member | constant | is_ones).all(axis=1)
        single_row = member[:, role == "residual"].any(axis=1) & is_ones[column]
        kind[:, column] = np.select(
            [
                own == ZERO,
                (own == ALONE) & (n_rows == 1),
                own == ALONE,
                single_row & one_row[owner[column]],
                member[:, role == "common"].any(axis=1),
                isolated,
                several,
                flat,
            ],
            [
                Kind.ZERO_COLUMN,
                Kind.SINGLETON,
                Kind.PLAIN,
                Kind.ONE_ROW_PER_LEVEL,
                Kind.COMMON_EFFECT,
                Kind.ISOLATED_PAIR,
                Kind.ALIASED,
                Kind.CONSTANT_SLOPE,
            ],
            Kind.FEW_ROWS,
        )
    return kind
