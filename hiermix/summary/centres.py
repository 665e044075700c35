"""Common effects that group-specific effects deviate from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import INTERCEPT

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.model.plan import ModelPlan, Parameter

SAME = 1e-9
"""Share of a column's largest value within which two columns are equal."""


def centre_of(
    plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> tuple[tuple[Parameter, int], ...]:
    """Return the common effects whose sum one effect of a group term deviates from.

    That of the same name. A term with more categories than the common term of its name (``0 + f |
    g``, ``0 + x:f | g``) has the coefficients of lower terms in its own: ``f[b]`` deviates from
    ``Intercept + f[b]``, ``x:f[b]`` from ``x + x:f[b]``, ``f:h[b, c]`` from ``Intercept + f[b] +
    h[c] + f:h[b, c]``. These are the common columns that are sums of columns of the term.

    Parameters
    ----------
    column
        Position in ``effect_names``.

    Returns
    -------
    tuple
        Parameters and positions in their flattened values; none where the model has no such
        common effect.
    """
    if term.expression == INTERCEPT:
        return tuple(_effect(plan, part, "Intercept", column))
    same = next((c for c in part.common if c.name == term.expression), None)
    if same is None:
        return ()
    if same.labels == term.labels:
        return tuple(_effect(plan, part, same.name, column))
    if same.labels is None or not set(same.labels) < set(term.labels or ()):
        return ()
    # A categorical response has an effect for each of its categories; there are no cells here.
    if plan.parameter(plan.label(part, same.name)).shape != (len(same.labels),):
        return ()
    found = list(_effect(plan, part, "Intercept", 0))
    if not _takes_part(np.ones(len(term.values)), term.values, column):
        found = []
    for common in part.common:
        if set(common.variables) <= set(same.variables):
            for place, values in enumerate(common.values.T):
                if _takes_part(values, term.values, column):
                    found += _effect(plan, part, common.name, place)
    return tuple(found)


def _takes_part(values: np.ndarray, columns: np.ndarray, column: int) -> bool:
    """Return whether a column is a sum of some of ``columns``, this one among them.

    Parameters
    ----------
    values, columns
        Shapes ``(n_obs,)`` and ``(n_obs, k)``; in each row at most one column is not 0.
    """
    own = columns[:, column] != 0
    near = SAME * float(np.abs(values).max(initial=0.0))
    if not own.any() or np.abs(values - columns[:, column])[own].max() > near:
        return False
    place = np.abs(columns).argmax(axis=1)
    rest = values - np.take_along_axis(columns, place[:, None], axis=1)[:, 0]
    unequal = np.bincount(place, np.abs(rest) > near, columns.shape[1]) > 0
    return bool(np.abs(np.where(unequal[place], values, rest)).max() <= near)


def _effect(
    plan: ModelPlan, part: LinearPart, name: str, place: int
) -> Iterator[tuple[Parameter, int]]:
    # Ordinal families have thresholds instead of an intercept.
    labelled = plan.label(part, name)
    return ((p, place) for p in plan.parameters if p.name == labelled)
