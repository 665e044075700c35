"""Tokens of the left-hand side to a response."""

from __future__ import annotations

from hiermix.errors import FormulaError
from hiermix.formula.arithmetic import read_call, read_response_call
from hiermix.formula.calls import bound_arguments
from hiermix.formula.cursor import Cursor
from hiermix.formula.expression import Constant, Expression, Negative, Number
from hiermix.formula.functions import LEFT, RESPONSES
from hiermix.formula.model import Response

_KINDS = {
    "p": "proportion",
    "prop": "proportion",
    "proportion": "proportion",
    "censored": "censored",
    "truncated": "truncated",
    "weighted": "weighted",
}


def read_response(cursor: Cursor) -> Response:
    """Read the response, up to the ``~``.

    Raises
    ------
    FormulaError
        There is none, or it is not a column or an allowed call.
    """
    token = cursor.here
    if token.is_operator("~"):
        raise no_response(cursor)
    if token.kind not in ("name", "quoted"):
        raise _not_a_response(cursor)
    is_call = token.kind == "name" and cursor.following.is_operator("(")
    if is_call and token.text in RESPONSES:
        response = _observed(cursor)
    else:
        expression: Expression = read_call(cursor, LEFT) if is_call else cursor.column()
        response = Response("plain", expression, {}, expression.render())
    if not cursor.here.is_operator("~"):
        raise _not_a_response(cursor)
    return response


def no_response(cursor: Cursor) -> FormulaError:
    """Return the error for a formula without left-hand side."""
    end = len(cursor.source.text)
    return cursor.source.error(
        "no-response",
        "no response: write 'y ~ ...'",
        0,
        max(end, 1),
        "the column to be explained stands left of '~'",
    )


def _not_a_response(cursor: Cursor) -> FormulaError:
    token = cursor.here
    if token.kind == "operator" and not token.is_operator("(", ")", "+", "-", "*", "/", ":", "**"):
        return cursor.unexpected()
    return cursor.source.error(
        "response",
        f"unexpected '{token.text[:20]}' {cursor.source.place(token.start)}: "
        "left of '~' stands one response",
        token.start,
        token.end,
        "write y ~, log(y) ~, I(y / n) ~, p(successes, trials) ~, censored(y, status) ~, "
        "truncated(y, lb, ub) ~ or weighted(y, w) ~",
    )


def _observed(cursor: Cursor) -> Response:
    token = cursor.here
    call = read_response_call(cursor)
    kind = _KINDS[call.callee]
    given = bound_arguments(RESPONSES[call.callee], call)
    (_, expression), *others = given.items()
    plain = {name: _plain(value) for name, value in others}
    if kind == "truncated":
        plain = {"lb": plain.get("lb"), "ub": plain.get("ub")}
        if plain["lb"] is None and plain["ub"] is None:
            raise cursor.source.error(
                "bad-argument",
                "truncated: both bounds are missing",
                token.start,
                cursor.previous.end,
                "write truncated(y, lb=0), truncated(y, ub=10) or both",
            )
    if kind == "proportion" and isinstance(plain["trials"], int | float):
        _check_trials(cursor, token.start, plain["trials"])
    return Response(kind, expression, plain, _text(kind, expression, plain))


def _plain(value: Expression) -> Expression | int | float | None:
    match value:
        case Number(number):
            return number
        case Negative(Number(number)):
            return -number
        case Constant():
            return None
        case _:
            return value


def _check_trials(cursor: Cursor, start: int, trials: int | float) -> None:
    if not isinstance(trials, int) or trials < 1:
        raise cursor.source.error(
            "bad-argument",
            "p: trials must be a column, or a whole number from 1",
            start,
            cursor.previous.end,
            "write p(successes, trials)",
        )


def _text(
    kind: str, expression: Expression, arguments: dict[str, Expression | int | float | None]
) -> str:
    name = "p" if kind == "proportion" else kind
    keyed = kind == "truncated"
    texts = [expression.render()]
    for key, value in arguments.items():
        if value is not None:
            text = value.render() if isinstance(value, Expression) else _number(value)
            texts.append(f"{key}={text}" if keyed else text)
    return f"{name}({', '.join(texts)})"


def _number(value: int | float) -> str:
    number = Number(abs(value))
    return number.render() if value >= 0 else Negative(number).render()
