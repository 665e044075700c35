"""Spec + formula + frame -> design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from hiermix.data.frame import Frame, Role
from hiermix.design.arms import check_given_errors, count_columns, with_counts
from hiermix.design.checks import is_residual_free, measure_design
from hiermix.design.columns import ColumnSource
from hiermix.design.cre import (
    add_contextual,
    dependencies_of_means,
    final_formula,
    row_weights,
)
from hiermix.design.grouping import build_group_terms
from hiermix.design.identification import audit_identification, identification_measurements
from hiermix.design.identification.notes import identification_notes
from hiermix.design.response import build_response
from hiermix.design.types import Design, LinearPart
from hiermix.design.types import Response as ResponseColumns
from hiermix.errors import DesignError, Where
from hiermix.formula import Formula, Response, parse_formula, parse_right_side
from hiermix.measurement import Measurement
from hiermix.spec import RunSpec
from hiermix.spec.contextual import cre_entries
from hiermix.spec.families import FAMILIES, ORDINAL_FAMILIES

SCALES = frozenset({"alpha", "b", "kappa", "lam"})
"""Scale or dispersion parameters of families without a residual sd."""

EQUAL_WEIGHT = 0.01
"""Weights whose mean is within this of 1 leave the number of rows as it is."""


def wanted_columns(spec: RunSpec) -> dict[str, Role]:
    """Return the data columns that the spec's model uses, with what each has to be.

    Grouping factors are ``category``, known standard errors and counts of arms ``numeric``, the
    rest ``any``: a column that is a predictor too (a trend and a year effect) stays what it is in
    the data.
    """
    formulas = [parse_formula(spec.model.formula)]
    formulas += [parse_right_side(text) for text in spec.model.components.values()]
    roles: dict[str, Role] = {}
    predictors: set[str] = set()
    for formula in formulas:
        for name in formula.variables():
            roles.setdefault(name, "category")
        predictors.update(_evaluated(formula))
    roles = {name: "any" if name in predictors else role for name, role in roles.items()}
    if spec.model.known_se is not None:
        roles[spec.model.known_se] = "numeric"
    return with_counts(spec, roles)


def column_places(spec: RunSpec) -> dict[str, Where]:
    """Return where the spec first mentions each of the `wanted_columns`."""
    formulas = {"model.formula": parse_formula(spec.model.formula)}
    for parameter, text in spec.model.components.items():
        formulas[f"model.components.{parameter}"] = parse_right_side(text)
    places: dict[str, Where] = {}
    for key, formula in formulas.items():
        for name, where in formula.mentions.items():
            places.setdefault(name, replace(where, key=key))
    if spec.model.known_se is not None:
        places.setdefault(spec.model.known_se, Where(key="model.known_se", caret=1))
    places = {**count_columns(spec), **places}
    return {name: places[name] for name in wanted_columns(spec)}


def _evaluated(formula: Formula) -> Iterator[str]:
    """Columns whose values enter the model, not only their levels."""
    if formula.response is not None:
        yield from formula.response.variables
    for expression in formula.offsets:
        yield from expression.variables
    for term in formula.terms:
        yield from term.variables
    for block in formula.group_terms:
        for term in block.terms:
            yield from term.variables


def build_design(spec: RunSpec, frame: Frame) -> Design:
    """Turn rows into columns, indexes and measurements.

    Parameters
    ----------
    spec
        The run spec; its formula has been parsed before and is valid.
    frame
        Rows with every column of `wanted_columns`, none missing.

    Returns
    -------
    Design
        Columns of every linear predictor; group terms as index + slope columns, never as a
        rows x levels array.

    Raises
    ------
    DesignError
        A term cannot be evaluated or the response lies outside the family's support.
    """
    formula = respelt(parse_formula(spec.model.formula))
    columns = ColumnSource(frame.table, frame.row_numbers, frame.multiplicity)
    source = columns.for_formula(formula, "model.formula")
    family = spec.model.family
    response, notes = build_response(_left(formula), source, family, frame.row_numbers)
    main = linear_part(FAMILIES[family].parent, formula, source, ordinal=family in ORDINAL_FAMILIES)
    _check_not_empty(main, family)
    components: dict[str, LinearPart] = {}
    for parameter, text in spec.model.components.items():
        _check_component(parameter, spec)
        right = parse_right_side(text)
        source = columns.for_formula(right, f"model.components.{parameter}")
        components[parameter] = linear_part(parameter, right, source)
    known_se = _known_se(spec, columns, frame.row_numbers)
    contextual = None
    if spec.cre:
        entries = cre_entries(spec.cre, formula)
        why = _not_fixed_effects(spec, response)
        main, contextual = add_contextual(entries, main, row_weights(response, known_se), why)
    residual_is_known = known_se is not None or any(
        isinstance(spec.priors.get(name), int | float) for name in _scales(family)
    )
    left_variables = _left(formula).variables
    common_variables = tuple(
        dict.fromkeys(v for term in formula.terms for v in term.variables)
    ) + tuple(v for block in formula.group_terms for v in _bare(block.factor, left_variables))
    free = is_residual_free(family, response, residual_is_known)
    measured = measure_design(
        main,
        response,
        left_variables,
        common_variables,
        free,
        frame.multiplicity,
        frame.within_ss,
    )
    identification = audit_identification((main, *components.values()), free, frame.multiplicity)
    measured += _component_checks(components) + identification_measurements(identification)
    compared, unlike = check_given_errors(spec, frame, response.values, known_se)
    measured += compared
    notes += unlike
    notes += _weight_notes(response)
    if contextual is not None or len(main.common) != len(formula.terms):
        formula = final_formula(formula, main)
    if contextual is not None:
        measured = dependencies_of_means(measured, contextual.plain) + contextual.measurements
        notes += contextual.notes
    return Design(
        formula.canonical(),
        response,
        main,
        components,
        known_se,
        contextual,
        identification,
        measured,
        notes + identification_notes(identification),
        frame.multiplicity,
        frame.within_ss,
    )


def _scales(family: str) -> tuple[str, ...]:
    """Return the parameters that say how much single rows vary, given the mean."""
    parameters = FAMILIES[family].parameters
    residual = tuple(p.name for p in parameters if p.role == "residual")
    return residual or tuple(p.name for p in parameters if p.name in SCALES)


def _weight_notes(response: ResponseColumns) -> tuple[str, ...]:
    if response.weights is None:
        return ()
    n, total = len(response.weights), float(response.weights.sum())
    if abs(total / n - 1) < EQUAL_WEIGHT:
        return ()
    return (
        f"{response.name}: a row of weight w counts as w rows, so that {n} rows count as "
        f"{total:.5g}; weights that are only relative belong scaled to mean 1",
    )


def _not_fixed_effects(spec: RunSpec, response: ResponseColumns) -> str:
    """Return why the within effect cannot be the fixed-effects estimate, or nothing."""
    family = FAMILIES[spec.model.family]
    link = spec.model.link or family.link
    if family.name != "gaussian" or link != "identity":
        return f"the family is {family.name} with link {link}"
    if response.kind not in ("plain", "weighted"):
        return f"the response is {response.kind}"
    if "sigma" in spec.model.components:
        return "the residual sd differs between rows"
    return ""


def respelt(formula: Formula) -> Formula:
    """Spell the slopes as the common terms that they deviate from: ``z:x`` is ``x:z``."""
    common = {term.key: term for term in formula.terms}
    blocks = tuple(
        replace(block, terms=tuple(common.get(term.key, term) for term in block.terms))
        for block in formula.group_terms
    )
    return replace(formula, group_terms=blocks)


def _bare(factor: tuple[str, ...], left: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in factor if name in left)


def _left(formula: Formula) -> Response:
    assert formula.response is not None  # parse_formula refuses formulas without one
    return formula.response


def linear_part(
    parameter: str, formula: Formula, source: ColumnSource, *, ordinal: bool = False
) -> LinearPart:
    """Evaluate one right-hand side; ordinal families have thresholds in place of an intercept."""
    offset: np.ndarray | None = None
    for expression in formula.offsets:
        values = source.numbers(expression)
        offset = values if offset is None else offset + values
    return LinearPart(
        parameter,
        formula.intercept and not ordinal,
        source.terms(formula.terms, intercept=formula.intercept or ordinal),
        build_group_terms(formula.group_terms, source),
        offset,
    )


def _check_not_empty(main: LinearPart, family: str) -> None:
    if not main.intercept and not main.common and not main.group and family not in ORDINAL_FAMILIES:
        raise DesignError(
            "design.no-terms",
            "no terms on the right: there is nothing to estimate",
            Where(key="model.formula"),
            "write y ~ 1 for an intercept",
        )


def _check_component(parameter: str, spec: RunSpec) -> None:
    family = FAMILIES[spec.model.family]
    if parameter == family.parent:
        raise DesignError(
            "design.component-is-parent",
            f"{parameter} is what model.formula is about",
            Where(key=f"model.components.{parameter}"),
            "model.components is for the other parameters of the family",
        )
    if spec.model.known_se is not None and parameter == "sigma":
        raise DesignError(
            "design.sigma-twice",
            "known_se gives the residual sd; model.components.sigma would model it again",
            Where(key="model.components.sigma"),
            "leave one of them out",
        )


def _known_se(spec: RunSpec, source: ColumnSource, row_numbers: np.ndarray) -> np.ndarray | None:
    name = spec.model.known_se
    if name is None:
        return None
    if spec.model.family != "gaussian":
        raise DesignError(
            "design.known-se-family",
            f"known_se needs family gaussian; the family is {spec.model.family}",
            Where(key="model.known_se"),
            "leave out known_se, or use the estimates with gaussian",
        )
    se = source.column(name).to_numpy(dtype=np.float64)
    if not (se > 0).all():
        first = int(np.argmin(se > 0))
        raise DesignError(
            "design.outside-support",
            f"{name}: {se[first]:g} at row {row_numbers[first]}; standard errors are > 0",
            Where(key="model.known_se"),
            "check the column of standard errors",
        )
    return se


def _component_checks(components: Mapping[str, LinearPart]) -> tuple[Measurement, ...]:
    found: list[Measurement] = []
    for part in components.values():
        for factor in part.factors:
            found.append(
                Measurement(
                    "group_levels",
                    "design",
                    f"{part.parameter}: {factor.name}",
                    float(factor.n_groups),
                    f"{factor.name}: {factor.n_groups} levels",
                )
            )
    return tuple(found)
