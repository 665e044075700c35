"""How many terms a right-hand side expands to, counted before anything is expanded."""

from __future__ import annotations

from math import comb

from hiermix.formula.source import Source
from hiermix.formula.syntax import (
    GroupNode,
    InteractionNode,
    Leaf,
    Node,
    PowerNode,
    ProductNode,
    SumNode,
)

MAX_TERMS = 200
"""Most terms of a formula, common and group-specific together."""

_CEILING = 10**15


def check_term_count(source: Source, root: Node) -> None:
    """Raise if a right-hand side expands to more than ``MAX_TERMS`` terms.

    Takes time proportional to the length of the text, whatever the expansion would take.

    Raises
    ------
    FormulaError
        Under the smallest part of the sum that is too large by itself.
    """
    guilty = _guilty(root)
    if guilty is None:
        return
    count = count_terms(guilty)
    hint = "name the interactions that matter one by one, or write (a + b + c) ** 2"
    if isinstance(guilty, PowerNode) and guilty.order > count_terms(guilty.base):
        hint = "repeats count: a power above the number of its terms adds nothing new"
    many = str(count) if count < _CEILING else f"more than 10^{len(str(_CEILING)) - 1}"
    raise source.error(
        "too-many-terms",
        f"expands to {many} terms; limit {MAX_TERMS}",
        guilty.start,
        guilty.end,
        hint,
    )


def _guilty(node: Node) -> Node | None:
    if isinstance(node, SumNode):
        for operand in node.operands:
            inner = _guilty(operand)
            if inner is not None:
                return inner
    return node if count_terms(node) > MAX_TERMS else None


def count_terms(node: Node) -> int:
    """Return an upper bound of the number of terms, at most 10^15.

    Repeated terms count each time. A power above the number of its terms, which can only repeat
    them, counts as the product that it says: ``(a + b) ** 9`` is ``3 ** 9 - 1``.
    """
    return min(_count(node), _CEILING)


def _count(node: Node) -> int:
    match node:
        case Leaf():
            return 1
        case SumNode():
            total = most_out = 0
            for sign, operand in zip(node.signs, node.operands, strict=True):
                if sign == "+":
                    total += count_terms(operand)
                else:
                    most_out = max(most_out, count_terms(operand))
            return max(total, most_out)
        case ProductNode():
            total = count_terms(node.first)
            for operator, operand in node.rest:
                more = count_terms(operand)
                total = total + more + (total * more if operator == "*" else 0)
                total = min(total, _CEILING)
            return total
        case InteractionNode():
            total = 1
            for operand in node.operands:
                total = min(total * count_terms(operand), _CEILING)
            return total
        case PowerNode():
            return _count_power(count_terms(node.base), node.order)
        case GroupNode():
            return (count_terms(node.effects) + 1) * count_terms(node.factors)
        case _:
            return 0


def _count_power(terms: int, order: int) -> int:
    if order == 1 or terms == 0:
        return terms
    if terms > MAX_TERMS:
        return _CEILING
    if order <= terms:
        return sum(comb(terms, size) for size in range(1, order + 1))
    if order >= _CEILING.bit_length():
        return _CEILING
    return int((terms + 1) ** order) - 1
