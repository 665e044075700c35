"""The linear predictor at other values of some predictors than those of the data."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from hiermix.data.frame import Frame
from hiermix.design.build import linear_part, respelt
from hiermix.design.columns import ColumnSource
from hiermix.design.types import CommonTerm, Design, LinearPart
from hiermix.errors import DesignError, Where
from hiermix.formula import parse_formula
from hiermix.spec import RunSpec


class ScenarioSource(ColumnSource):
    """Columns of the data, whose terms are evaluated at other values.

    Transformations remember the data: ``scale``, ``poly`` and ``bs`` have the means, norms and
    knots of what was fitted. Grouping factors keep their levels.

    Parameters
    ----------
    frame
        The data.
    changes
        Column -> its values in every row, shape ``(n_obs,)``.
    """

    def __init__(self, frame: Frame, changes: Mapping[str, pd.Series]) -> None:
        super().__init__(frame.table, frame.row_numbers, frame.multiplicity)
        self._changed = self.table.assign(
            **{self.rename[name]: values for name, values in changes.items()}
        )

    def _checked(self, term: Any, evaluated: Any) -> CommonTerm:
        moved = copy.copy(evaluated)
        try:
            with np.errstate(all="ignore"):
                moved.data = evaluated.eval_new_data(self._changed)
        except Exception as error:  # formulae raises many kinds, all about the term
            raise DesignError(
                "design.cannot-evaluate",
                f"cannot evaluate {term.name} at these values",
                Where(),
                "ask about a parameter instead",
            ) from error
        return super()._checked(term, moved)


def linear_part_at(
    spec: RunSpec, frame: Frame, design: Design, changes: Mapping[str, pd.Series]
) -> LinearPart:
    """Return the main linear predictor with some columns at other values.

    Group means (``cre``) stay as they are: a change is one within levels.

    Parameters
    ----------
    spec, frame, design
        As in `build_design`, and what it returned.
    changes
        Column -> values in every row of ``frame.table``.

    Raises
    ------
    DesignError
        A term cannot be evaluated there.
    """
    formula = respelt(parse_formula(spec.model.formula))
    source = ScenarioSource(frame, changes).for_formula(formula, "model.formula")
    moved = linear_part(design.main.parameter, formula, source)
    common = {term.name: term for term in moved.common}
    group = {term.name: term for term in moved.group}
    return replace(
        design.main,
        common=tuple(common.get(term.name, term) for term in design.main.common),
        group=tuple(group.get(term.name, term) for term in design.main.group),
        offset=moved.offset,
    )


def slope_part(above: LinearPart, below: LinearPart, step: float) -> LinearPart:
    """Return the derivative of every column: ``(above - below) / (2 step)``.

    Its intercept is that of the linear predictor, whose derivative is 0: leave it out.
    """

    def slope(high: np.ndarray, low: np.ndarray) -> np.ndarray:
        return np.asarray((high - low) / (2 * step))

    offset = None
    if above.offset is not None and below.offset is not None:
        offset = slope(above.offset, below.offset)
    return replace(
        above,
        common=_with_values(above.common, below.common, slope),
        group=_with_values(above.group, below.group, slope),
        offset=offset,
    )


def _with_values(above: Sequence[Any], below: Sequence[Any], slope: Any) -> tuple[Any, ...]:
    return tuple(
        replace(high, values=slope(high.values, low.values))
        for high, low in zip(above, below, strict=True)
    )
