"""Which rows belong to which arm, and what the model would say of every row in either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.errors import DataError, DesignError, HiermixError, InputErrors, Where
from hiermix.spec import QuestionSpec
from hiermix.spec.arms import ARM, SIDES

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.design.types import LinearPart
    from hiermix.model.plan import ModelPlan
    from hiermix.spec import ArmsSpec, RunSpec
    from hiermix.summary.questions.response import ResponseScale

SHOWN = 3
"""Rows that an error names."""


@dataclass(frozen=True)
class Sides:
    """The two arms of a model.

    ``column`` says the arm; ``treated`` ``(n_obs,)`` which rows are of the treatment arm;
    ``parts`` are the main linear predictors with every row at control, and at treatment.
    """

    column: str
    treated: np.ndarray
    parts: tuple[LinearPart, LinearPart]


def sides_of(scale: ResponseScale) -> Sides | None:
    """Return the arms of a model; ``None`` if its rows are not of one arm each.

    Raises
    ------
    InputErrors
        A row is of neither arm, an arm has no row, or the model cannot put rows into either.
    """
    arms = scale.spec.arms
    if arms is None or scale.spec.model.known_se is not None:
        return None
    name = ARM if arms.column is None else arms.column
    column = scale.frame.table[name]
    values = _values(arms, column)
    found = [_is(column, value) for value in values]
    errors = [*_of_rows(scale.frame, name, values, found), *_of_model(scale, name)]
    if errors:
        raise InputErrors(errors)
    question = QuestionSpec(of=name, scale="response")
    try:
        control, treatment = (scale.at(question, value) for value in values)
    except DesignError as error:
        message = f"arms: {error.message}"
        hint = "write the arm as a plain predictor: y ~ treated + (treated | g)"
        raise DesignError("arms.cannot-evaluate", message, Where(key="arms"), hint) from error
    return Sides(name, found[1], (control, treatment))


def check_arms(spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan) -> None:
    """Find out before anything is sampled whether `sides_of` will work.

    Raises
    ------
    DesignError, InputErrors
        It will not.
    """
    if spec.arms is not None:
        # Imported here: it loads what most specs do without until they have draws.
        from hiermix.summary.questions.response import ResponseScale

        sides_of(ResponseScale(spec, frame, design, plan))


def _values(arms: ArmsSpec, column: pd.Series) -> tuple[float | str, float | str]:
    """Return control and treatment as the column has them: labels of a factor, or numbers."""
    if arms.counts is not None:
        return 0.0, 1.0
    factor = isinstance(column.dtype, pd.CategoricalDtype)
    found: list[float | str] = []
    errors: list[HiermixError] = []
    for side in SIDES:
        value = getattr(arms, side)
        if factor:
            found.append(value if isinstance(value, str) else f"{float(value):g}")
        elif isinstance(value, str):
            message = f"arms.{side}: '{arms.column}' holds numbers, got the text '{value}'"
            where = Where(key=f"arms.{side}")
            errors.append(DataError("data.arms-value", message, where, "write a number"))
        else:
            found.append(float(value))
    if errors:
        raise InputErrors(errors)
    return found[0], found[1]


def _is(column: pd.Series, value: float | str) -> np.ndarray:
    if isinstance(value, str):
        return np.asarray(column.astype(object) == value, dtype=bool)
    return np.asarray(column.to_numpy(dtype=np.float64) == value)


def _of_rows(
    frame: Frame, name: str, values: tuple[float | str, float | str], found: list[np.ndarray]
) -> Iterator[DataError]:
    texts = [value if isinstance(value, str) else f"{value:g}" for value in values]
    for side, text, rows in zip(SIDES, texts, found, strict=True):
        if not rows.any():
            message = f"arms.{side}: no row has {name} = {text}"
            hint = f"values of {name}: {_some(frame.table[name])}"
            yield DataError("data.arms-empty", message, Where(key=f"arms.{side}"), hint)
    neither = np.flatnonzero(~(found[0] | found[1]))
    if len(neither) and found[0].any() and found[1].any():
        column = frame.table[name]
        shown = [f"{column.iloc[i]} at row {frame.row_numbers[i]}" for i in neither[:SHOWN]]
        more = f" ({len(neither):,} in all)" if len(neither) > SHOWN else ""
        message = f"{name}: {', '.join(shown)}{more} is neither {texts[0]} nor {texts[1]}"
        hint = "leave out rows of other arms in data.query"
        yield DataError("data.arms-other", message, Where(key="arms.column"), hint)


def _some(column: pd.Series) -> str:
    values = [str(value) for value in column.drop_duplicates().iloc[: 2 * SHOWN]]
    return ", ".join(values)


def _of_model(scale: ResponseScale, name: str) -> Iterator[DesignError]:
    contextual = scale.design.contextual
    split = [] if contextual is None else [c for c in contextual.columns if c.form != "mundlak"]
    if any(name == column.term for column in split):
        message = f"arms: '{name}' is in the model as its group mean and what differs from it"
        hint = "write `form: mundlak`, or leave it out of the terms of `cre`"
        yield DesignError("arms.within-between", message, Where(key="arms"), hint)
