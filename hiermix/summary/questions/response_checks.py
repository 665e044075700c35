"""What a question about the response may ask of a model, and why some may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.errors import DesignError, HiermixError, SpecError
from hiermix.formula import parse_formula
from hiermix.spec.nearest import did_you_mean
from hiermix.summary.questions.resolve import Asked, at, listed, resolve_levels
from hiermix.summary.questions.response import LINKS, MEANS, ResponseScale

if TYPE_CHECKING:
    from hiermix.spec import QuestionSpec


MAX_BY = 1000
"""Levels whose rows are averaged apart at most."""


def resolve_response(
    number: int, question: QuestionSpec, scale: ResponseScale
) -> tuple[Asked | None, list[HiermixError]]:
    """Look up the names of a question about the response, and evaluate its columns once.

    Returns
    -------
    tuple
        The question, or ``None`` and all that is wrong with it; errors have the key path.
    """
    key = f"questions.{number}"
    errors: list[HiermixError] = list(_of_model(key, scale))
    if errors:
        return None, errors
    errors += _of_predictor(f"{key}.of", question.of, scale)
    if question.by is not None:
        errors += _of_by(f"{key}.by", question, scale)
    for name, value in question.at.items():
        errors += _of_at(f"{key}.at.{name}", name, value, question, scale)
    if errors:
        return None, errors
    picked, reference = np.zeros(1, dtype=int), None
    levels = scale.levels(question)
    if levels and question.values is not None:
        message = f"{key}.values: '{question.of}' is a factor"
        where = at(f"{key}.values")
        hint = "write `contrast: reference` and the `reference` level"
        errors.append(SpecError("question.values", message, where, hint))
    elif levels:
        picked, reference, errors = resolve_levels(key, question, levels)
    else:
        errors += _of_number(key, question)
    if not errors:
        errors += _evaluated(key, question, scale)
    return (None if errors else Asked(question, key, None, picked, reference)), errors


def _of_model(key: str, scale: ResponseScale) -> Iterator[SpecError]:
    family, link = scale.plan.family, scale.plan.links[scale.design.main.parameter]
    where = at(f"{key}.scale")
    hint = "ask on the scale of the coefficients"
    if family not in MEANS or link not in LINKS:
        message = (
            f"{key}: expected responses of family {family} with link {link} are more than its "
            "linear predictor"
        )
        yield SpecError("question.response-family", message, where, hint)
    elif scale.design.response.kind == "truncated":
        message = f"{key}: the formula of a truncated response is not about its mean"
        yield SpecError("question.response-family", message, where, hint)


def _predictors(scale: ResponseScale) -> tuple[list[str], set[str]]:
    """Return the columns behind terms and slopes, and those that group rows."""
    formula = parse_formula(scale.spec.model.formula)
    terms = [*formula.terms, *(term for block in formula.group_terms for term in block.terms)]
    columns = dict.fromkeys(v for term in terms for v in term.variables)
    columns.update(dict.fromkeys(v for e in formula.offsets for v in e.variables))
    return list(columns), {v for block in formula.group_terms for v in block.factor}


def _of_predictor(key: str, name: str, scale: ResponseScale) -> Iterator[SpecError]:
    predictors, factors = _predictors(scale)
    where = at(key)
    if name in factors:
        message = f"{key}: '{name}' is a grouping factor"
        hint = f"ask about '1|{name}' on the scale of the coefficients, or average `by: {name}`"
        yield SpecError("question.grouping-factor", message, where, hint)
    elif name not in predictors:
        message = f"{key}: '{name}' is not a predictor of the model"
        message += did_you_mean(name, predictors)
        hint = f"predictors: {listed(predictors) or 'none'}"
        yield SpecError("question.unknown-predictor", message, where, hint)
    elif name in _split_in_two(scale):
        message = f"{key}: '{name}' is in the model as its group mean and what differs from it"
        hint = f"ask about the parameter cre_within_{name}"
        yield SpecError("question.within-between", message, where, hint)


def _split_in_two(scale: ResponseScale) -> set[str]:
    contextual = scale.design.contextual
    if contextual is None:
        return set()
    split = {column.term for column in contextual.columns if column.form == "within-between"}
    terms = parse_formula(scale.spec.model.formula).terms
    return {v for term in terms if term.name in split for v in term.variables}


def _of_by(key: str, question: QuestionSpec, scale: ResponseScale) -> Iterator[SpecError]:
    table = scale.frame.table
    factors = [str(c) for c in table if isinstance(table[c].dtype, pd.CategoricalDtype)]
    where = at(key)
    if question.by == question.of or question.by in question.at:
        message = f"{key}: '{question.by}' has the same value in every row"
        yield SpecError("question.by", message, where, "average by another factor")
    elif question.by not in factors:
        message = f"{key}: '{question.by}' is not a factor of the model"
        message += did_you_mean(str(question.by), factors)
        yield SpecError("question.by", message, where, f"factors: {listed(factors) or 'none'}")
    elif table[question.by].nunique() > MAX_BY:
        message = f"{key}: '{question.by}' has {table[question.by].nunique():,} levels; "
        message += f"{MAX_BY:,} at most are averaged apart"
        hint = "average by a coarser factor, or ask for coefficients"
        yield SpecError("question.by", message, where, hint)


def _of_at(
    key: str, name: str, value: float | str, question: QuestionSpec, scale: ResponseScale
) -> Iterator[SpecError]:
    wrong = list(_of_predictor(key, name, scale))
    yield from wrong
    if wrong:
        return
    where = at(key)
    column = scale.frame.table[name]
    factor = isinstance(column.dtype, pd.CategoricalDtype)
    if name == question.of and (factor or question.values is not None):
        message = f"{key}: the question is about '{name}' itself"
        yield SpecError("question.at", message, where, f"leave out `{name}` in `at`")
    elif factor != isinstance(value, str):
        message = f"{key}: {'a level' if factor else 'a number'} expected, got {value!r}"
        hint = "put a level between quotes" if factor else "write a number without quotes"
        yield SpecError("question.at", message, where, hint)
    elif factor and value not in column.cat.categories:
        levels = [str(level) for level in column.cat.categories]
        message = f"{key}: '{value}' is not a level{did_you_mean(str(value), levels)}"
        yield SpecError("question.unknown-level", message, where, f"levels: {listed(levels)}")


def _of_number(key: str, question: QuestionSpec) -> Iterator[SpecError]:
    stated = {"levels": question.levels, "contrast": question.contrast, "best": question.best}
    for name, value in stated.items():
        if value is not None:
            message = f"{key}.{name}: '{question.of}' is a number, without levels"
            hint = "leave it out for the slope, or write `values: [from, to]`"
            where = at(f"{key}.{name}")
            yield SpecError("question.no-levels", message, where, hint)


def _evaluated(key: str, question: QuestionSpec, scale: ResponseScale) -> Iterator[SpecError]:
    """Evaluate what the answer will need, so that nothing is sampled in vain."""
    try:
        if question.values is not None:
            for value in question.values:
                scale.at(question, value)
        elif levels := scale.levels(question):
            scale.at(question, levels[0])
        else:
            scale.slope(question)
    except DesignError as error:
        message = f"{key}: {error.message}"
        hint = "choose values in the range of the data, or ask about a parameter"
        yield SpecError("question.cannot-evaluate", message, at(key), hint)
