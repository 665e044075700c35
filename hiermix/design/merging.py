"""Which rows the likelihood cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hiermix.data.merging import Merging
from hiermix.design.arms import is_unfolded
from hiermix.formula import FUNCTIONS, Expression, Formula, parse_formula
from hiermix.spec import RunSpec
from hiermix.spec.families import FAMILIES

KINDS: Mapping[str, tuple[str, ...]] = {
    "bernoulli": ("plain",),
    "binomial": ("proportion",),
    "poisson": ("plain",),
    "gaussian": ("plain", "weighted"),
}
"""Kinds of response whose rows have sufficient statistics, by family."""

LINK = {"poisson": "log", "gaussian": "identity"}
"""The one link under which rows of a family have them; others: any link."""

REMEMBERING = frozenset({"scaling", "basis"})
"""Functions that depend on all rows, each counted once."""


def why_not_merged(
    family: str, link: str, kind: str, *, distributional: bool, known_se: bool
) -> str:
    """Return why rows of a model have no sufficient statistics; empty if they have.

    Parameters
    ----------
    kind
        Of the response.
    distributional
        Whether another parameter than the mean has a linear predictor.
    known_se
        Whether rows have standard errors of their own.
    """
    if family not in KINDS:
        return f"family {family}"
    if distributional:
        return "distributional model"
    if known_se:
        return "every row has its own known standard error"
    if kind not in KINDS[family]:
        return f"{kind} response of family {family}"
    if link != LINK.get(family, link):
        return f"link {link} of family {family}"
    return ""


def merging_of(spec: RunSpec) -> Merging | None:
    """Return which rows may be merged while they are read; ``None`` if none.

    Everything that comes before the likelihood has to follow from the merged rows too. Group means
    (``cre``), functions that remember all rows (``scale``, ``poly``...), weights and rows that hold
    two arms (``arms``) need each row.
    """
    if spec.data.reduce == "off" or spec.cre or is_unfolded(spec):
        return None
    formula = parse_formula(spec.model.formula)
    response = formula.response
    assert response is not None  # parse_formula refuses formulas without one
    family = spec.model.family
    if response.kind == "weighted" or why_not_merged(
        family,
        spec.model.link or FAMILIES[family].link,
        response.kind,
        distributional=bool(spec.model.components),
        known_se=spec.model.known_se is not None,
    ):
        return None
    if any(_remembers(expression) for expression in _expressions(formula)):
        return None
    if family != "gaussian":
        return Merging()
    if not response.expression.is_column:
        return None
    (name,) = response.expression.variables
    return Merging(averaged=name)


def _expressions(formula: Formula) -> Iterator[Expression]:
    if formula.response is not None:
        yield formula.response.expression
    yield from formula.offsets
    for term in formula.terms:
        yield from term.factors
    for block in formula.group_terms:
        for term in block.terms:
            yield from term.factors


def _remembers(expression: Expression) -> bool:
    called = FUNCTIONS.get(expression.function or "")
    if called is not None and called.role in REMEMBERING:
        return True
    return any(_remembers(part) for part in expression.parts)
