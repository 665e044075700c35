"""The rows of a design that a check looks at."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from hiermix.design.types import Design, Factor, LinearPart


def some_rows(design: Design, kept: np.ndarray) -> Design:
    """Return the columns, levels and responses of some rows of a design.

    Levels without a row are left out; names, families and audits stay those of the whole.

    Parameters
    ----------
    kept
        Positions of the rows, ``(n_kept,)``.
    """
    return replace(
        design,
        response=_picked(design.response, kept),
        main=_part(design.main, kept),
        components={name: _part(part, kept) for name, part in design.components.items()},
        known_se=None if design.known_se is None else design.known_se[kept],
    )


def _picked(value: Any, kept: np.ndarray) -> Any:
    """Return a dataclass with its arrays, one entry a row, cut to some rows."""
    arrays = {
        field.name: getattr(value, field.name)[kept]
        for field in fields(value)
        if isinstance(getattr(value, field.name), np.ndarray)
    }
    return replace(value, **arrays)


def _part(part: LinearPart, kept: np.ndarray) -> LinearPart:
    factors = {factor.name: _factor(factor, kept) for factor in part.factors}
    return replace(
        part,
        common=tuple(_picked(term, kept) for term in part.common),
        group=tuple(
            replace(_picked(term, kept), factor=factors[term.factor.name]) for term in part.group
        ),
        offset=None if part.offset is None else part.offset[kept],
    )


def _factor(factor: Factor, kept: np.ndarray) -> Factor:
    used, index, counts = np.unique(factor.index[kept], return_inverse=True, return_counts=True)
    levels = tuple(factor.levels[i] for i in used)
    return replace(factor, levels=levels, index=index, counts=counts)
