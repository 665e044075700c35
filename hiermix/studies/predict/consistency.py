"""Whether the parts of a stored design fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from hiermix.errors import HiermixError
from hiermix.formula import Formula, Term
from hiermix.spec.families import FAMILIES
from hiermix.studies.predict.evaluate import column_names, formula_of
from hiermix.studies.predict.stored import StoredDesign, StoredFactor, StoredPart, StoredTerm


def check_consistent(design: StoredDesign) -> None:
    """Check that names of a design mean something, so that nothing else has to.

    Raises
    ------
    ValueError
        They do not: the file is not what was written.
    """
    _check_settings(design)
    for part in design.parts:
        try:
            formula = formula_of(part, design)
        except HiermixError as error:
            raise ValueError(f"formula of {part.parameter}: {error.message}") from error
        for term, stored in _pairs(formula, part):
            if term is None or term.name != stored.name or len(term.factors) != len(stored.full):
                raise ValueError(f"{part.parameter}: {stored.name} is no term of its formula")
        _check_names(design, part, formula)


def _pairs(formula: Formula, part: StoredPart) -> Iterator[tuple[Term | None, StoredTerm]]:
    """Yield each stored term with the one of the formula that it stands for."""
    yield from zip(formula.terms, part.terms, strict=True)
    slopes = {
        (bar, term.name): term
        for bar, block in enumerate(formula.group_terms)
        for term in block.terms
    }
    for group in part.groups:
        if group.slope is not None:
            yield slopes.get((group.bar, group.slope.name)), group.slope


def _check_names(design: StoredDesign, part: StoredPart, formula: Formula) -> None:
    sources = {common.source for common in part.common}
    names = [*(c.name for c in part.common), *(g.name for g in part.groups)]
    names += ["Intercept"] if part.intercept else []
    parameters = {f"{part.prefix}{name}" for name in names}
    for kind, named, known in (
        ("term", sources, {term.name for term in part.terms}),
        ("parameter", parameters, set(design.parameters)),
        ("column", set(formula.predictors()), set(design.columns)),
        ("factor", set(_factors(part)), set(design.factors)),
    ):
        if named - known:
            raise ValueError(f"{part.parameter}: no {kind} {sorted(named - known)[0]}")
    if part.intercept != (f"{part.prefix}Intercept" in design.parameters):
        raise ValueError(f"{part.parameter}: intercept")
    widths = {term.name: len(column_names(term)) for term in part.terms}
    for common in part.common:
        if list(common.pick) != sorted({i for i in common.pick if 0 <= i < widths[common.source]}):
            raise ValueError(f"{part.parameter}: columns of {common.source}")


def _factors(part: StoredPart) -> Iterator[str]:
    for group in part.groups:
        yield from (group.factor, *group.within)
    for common in part.common:
        yield from (*common.factors, *([common.of] if common.of else []))


def _check_settings(design: StoredDesign) -> None:
    if design.problem:
        return
    family = FAMILIES.get(design.family)
    if family is None:
        raise ValueError(f"no family {design.family}")
    if not 0 < design.interval < 1 or design.seed < 0:
        raise ValueError("interval or seed")
    names = [part.parameter for part in design.parts]
    if names[0] != family.parent or set(names[1:]) - set(family.components):
        raise ValueError(f"{', '.join(names)} are no parameters of {design.family}")
    if len(set(names)) < len(names):
        raise ValueError(f"{', '.join(names)}: one of them twice")
    for part in design.parts:
        links = family.links if part is design.main else family.parameter(part.parameter).links
        if part.link not in links:
            raise ValueError(f"{part.parameter} has no link {part.link}")
    for name, factor in design.factors.items():
        _check_factor(name, factor, design)
    unused = set(design.parameters) - set(_parameters(design)) - {p.name for p in family.parameters}
    if unused:
        raise ValueError(f"nothing is made of {sorted(unused)[0]}")
    known = {*design.parameters, *names}
    if family.name == "gaussian" and (design.known_se is None) != ("sigma" in known):
        raise ValueError("known_se or sigma")


def _parameters(design: StoredDesign) -> Iterator[str]:
    for part in design.parts:
        yield f"{part.prefix}Intercept"
        yield from (f"{part.prefix}{common.name}" for common in part.common)
        for group in part.groups:
            name = f"{part.prefix}{group.name}"
            yield from (name, f"{name}_sigma", f"{part.prefix}cor|{group.factor}")


def _check_factor(name: str, factor: StoredFactor, design: StoredDesign) -> None:
    if name != ":".join(factor.variables) or set(factor.variables) - set(design.columns):
        raise ValueError(f"{name} is no factor of these columns")
    widths = {len(level) for level in factor.levels}
    if widths != {len(factor.variables)} or len(set(factor.levels)) < len(factor.levels):
        raise ValueError(f"the levels of {name}")
    if set(factor.outer) - set(design.factors):
        raise ValueError(f"{name}: unknown outer factors")
