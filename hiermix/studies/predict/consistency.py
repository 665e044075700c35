"""Whether the parts of a stored design fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from hiermix.errors import HiermixError
from hiermix.formula import Formula, Term
from hiermix.studies.predict.evaluate import formula_of
from hiermix.studies.predict.stored import StoredDesign, StoredPart, StoredTerm


def check_consistent(design: StoredDesign) -> None:
    """Check that names of a design mean something, so that nothing else has to.

    Raises
    ------
    ValueError
        They do not: the file is not what was written.
    """
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
        ("factor", {group.factor for group in part.groups}, set(design.factors)),
    ):
        if named - known:
            raise ValueError(f"{part.parameter}: no {kind} {sorted(named - known)[0]}")
