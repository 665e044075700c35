"""Tokens of the right-hand side to a tree of term operators.

::

    sum          ("+" | "-")? product (("+" | "-") sign* product)*
    product      interaction (("*" | "/") interaction)*
    interaction  power (":" power)*
    power        atom ("**" whole-number)?
    atom         "0" | "1" | column | call | "(" sum ")" | "(" sum ("|" | "||") sum ")"
"""

from __future__ import annotations

from dataclasses import dataclass

from hiermix.formula.arithmetic import read_call
from hiermix.formula.cursor import Cursor
from hiermix.formula.expression import Expression
from hiermix.formula.functions import RIGHT
from hiermix.formula.tokens import Token


@dataclass(frozen=True)
class Node:
    """A piece of the right-hand side, at ``text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True)
class Leaf(Node):
    """A column or a call."""

    expression: Expression


@dataclass(frozen=True)
class InterceptNode(Node):
    """``1``, or ``0`` where ``present`` is false."""

    present: bool


@dataclass(frozen=True)
class SumNode(Node):
    """Terms added (``+``) and taken out (``-``)."""

    signs: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class ProductNode(Node):
    """``first`` and what ``*`` and ``/`` attach to it, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class InteractionNode(Node):
    """Operands of ``:``."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class PowerNode(Node):
    """All interactions of ``base`` up to ``order``."""

    base: Node
    order: int


@dataclass(frozen=True)
class GroupNode(Node):
    """``(effects | factors)``; ``single`` for one bar, which asks for correlations."""

    effects: Node
    factors: Node
    single: bool


def read_sum(cursor: Cursor) -> Node:
    """Read terms up to the first token that cannot continue them.

    Raises
    ------
    FormulaError
        Something else than the language stands there.
    """
    start = cursor.here.start
    signs: list[str] = []
    operands: list[Node] = []
    sign = cursor.accept("+", "-")
    while True:
        operand_sign = sign.text if sign is not None else "+"
        if cursor.here.is_operator("+", "-"):
            operand_sign = _read_signs(cursor, operand_sign)
        if sign is not None and operand_sign == "-" and not operands:
            _check_first(cursor, sign)
        operands.append(_read_product(cursor))
        signs.append(operand_sign)
        sign = cursor.accept("+", "-")
        if sign is None:
            break
    if signs == ["+"]:
        return operands[0]
    return SumNode(start, cursor.previous.end, tuple(signs), tuple(operands))


def _read_signs(cursor: Cursor, sign: str) -> str:
    """Read ``+ -1``: signs may pile up in front of 0 and 1 only."""
    first = cursor.here
    while (token := cursor.accept("+", "-")) is not None:
        if token.text == "-":
            sign = "+" if sign == "-" else "-"
    if cursor.here.kind == "end":
        raise cursor.missing_operand()
    if cursor.here.kind != "number":
        raise cursor.source.error(
            "unexpected",
            f"unexpected '{first.text}' {cursor.source.place(first.start)}; "
            "a term is missing before it",
            first.start,
            first.end,
            "one operator stands between two terms",
        )
    return sign


def _check_first(cursor: Cursor, sign: Token) -> None:
    if cursor.here.kind in ("name", "quoted") or cursor.here.is_operator("("):
        raise cursor.source.error(
            "unexpected",
            f"'-' {cursor.source.place(sign.start)} has no term to take out",
            sign.start,
            sign.end,
            "'-' takes out a term that was added before; -x as a predictor is I(-x)",
        )


def _read_product(cursor: Cursor) -> Node:
    first = _read_interaction(cursor)
    rest: list[tuple[str, Node]] = []
    while (operator := cursor.accept("*", "/")) is not None:
        rest.append((operator.text, _read_interaction(cursor)))
    if not rest:
        return first
    return ProductNode(first.start, cursor.previous.end, first, tuple(rest))


def _read_interaction(cursor: Cursor) -> Node:
    operands = [_read_power(cursor)]
    while cursor.accept(":") is not None:
        operands.append(_read_power(cursor))
    if len(operands) == 1:
        return operands[0]
    return InteractionNode(operands[0].start, cursor.previous.end, tuple(operands))


def _read_power(cursor: Cursor) -> Node:
    base = _read_atom(cursor)
    operator = cursor.accept("**")
    if operator is None:
        return base
    token = cursor.here
    if token.kind == "end":
        raise cursor.missing_operand()
    digits = token.text.lstrip("0")
    if token.kind != "number" or not token.text.isdigit() or not digits:
        raise cursor.source.error(
            "power",
            f"'**' {cursor.source.place(operator.start)} needs a whole number from 1",
            operator.start,
            token.end,
            "(a + b) ** 2 is a + b + a:b; powers of numbers go inside I(), as I(x ** 0.5)",
        )
    cursor.take()
    # Every order above the limit of terms is refused alike; the digits may be thousands.
    order = int(digits) if len(digits) < 6 else 10**6
    return PowerNode(base.start, token.end, base, order)


def _read_atom(cursor: Cursor) -> Node:
    token = cursor.here
    if token.kind == "number":
        return _read_intercept(cursor)
    if token.kind == "name" and cursor.following.is_operator("("):
        call = read_call(cursor, RIGHT)
        return Leaf(token.start, cursor.previous.end, call)
    if token.kind in ("name", "quoted"):
        return Leaf(token.start, token.end, cursor.column())
    if token.kind == "text":
        raise cursor.source.error(
            "text",
            f"text not allowed {cursor.source.place(token.start)}",
            token.start,
            token.end,
            "names of columns need no quotes, or backquotes",
        )
    opening = cursor.accept("(")
    if opening is None:
        raise cursor.missing_operand()
    return _read_parentheses(cursor, opening)


def _read_parentheses(cursor: Cursor, opening: Token) -> Node:
    inside = read_sum(cursor)
    bar = cursor.accept("|", "||")
    if bar is None:
        cursor.close(opening)
        return inside
    factors = read_sum(cursor)
    second = cursor.here
    if second.is_operator("|", "||"):
        raise cursor.source.error(
            "second-bar",
            f"second '{second.text}' {cursor.source.place(second.start)} in one group term",
            second.start,
            second.end,
            "crossed factors are (1 | g) + (1 | h), nested ones (1 | g/h)",
        )
    end = cursor.close(opening).end
    return GroupNode(opening.start, end, inside, factors, bar.text == "|")


def _read_intercept(cursor: Cursor) -> Node:
    token = cursor.take()
    value = float(token.text)
    if value not in (0.0, 1.0):
        raise cursor.source.error(
            "number",
            f"unexpected number '{token.text[:20]}' {cursor.source.place(token.start)}; "
            "only 0 and 1 can be terms",
            token.start,
            token.end,
            "1 is the intercept, 0 leaves it out; arithmetic goes inside I()",
        )
    return InterceptNode(token.start, token.end, value == 1.0)
