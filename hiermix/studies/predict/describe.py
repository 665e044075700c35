"""A fitted model -> what prediction has to remember of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.data.reading import Kind
from hiermix.design.build import respelt
from hiermix.design.grouping import is_nested
from hiermix.design.margins import with_margins
from hiermix.formula import Expression, Formula, Term, parse_formula, parse_right_side
from hiermix.spec.arms import ARM
from hiermix.studies.predict.coding import categories_of, coding_of, factor_column
from hiermix.studies.predict.describe_contextual import with_contextual
from hiermix.studies.predict.expressions import Columns, evaluate, learn
from hiermix.studies.predict.fitted_rows import NotStored, check_fitted_rows
from hiermix.studies.predict.levels import level_texts
from hiermix.studies.predict.stored import (
    VERSION,
    StoredArms,
    StoredColumn,
    StoredCommon,
    StoredDesign,
    StoredFactor,
    StoredGroup,
    StoredParameter,
    StoredPart,
    StoredResponse,
    StoredTerm,
)

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.design.types import CommonTerm, Design, GroupTerm, LinearPart
    from hiermix.formula import Response
    from hiermix.model import ModelPlan
    from hiermix.spec import RunSpec


@dataclass(frozen=True)
class _Rows:
    """The fitted rows: their design and the values of their columns."""

    design: Design
    values: Columns


def describe_design(spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan) -> StoredDesign:
    """Return what evaluation of new rows needs.

    Parameters
    ----------
    spec
        The run spec.
    frame
        The rows that were fitted.
    design
        Their design; its rows are those of the frame.
    plan
        The model; names every parameter.

    Returns
    -------
    StoredDesign
        With a ``problem`` where it does not give the columns of the fitted rows again.
    """
    response = StoredResponse(design.response.name, design.response.kind, design.response.levels)
    stored = StoredDesign(
        VERSION,
        plan.family,
        response,
        spec.model.known_se,
        (),
        {},
        {},
        {
            p.name: StoredParameter(
                p.variable,
                tuple(name for name, _ in p.dims),
                p.prior if isinstance(p.prior, float) else None,
            )
            for p in plan.parameters
        },
        {},
        spec.data.na_values,
        spec.outputs.interval,
        spec.outputs.interval_kind,
        spec.fit.seed,
        arms=_arms(spec),
    )
    try:
        return _described(stored, spec, frame, design, plan)
    except Exception as error:
        # A fit that took hours is worth more than predictions from it.
        return replace(stored, problem=f"{type(error).__name__}: {error}")


def _described(
    stored: StoredDesign, spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan
) -> StoredDesign:
    values = frame_values(frame)
    formulas = _formulas(spec)
    columns = dict(_columns(spec, frame, values, formulas))
    left = formulas[design.main.parameter].response
    stored = replace(
        stored,
        response=replace(stored.response, trials=_trials(left)),
        columns=columns,
        factors=_factors(design, values, columns),
        memory=learn(_expressions(formulas.values()), values),
    )
    rows = _Rows(design, values)
    parts = tuple(
        _part(part, plan, formulas[part.parameter], _text(part, design, spec), stored, rows)
        for part in (design.main, *design.components.values())
    )
    stored = replace(stored, parts=with_contextual(parts, design))
    check_fitted_rows(stored, design, values)
    return stored


def _arms(spec: RunSpec) -> StoredArms | None:
    arms = spec.arms
    if arms is None or spec.model.known_se is not None:
        return None
    if arms.column is None:
        return StoredArms(ARM, (0.0, 1.0))
    found = [value for value in (arms.control, arms.treatment) if isinstance(value, bool | float)]
    return StoredArms(arms.column, (float(found[0]), float(found[1]))) if len(found) == 2 else None


def frame_values(frame: Frame) -> dict[str, np.ndarray]:
    """Return the columns of a frame: float64, and texts as objects."""
    found = {}
    for name in frame.table.columns:
        column = frame.table[name]
        is_text = isinstance(column.dtype, pd.CategoricalDtype)
        found[str(name)] = (
            np.asarray(column.astype(object), dtype=object)
            if is_text
            else column.to_numpy(dtype=np.float64)
        )
    return found


def _formulas(spec: RunSpec) -> dict[str, Formula]:
    from hiermix.spec.families import FAMILIES

    found = {FAMILIES[spec.model.family].parent: respelt(parse_formula(spec.model.formula))}
    for parameter, text in spec.model.components.items():
        found[parameter] = parse_right_side(text)
    return found


def _text(part: LinearPart, design: Design, spec: RunSpec) -> str:
    return spec.model.formula if part is design.main else spec.model.components[part.parameter]


def _terms(formula: Formula) -> Iterator[Term]:
    yield from formula.terms
    for block in formula.group_terms:
        yield from block.terms


def _expressions(formulas: Iterable[Formula]) -> Iterator[Expression]:
    for formula in formulas:
        for term in _terms(formula):
            yield from term.factors
        yield from formula.offsets


def _columns(
    spec: RunSpec, frame: Frame, values: Columns, formulas: Mapping[str, Formula]
) -> Iterator[tuple[str, StoredColumn]]:
    kinds = {
        name: StoredColumn(_kind(frame.table[name]), spec.data.types.get(name)) for name in values
    }
    factors = {
        factor_column(part, kinds)
        for formula in formulas.values()
        for term in _terms(formula)
        for part in term.factors
    }
    needed = dict.fromkeys(v for formula in formulas.values() for v in formula.predictors())
    for name in needed:
        coded = name in factors
        yield (
            name,
            replace(kinds[name], categories=categories_of(values[name]) if coded else ()),
        )


def _kind(column: pd.Series) -> Kind:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    kinds: dict[str, Kind] = {"b": "bool", "i": "int64", "u": "int64"}
    return kinds.get(column.dtype.kind, "float64")


def _trials(left: Response | None) -> str | float | None:
    stated = None if left is None else left.arguments.get("trials")
    if isinstance(stated, Expression):
        return stated.variables[0] if stated.variables else float(stated.render())
    return None if stated is None else float(stated)


def _factors(
    design: Design, values: Columns, columns: Mapping[str, StoredColumn]
) -> dict[str, StoredFactor]:
    factors = {f.name: f for p in (design.main, *design.components.values()) for f in p.factors}
    by = () if design.contextual is None else design.contextual.terms
    found = {}
    for factor in factors.values():
        first = np.zeros(factor.n_groups, dtype=np.int64)
        first[factor.index[::-1]] = np.arange(len(factor.index))[::-1]
        texts = [level_texts(values[v][first], columns[v].kind) for v in factor.variables]
        levels = tuple(zip(*(own.tolist() for own in texts), strict=True))
        if tuple(":".join(level) for level in levels) != factor.levels:
            raise NotStored(f"the levels of {factor.name}")
        outer = [n for n in by if n != factor.name and is_nested(factor, factors[n])]
        found[factor.name] = StoredFactor(
            factor.variables, levels, tuple(outer) if factor.name in by else ()
        )
    return found


def _part(
    part: LinearPart,
    plan: ModelPlan,
    formula: Formula,
    text: str,
    stored: StoredDesign,
    rows: _Rows,
) -> StoredPart:
    """Describe a linear predictor as its formula has it, without what ``cre`` makes of it."""
    contextual, values = rows.design.contextual, rows.values
    plain = part
    if contextual is not None and part is rows.design.main:
        plain = contextual.plain
    whole = with_margins(formula, plain)
    if whole != formula:
        formula, text = whole, whole.canonical()
    terms = tuple(
        _term(term, own, stored, values)
        for term, own in zip(formula.terms, plain.common, strict=True)
    )
    blocks = [(bar, term) for bar, block in enumerate(formula.group_terms) for term in block.terms]
    slopes = {(bar, term.name): term for bar, term in blocks}
    groups = []
    for own, fitted in zip(plain.group, part.group, strict=True):
        slope = None
        if own.expression != "1":
            slope = _term(slopes[own.bar, own.expression], own, stored, values)
        group = StoredGroup(fitted.name, own.factor.name, slope, fitted.columns)
        groups.append(replace(group, bar=own.bar, correlated=own.correlated))
    common = tuple(
        StoredCommon(own.name, own.name, pick=tuple(range(len(own.columns)))) for own in part.common
    )
    link, prefix = plan.links[part.parameter], plan.label(_same(plan, part), "")
    return StoredPart(
        part.parameter, link, text, prefix, part.intercept, terms, common, tuple(groups)
    )


def _same(plan: ModelPlan, part: LinearPart) -> LinearPart:
    return next(own for own in plan.parts if own.parameter == part.parameter)


def _term(
    term: Term, fitted: CommonTerm | GroupTerm, stored: StoredDesign, values: Columns
) -> StoredTerm:
    widths = []
    for part in term.factors:
        few = {name: values[name][:1] for name in part.variables}
        numeric = factor_column(part, stored.columns) is None
        value = evaluate(part, few, stored.memory) if numeric else np.zeros(1)
        widths.append(int(np.size(value)))
    full = coding_of(term, fitted.labels, stored.columns, widths)
    if full is None:
        raise NotStored(f"the coding of {term.name}")
    return StoredTerm(term.name, fitted.labels, full)
