"""Expressions of a formula on arrays, with what transformations remember of the fitted rows.

The formula's own tree is evaluated, so that nothing but the functions of the allowlist can run.
Numbers are float64 throughout, and every function does what formulae's does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from hiermix.design.columns import DOMAIN, ELEMENTWISE
from hiermix.formula import FUNCTIONS, Expression
from hiermix.formula.calls import bound_arguments
from hiermix.formula.expression import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Negative,
    Number,
    Power,
    Text,
)
from hiermix.studies.predict.stored import Memory

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Columns = Mapping[str, np.ndarray]
"""Data column -> ``(n,)`` float64, or texts as objects."""

REMEMBERING = frozenset({"scaling", "basis"})


def evaluate(expression: Expression, columns: Columns, memory: Memory) -> Any:
    """Return the value of an expression: a number, ``(n,)``, or ``(n, k)`` for a basis.

    Parameters
    ----------
    expression
        A part of a checked formula.
    columns
        Values by data column.
    memory
        What each transformation remembers, by the text of its call; see `learn`.
    """
    with np.errstate(all="ignore"):
        return _value(expression, columns, memory)


def _value(expression: Expression, columns: Columns, memory: Memory) -> Any:
    match expression:
        case Column(name):
            return columns[name]
        case Number(value):
            return float(value)
        case Text(value):
            return value
        case Negative(operand):
            return -_value(operand, columns, memory)
        case Power(base, exponent):
            return np.power(
                np.asarray(_value(base, columns, memory), dtype=np.float64),
                _value(exponent, columns, memory),
            )
        case Arithmetic(operators, operands):
            total = _value(operands[0], columns, memory)
            for symbol, operand in zip(operators, operands[1:], strict=True):
                total = OPERATORS[symbol](total, _value(operand, columns, memory))
            return total
        case Comparison(symbol, left, right):
            sides = _value(left, columns, memory), _value(right, columns, memory)
            return np.asarray(OPERATORS[symbol](*sides), dtype=np.float64)
        case Call():
            return _called(expression, columns, memory)
    raise TypeError(f"{expression.render()} has no value")


def _called(call: Call, columns: Columns, memory: Memory) -> Any:
    x = _value(_argument(call), columns, memory)
    if call.callee in ELEMENTWISE:
        return ELEMENTWISE[call.callee](x)
    if call.callee == "I":
        return x
    return _remembered(call, x, memory[call.render()])


def _remembered(call: Call, x: np.ndarray, state: Mapping[str, tuple[float, ...]]) -> np.ndarray:
    match call.callee:
        case "center":
            return x - state["mean"][0]
        case "scale" | "standardize":
            return (x - state["mean"][0]) / state["sd"][0]
        case "poly":
            return _polynomial(x, _poly_degree(call), state)
        case "bs":
            return _spline(x, _count(call, "degree", 3), _flag(call, "intercept"), state["knots"])
    raise TypeError(f"{call.callee} has no value here")


def learn(expressions: Iterator[Expression], columns: Columns) -> dict[str, Any]:
    """Return what the transformations in some expressions remember of the rows of ``columns``."""
    memory: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        for expression in expressions:
            for call in remembering(expression):
                if call.render() not in memory:
                    x = np.asarray(_value(_argument(call), columns, memory), dtype=np.float64)
                    memory[call.render()] = _state(call, x)
    return memory


def remembering(expression: Expression) -> Iterator[Call]:
    """Yield the calls that remember the fitted rows, inner ones first."""
    for part in expression.parts:
        yield from remembering(part)
    if isinstance(expression, Call) and FUNCTIONS[expression.callee].role in REMEMBERING:
        yield expression


def check_memory(call: Call, state: Mapping[str, tuple[float, ...]]) -> None:
    """Raise ``ValueError`` unless a call can have remembered this."""
    expected: dict[str, int]
    degree = _poly_degree(call) if call.callee == "poly" else 0
    match call.callee:
        case "center":
            expected = {"mean": 1}
        case "scale" | "standardize":
            expected = {"mean": 1, "sd": 1}
        case "poly":
            expected = {} if _flag(call, "raw") else {"alpha": degree, "norms": degree + 1}
        case _:
            order = _count(call, "degree", 3) + 1
            whole = _count(call, "df", 0) + (0 if _flag(call, "intercept") else 1)
            expected = {"knots": whole + order}
    sizes = {name: len(numbers) for name, numbers in state.items()}
    finite = all(np.isfinite(numbers).all() for numbers in state.values())
    positive = (*state.get("norms", ()), *state.get("sd", ()))
    knots = list(state.get("knots", ()))
    if sizes != expected or not finite or min(positive, default=1) <= 0 or knots != sorted(knots):
        raise ValueError(f"what {call.render()} remembers")


def outside_domain(
    expression: Expression, columns: Columns, memory: Memory
) -> Iterator[tuple[Call, str, np.ndarray]]:
    """Yield calls such as ``log(x)``, what they do not take, and at which rows they get it."""
    for part in expression.parts:
        yield from outside_domain(part, columns, memory)
    if isinstance(expression, Call) and expression.callee in DOMAIN:
        outside, words = DOMAIN[expression.callee]
        x = np.asarray(evaluate(_argument(expression), columns, memory))
        with np.errstate(invalid="ignore"):
            bad = np.asarray(outside(x, 0.0))
        if bad.any():
            yield expression, words, bad


def outside_range(
    expression: Expression, columns: Columns, memory: Memory
) -> Iterator[tuple[Call, np.ndarray]]:
    """Yield splines and at which rows they go on beyond the knots of the fitted rows."""
    for call in remembering(expression):
        if call.callee == "bs":
            x = np.asarray(evaluate(_argument(call), columns, memory))
            knots = memory[call.render()]["knots"]
            bad = (x < knots[0]) | (x > knots[-1])
            if bad.any():
                yield call, bad


def _argument(call: Call) -> Expression:
    return bound_arguments(FUNCTIONS[call.callee], call)["x"]


def _state(call: Call, x: np.ndarray) -> dict[str, tuple[float, ...]]:
    match call.callee:
        case "center":
            return {"mean": (float(np.mean(x)),)}
        case "scale" | "standardize":
            return {"mean": (float(np.mean(x)),), "sd": (float(np.std(x)),)}
        case "poly":
            return {} if _flag(call, "raw") else _orthogonal(x, _poly_degree(call))
        case _:
            return {"knots": _knots(call, x)}


def _poly_degree(call: Call) -> int:
    return _count(call, "degree", 1)


def _count(call: Call, name: str, default: int) -> int:
    value = bound_arguments(FUNCTIONS[call.callee], call).get(name)
    return int(value.value) if isinstance(value, Number) else default


def _flag(call: Call, name: str) -> bool:
    value = bound_arguments(FUNCTIONS[call.callee], call).get(name)
    return isinstance(value, Constant) and value.value is True


def _orthogonal(x: np.ndarray, degree: int) -> dict[str, tuple[float, ...]]:
    """Return the recurrence of the polynomials that are orthogonal on ``x``.

    P_0 = 1, P_k = (x - alpha_{k-1}) P_{k-1} - (n_{k-1} / n_{k-2}) P_{k-2} with the squared norms n.
    Kennedy and Gentle 1980, Statistical Computing, section 8.2.
    """
    before, own = np.zeros_like(x), np.ones_like(x)
    alpha: list[float] = []
    norms = [float(np.sum(own**2))]
    for k in range(1, degree + 1):
        alpha.append(float(np.sum(x * own**2) / np.sum(own**2)))
        ahead = (x - alpha[k - 1]) * own
        if k >= 2:
            ahead -= norms[k - 1] / norms[k - 2] * before
        before, own = own, ahead
        norms.append(float(np.sum(own**2)))
    return {"alpha": tuple(alpha), "norms": tuple(norms)}


def _polynomial(x: np.ndarray, degree: int, state: Mapping[str, tuple[float, ...]]) -> np.ndarray:
    if not state:
        return np.column_stack([np.power(x, k) for k in range(1, degree + 1)])
    alpha, norms = state["alpha"], state["norms"]
    columns = [np.ones_like(x)]
    for k in range(1, degree + 1):
        ahead = (x - alpha[k - 1]) * columns[k - 1]
        if k >= 2:
            ahead -= norms[k - 1] / norms[k - 2] * columns[k - 2]
        columns.append(ahead)
    return np.column_stack([columns[k] / np.sqrt(norms[k]) for k in range(1, degree + 1)])


def _knots(call: Call, x: np.ndarray) -> tuple[float, ...]:
    """Return all knots of a spline: the bounds ``degree + 1`` times, quantiles of x between."""
    given = bound_arguments(FUNCTIONS["bs"], call)
    order = _count(call, "degree", 3) + 1
    n_inner = _count(call, "df", 0) - order + (0 if _flag(call, "intercept") else 1)
    inner = np.percentile(x, 100 * np.linspace(0, 1, n_inner + 2)[1:-1])
    bounds = [
        float(evaluate(given[name], {}, {})) if name in given else float(extreme(x))
        for name, extreme in (("lower_bound", np.min), ("upper_bound", np.max))
    ]
    return tuple(float(k) for k in np.sort(np.concatenate([bounds * order, inner])))


def _spline(x: np.ndarray, degree: int, intercept: bool, knots: tuple[float, ...]) -> np.ndarray:
    """Return the B-spline basis; beyond the knots its polynomials go on."""
    from scipy.interpolate import splev

    n_bases = len(knots) - (degree + 1)
    unit = np.eye(n_bases)
    basis = [splev(x, (np.asarray(knots), unit[i], degree)) for i in range(n_bases)]
    return np.column_stack(basis if intercept else basis[1:])
