"""Tokens to expressions: function calls and the arithmetic inside them.

::

    comparison  sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?      only inside I()
    sum         product (("+" | "-") product)*
    product     signed (("*" | "/") signed)*
    signed      ("+" | "-")? power
    power       atom ("**" ("+" | "-")? atom)?
    atom        number | column | call | "(" comparison ")"
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import isfinite

from hiermix.errors import FormulaError
from hiermix.formula.calls import Argument, build_call
from hiermix.formula.cursor import Cursor
from hiermix.formula.expression import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Expression,
    Negative,
    Number,
    Power,
    Text,
)
from hiermix.formula.functions import FUNCTIONS, INNER, RESPONSES, Function, not_allowed
from hiermix.formula.tokens import Token
from hiermix.formula.writers import RESERVED_NAMES

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_SMALLEST, _LARGEST = 1e-300, 1e300


def read_call(cursor: Cursor, allowed: Collection[str]) -> Call:
    """Read ``name(...)`` where ``name`` must be in ``allowed``.

    Raises
    ------
    FormulaError
        The function is not allowed here, or an argument is not what the function takes.
    """
    callee = cursor.take()
    if callee.text not in allowed:
        spaced = cursor.here.start > callee.end
        raise not_allowed(cursor.source, callee, allowed, spaced)
    return build_call(cursor.source, *read_arguments(cursor, FUNCTIONS[callee.text], callee))


def read_response_call(cursor: Cursor) -> Call:
    """Read ``p(...)``, ``censored(...)`` and their kind."""
    callee = cursor.take()
    return build_call(cursor.source, *read_arguments(cursor, RESPONSES[callee.text], callee))


def read_arguments(
    cursor: Cursor, function: Function, callee: Token
) -> tuple[Function, Token, tuple[Argument, ...], Token]:
    """Read ``(a, b, k=c)`` after ``callee``."""
    opening = cursor.take()
    found: list[Argument] = []
    while not cursor.here.is_operator(")"):
        found.append(_read_argument(cursor, function.role == "identity"))
        if cursor.accept(",") is None:
            break
    return function, callee, tuple(found), cursor.close(opening)


def _read_argument(cursor: Cursor, comparing: bool) -> Argument:
    keyword = None
    if cursor.here.kind == "name" and cursor.following.is_operator("="):
        keyword = cursor.take()
        cursor.take()
    start = cursor.here.start
    value: Expression
    if cursor.here.text in RESERVED_NAMES and cursor.following.is_operator(",", ")"):
        value = Constant({"True": True, "False": False, "None": None}[cursor.take().text])
    else:
        value = _read_comparison(cursor, comparing)
    return Argument(keyword, value, start, cursor.previous.end)


def _read_comparison(cursor: Cursor, comparing: bool) -> Expression:
    left = _read_side(cursor, comparing)
    operator = cursor.accept(*_COMPARISONS) if comparing else None
    if operator is None:
        if isinstance(left, Text):
            raise _stray_text(cursor, cursor.previous)
        return left
    right = _read_side(cursor, comparing)
    labels = [side for side in (left, right) if isinstance(side, Text)]
    if labels:
        columns = [side for side in (left, right) if isinstance(side, Column)]
        if not columns or operator.text not in ("==", "!="):
            raise _stray_text(cursor, operator)
    if cursor.here.is_operator(*_COMPARISONS):
        raise cursor.unexpected()
    return Comparison(operator.text, left, right)


def _read_side(cursor: Cursor, comparing: bool) -> Expression:
    if comparing and cursor.here.kind == "text":
        return Text(cursor.take().text[1:-1])
    return _read_sum(cursor, comparing)


def _stray_text(cursor: Cursor, token: Token) -> FormulaError:
    return cursor.source.error(
        "text",
        f"text not allowed {cursor.source.place(token.start)}: "
        "it can only be compared with a column, by == or !=",
        token.start,
        token.end,
        'as in I(f == "a"); names of columns go in backquotes',
    )


def _read_sum(cursor: Cursor, comparing: bool) -> Expression:
    return _read_chain(cursor, ("+", "-"), lambda: _read_product(cursor, comparing))


def _read_product(cursor: Cursor, comparing: bool) -> Expression:
    return _read_chain(cursor, ("*", "/"), lambda: _read_signed(cursor, comparing))


def _read_chain(
    cursor: Cursor, operators: tuple[str, str], read: Callable[[], Expression]
) -> Expression:
    operands = [read()]
    found: list[str] = []
    while (operator := cursor.accept(*operators)) is not None:
        found.append(operator.text)
        operands.append(read())
    return Arithmetic(tuple(found), tuple(operands)) if found else operands[0]


def _read_signed(cursor: Cursor, comparing: bool) -> Expression:
    sign = cursor.accept("+", "-")
    value = _read_power(cursor, comparing)
    return Negative(value) if sign is not None and sign.text == "-" else value


def _read_power(cursor: Cursor, comparing: bool) -> Expression:
    start = cursor.here.start
    base = _read_atom(cursor, comparing)
    if cursor.accept("**") is None:
        return base
    sign = cursor.accept("+", "-")
    exponent = _read_atom(cursor, comparing)
    if cursor.here.is_operator("**"):
        raise cursor.source.error(
            "unexpected",
            f"second '**' {cursor.source.place(cursor.here.start)}: which one comes first?",
            cursor.here.start,
            cursor.here.end,
            "write parentheses: (a ** b) ** c",
        )
    # Python's whole numbers have no largest one: 9 ** 9 ** 9 would never end.
    if not base.variables and not exponent.variables:
        raise cursor.source.error(
            "power",
            f"power of numbers alone {cursor.source.place(start)}",
            start,
            cursor.previous.end,
            "write the number that it gives",
        )
    signed = sign is not None and sign.text == "-"
    return Power(base, Negative(exponent) if signed else exponent)


def _read_atom(cursor: Cursor, comparing: bool) -> Expression:
    token = cursor.here
    if token.kind == "number":
        return read_number(cursor)
    if token.kind == "name" and cursor.following.is_operator("("):
        return read_call(cursor, INNER)
    if token.kind in ("name", "quoted"):
        return cursor.column()
    if token.kind == "text":
        raise _stray_text(cursor, token)
    opening = cursor.accept("(")
    if opening is None:
        raise cursor.missing_operand()
    value = _read_comparison(cursor, comparing)
    cursor.close(opening)
    return value


def read_number(cursor: Cursor) -> Number:
    """Read a number without sign."""
    token = cursor.take()
    value: int | float = float(token.text)
    in_range = isfinite(value) and (_SMALLEST <= value <= _LARGEST or not token.text.strip("0."))
    if not in_range and not (value == 0 and set(token.text.lower().split("e")[0]) <= set("0.")):
        raise cursor.source.error(
            "number",
            f"number out of range {cursor.source.place(token.start)}",
            token.start,
            token.end,
            f"numbers are 0 or between {_SMALLEST:g} and {_LARGEST:g}",
        )
    return Number(int(token.text) if token.text.isdigit() else value)
