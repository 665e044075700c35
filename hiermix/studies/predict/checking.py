"""New rows that no term of the model has a value for."""

from __future__ import annotations

import numpy as np

from hiermix.data.new_rows import Chunk
from hiermix.formula import Expression
from hiermix.studies.predict.coding import unknown_categories
from hiermix.studies.predict.evaluate import Evaluator
from hiermix.studies.predict.expressions import evaluate, outside_domain, outside_range
from hiermix.studies.predict.problems import Problems, nearest
from hiermix.studies.predict.stored import StoredDesign


def check_values(
    evaluator: Evaluator, chunk: Chunk, problems: Problems, extrapolated: dict[str, int]
) -> None:
    """Add what is wrong with the values of some rows.

    Parameters
    ----------
    evaluator
        Terms and offsets that are needed.
    chunk
        Rows that lack nothing; columns that it lacks have errors of their own.
    problems
        Extended: categories that the fit never saw, arguments outside a function's domain, values
        that are not finite.
    extrapolated
        Spline -> rows beyond its knots; extended.
    """
    design = evaluator.design
    there = set(chunk.values)
    terms = [term for term in evaluator.terms() if set(term.variables) <= there]
    for name, bad in unknown_categories(terms, design.columns, chunk.values):
        known = [_shown(category) for category in design.columns[name].categories]
        texts = [_shown(value) for value in chunk.values[name][bad][:3].tolist()]
        problems.add_where(
            "predict.unknown-category",
            name,
            "no such category was fitted",
            chunk,
            bad,
            texts,
            hint=nearest(texts[0], known),
        )
    _check_arms(evaluator.design, chunk, problems)
    for expression in _expressions(evaluator):
        if not set(expression.variables) <= there:
            continue
        _check_expression(evaluator, expression, chunk, problems, extrapolated)


def _check_arms(design: StoredDesign, chunk: Chunk, problems: Problems) -> None:
    if design.arms is None or design.arms.column not in chunk.values:
        return
    values, known = chunk.values[design.arms.column], design.arms.values
    # Arms that are categories are told of as such.
    if values.dtype == object:
        return
    both = " and ".join(f"{value:g}" for value in known)
    problems.add_where(
        "predict.arm",
        design.arms.column,
        f"no arm of the fit has this number; they are {both}",
        chunk,
        ~np.isin(values, known),
        values,
        hint="correct these rows, or leave them out",
    )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _expressions(evaluator: Evaluator) -> list[Expression]:
    found = [part for term in evaluator.terms() for part in term.factors]
    for part in evaluator.parts:
        found += evaluator.formula(part).offsets
    return list(dict.fromkeys(e for e in found if e.variables and e.function != "C"))


def _check_expression(
    evaluator: Evaluator,
    expression: Expression,
    chunk: Chunk,
    problems: Problems,
    extrapolated: dict[str, int],
) -> None:
    values, memory = chunk.values, evaluator.design.memory
    if expression.is_column and values[expression.variables[0]].dtype == object:
        return
    outside = np.zeros(len(chunk), dtype=bool)
    for call, words, bad in outside_domain(expression, values, memory):
        outside |= bad
        problems.add_where(
            "predict.out-of-domain",
            call.render(),
            f"its argument is {words}",
            chunk,
            bad,
            hint="correct these rows, or leave them out",
        )
    for call, bad in outside_range(expression, values, memory):
        extrapolated[call.render()] = extrapolated.get(call.render(), 0) + int(bad.sum())
    found = np.asarray(evaluate(expression, values, memory)).reshape(len(chunk), -1)
    bad = ~np.isfinite(found).all(axis=1) & ~outside
    problems.add_where(
        "predict.not-finite",
        expression.render(),
        "not finite",
        chunk,
        bad,
        hint="correct these rows, or leave them out",
    )
