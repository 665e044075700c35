"""The tree of term operators, expanded to terms, with the semantics of R and formulae.

The order of the result is that of formulae 0.6. Two things differ from it on purpose: ``a:b``
and ``b:a`` are one term (formulae keeps both, and the design is then singular), and ``0``, ``-1``
and ``1`` count wherever they stand in a sum, the last one winning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from hiermix.errors import FormulaError
from hiermix.formula.expression import Call, Column, Expression
from hiermix.formula.model import GroupTerm, Term, may_correlate
from hiermix.formula.source import Source
from hiermix.formula.syntax import (
    GroupNode,
    InteractionNode,
    InterceptNode,
    Leaf,
    Node,
    PowerNode,
    ProductNode,
    SumNode,
)

_FACTOR, _INTERACTION = "a grouping factor", "an interaction"

MAX_ORDER = 20
"""Most expressions in one interaction."""


@dataclass
class Part:
    """What a piece of the right-hand side adds; ``intercept`` is ``None`` if it says nothing."""

    terms: list[Term] = field(default_factory=list)
    intercept: bool | None = None
    groups: list[tuple[GroupTerm, Node]] = field(default_factory=list)
    offsets: list[tuple[Expression, Node]] = field(default_factory=list)


def expand(source: Source, node: Node) -> Part:
    """Expand a right-hand side whose terms were counted before.

    Raises
    ------
    FormulaError
        Group terms, offsets, 0 or 1 stand where only terms can, or a term is there twice.
    """
    match node:
        case Leaf(expression=Call(callee="offset") as call):
            return Part(offsets=[(call.arguments[0], node)])
        case Leaf():
            return Part([Term((node.expression,))])
        case InterceptNode():
            return Part(intercept=node.present)
        case SumNode():
            return _expand_sum(source, node)
        case GroupNode():
            return _expand_group(source, node)
        case _:
            return Part(_only_terms(source, node, _INTERACTION))


def _expand_sum(source: Source, node: SumNode) -> Part:
    total = Part()
    for sign, operand in zip(node.signs, node.operands, strict=True):
        part = expand(source, operand)
        if sign == "+":
            total.terms = distinct([*total.terms, *part.terms])
            total.groups += part.groups
            total.offsets += part.offsets
        else:
            if part.groups or part.offsets:
                raise source.error(
                    "subtraction",
                    f"'{source.cut(operand.start, operand.end)}' cannot be taken out by '-'",
                    operand.start,
                    operand.end,
                    "leave it out of the formula",
                )
            gone = {term.key for term in part.terms}
            total.terms = [term for term in total.terms if term.key not in gone]
        if part.intercept is not None:
            total.intercept = part.intercept == (sign == "+")
    return total


def _only_terms(source: Source, node: Node, where: str) -> list[Term]:
    """Expand a node that can hold nothing but terms."""
    match node:
        case ProductNode():
            return _multiply(source, node)
        case InteractionNode():
            terms = _only_terms(source, node.operands[0], _INTERACTION)
            for operand in node.operands[1:]:
                terms = _cross(source, node, terms, _only_terms(source, operand, _INTERACTION))
            return terms
        case PowerNode():
            return _raise(source, node)
    part = expand(source, node)
    if part.intercept is not None and where == _FACTOR:
        raise _no_factor(source, node)
    wrong = "a group term" if part.groups else "an offset" if part.offsets else ""
    if part.intercept is not None:
        wrong = wrong or "0 or 1"
    if wrong:
        raise source.error(
            "misplaced-term",
            f"{wrong} cannot be part of {where}: '{source.cut(node.start, node.end)}'",
            node.start,
            node.end,
            "add it to the formula with '+'",
        )
    return part.terms


def _multiply(source: Source, node: ProductNode) -> list[Term]:
    terms = _only_terms(source, node.first, _INTERACTION)
    for operator, operand in node.rest:
        others = _only_terms(source, operand, _INTERACTION)
        if operator == "*":
            terms = distinct([*terms, *others, *_cross(source, node, terms, others)])
        elif terms:
            # (a + b) / c is a + b + a:b:c: c is nested in the combinations of all before it.
            parent = Term(tuple(dict.fromkeys(f for term in terms for f in term.factors)))
            terms = distinct([*terms, *_cross(source, node, [parent], others)])
    return terms


def _raise(source: Source, node: PowerNode) -> list[Term]:
    terms = _only_terms(source, node.base, _INTERACTION)
    if len(terms) == 1 and node.order > 1:
        text = source.cut(node.base.start, node.base.end)
        raise source.error(
            "power",
            f"'{text} ** {node.order}' is just '{text}' in a formula",
            node.start,
            node.end,
            f"the power of a number goes inside I(): I({text} ** {node.order})",
        )
    orders = range(2, min(node.order, len(terms)) + 1)
    crossed = [_join(source, node, chosen) for n in orders for chosen in combinations(terms, n)]
    return distinct([*terms, *crossed])


def _cross(source: Source, node: Node, left: Sequence[Term], right: Sequence[Term]) -> list[Term]:
    return distinct([_join(source, node, (a, b)) for a in left for b in right])


def _join(source: Source, node: Node, terms: Iterable[Term]) -> Term:
    factors = tuple(dict.fromkeys(f for term in terms for f in term.factors))
    if len(factors) > MAX_ORDER:
        raise source.error(
            "interaction",
            f"an interaction of {len(factors)} columns; limit {MAX_ORDER}",
            node.start,
            node.end,
            "leave out columns",
        )
    return Term(factors)


def distinct(terms: Iterable[Term]) -> list[Term]:
    """Return the terms, each once, in order of first appearance."""
    found: dict[frozenset[Expression], Term] = {}
    for term in terms:
        found.setdefault(term.key, term)
    return list(found.values())


def _expand_group(source: Source, node: GroupNode) -> Part:
    effects = expand(source, node.effects)
    if effects.groups or effects.offsets:
        inner = (effects.groups or effects.offsets)[0][1]
        raise source.error(
            "misplaced-term",
            f"'{source.cut(inner.start, inner.end)}' cannot stand inside a group term",
            inner.start,
            inner.end,
            "add it to the formula with '+'",
        )
    intercept = effects.intercept is not False
    if not intercept and not effects.terms:
        raise source.error(
            "no-terms",
            f"no terms in '{source.cut(node.start, node.end)}'",
            node.start,
            node.end,
            "an effect that varies by level is (1 | g), (x | g) or (0 + x | g)",
        )
    terms = tuple(effects.terms)
    correlated = node.single and may_correlate(intercept, terms)
    factors = _only_terms(source, node.factors, _FACTOR)
    if not factors:
        raise _no_factor(source, node.factors)
    return Part(
        groups=[
            (GroupTerm(_columns(source, node.factors, factor), intercept, terms, correlated), node)
            for factor in factors
        ]
    )


def _columns(source: Source, node: Node, factor: Term) -> tuple[str, ...]:
    names: list[str] = []
    for part in factor.factors:
        column = part.arguments[0] if isinstance(part, Call) and part.callee == "C" else part
        if not isinstance(column, Column):
            raise _no_factor(source, node)
        names.append(column.column)
    return tuple(dict.fromkeys(names))


def _no_factor(source: Source, node: Node) -> FormulaError:
    return source.error(
        "grouping-factor",
        f"'{source.cut(node.start, node.end)}' cannot be a grouping factor",
        node.start,
        node.end,
        "right of the bar stand columns: (x | g), (x | g:h) or (x | g/h)",
    )
