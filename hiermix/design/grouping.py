"""Grouping factors and group-specific terms as indexes and slope columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hiermix.design.columns import ColumnSource
from hiermix.design.types import Factor, GroupTerm
from hiermix.errors import DesignError, Where
from hiermix.formula import GroupTerm as GroupBlock


def build_factor(
    table: pd.DataFrame, variables: Sequence[str], multiplicity: np.ndarray | None = None
) -> Factor:
    """Index the observed levels of ``g`` or combinations of ``a:b``.

    Parameters
    ----------
    table
        Data; the columns of ``variables`` are categorical, or numbers whose values are the levels.
    variables
        One column, or several for an interaction of factors.
    multiplicity
        How many rows each row of ``table`` stands for; ``None`` for one.

    Returns
    -------
    Factor
        Levels in the order of their texts (combinations by first, then second factor...);
        combinations that do not occur get no level.

    Notes
    -----
    Time O(n_obs log n_obs), memory O(n_obs); no rows x levels array.
    """
    names = list(variables)
    code = np.zeros(len(table), dtype=np.int64)
    radix: list[pd.Index] = []
    for name in names:
        column = table[name].astype("category").cat.remove_unused_categories()
        categories = column.cat.categories
        code = code * len(categories) + column.cat.codes.to_numpy(dtype=np.int64)
        radix.append(categories)
    present, index = np.unique(code, return_inverse=True)
    counts = np.bincount(index, multiplicity, minlength=len(present)).astype(np.int64)
    parts: list[np.ndarray] = []
    rest = present
    for categories in reversed(radix):
        parts.append(np.asarray(categories.astype(str), dtype=object)[rest % len(categories)])
        rest = rest // len(categories)
    labels = tuple(":".join(row) for row in zip(*reversed(parts), strict=True))
    factor_name = ":".join(names)
    if len(set(labels)) != len(labels):
        raise DesignError(
            "design.ambiguous-levels",
            f"{factor_name}: two combinations of levels have the same text, "
            "because a label contains ':'",
            Where(key="model.formula"),
            "rename the levels that contain ':'",
        )
    return Factor(factor_name, tuple(names), labels, index.astype(np.int64), counts)


def is_nested(inner: Factor, outer: Factor) -> bool:
    """Return whether every level of ``inner`` lies within one of ``outer``, which has fewer."""
    return inner.n_groups > outer.n_groups and refines(inner, outer)


def refines(finer: Factor, coarser: Factor) -> bool:
    """Return whether the levels of ``coarser`` are unions of those of ``finer``, or the same."""
    return bool((parent_levels(finer, coarser)[finer.index] == coarser.index).all())


def parent_levels(inner: Factor, outer: Factor) -> np.ndarray:
    """Return, for each level of ``inner``, the level of ``outer`` of one of its rows."""
    parents = np.zeros(inner.n_groups, dtype=np.int64)
    parents[inner.index] = outer.index
    return parents


def build_group_terms(blocks: Sequence[GroupBlock], source: ColumnSource) -> tuple[GroupTerm, ...]:
    """Evaluate ``(effect | factor)`` blocks to terms, in the order of the formula.

    Raises
    ------
    DesignError
        A slope cannot be evaluated, or labels are ambiguous.
    """
    factors: dict[tuple[str, ...], Factor] = {}
    terms: list[GroupTerm] = []
    for bar, block in enumerate(blocks):
        sterile = [source.rename[name] for name in block.factor]
        if block.factor not in factors:
            built = build_factor(source.table, sterile, source.multiplicity)
            factors[block.factor] = Factor(
                block.factor_name, block.factor, built.levels, built.index, built.counts
            )
        factor = factors[block.factor]
        if block.intercept:
            terms.append(
                GroupTerm(
                    f"1|{factor.name}",
                    "1",
                    factor,
                    ("1",),
                    np.ones((source.n_obs, 1)),
                    None,
                    block.correlated,
                    bar,
                )
            )
        for slope in source.terms(block.terms, intercept=block.intercept):
            terms.append(
                GroupTerm(
                    f"{slope.name}|{factor.name}",
                    slope.name,
                    factor,
                    slope.columns,
                    slope.values,
                    slope.labels,
                    block.correlated,
                    bar,
                )
            )
    return tuple(terms)
