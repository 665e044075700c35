"""Arguments checked against the allowlist, and the call built from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hiermix.errors import FormulaError
from hiermix.formula.expression import Call, Column, Constant, Expression, Negative, Number
from hiermix.formula.functions import Function, Parameter
from hiermix.formula.source import Source, shown
from hiermix.formula.tokens import Token


@dataclass(frozen=True)
class Argument:
    """An argument as written, at ``text[start:end]``."""

    keyword: Token | None
    value: Expression
    start: int
    end: int


def build_call(
    source: Source,
    function: Function,
    callee: Token,
    arguments: Sequence[Argument],
    closing: Token,
) -> Call:
    """Check arguments and return the call.

    Raises
    ------
    FormulaError
        An argument is unknown, missing, given twice, or not what the function takes there.
    """
    given: dict[str, Argument] = {}
    for position, argument in enumerate(arguments):
        parameter = _parameter(source, function, position, argument, given)
        if parameter.name in given:
            raise _bad(source, argument, f"{function.name}: {parameter.name} is given twice")
        problem = _problem(parameter, argument.value)
        if problem:
            raise _bad(
                source,
                argument,
                f"{function.name}: {parameter.name} must be {problem}",
                f"write {function.usage}",
            )
        given[parameter.name] = argument
    missing = [p.name for p in function.parameters if p.required and p.name not in given]
    if missing:
        raise source.error(
            "bad-argument",
            f"{function.name}: {missing[0]} is missing",
            callee.start,
            closing.end,
            f"write {function.usage}",
        )
    _check_spline(source, function, given)
    return Call(
        callee.text,
        tuple(a.value for a in arguments if a.keyword is None),
        tuple((a.keyword.text, a.value) for a in arguments if a.keyword is not None),
    )


def bound_arguments(function: Function, call: Call) -> dict[str, Expression]:
    """Return the arguments of a checked call by their names, in the order of the function."""
    names = [p.name for p in function.parameters]
    given = {**dict(zip(names, call.arguments, strict=False)), **dict(call.keywords)}
    return {name: given[name] for name in names if name in given}


def _parameter(
    source: Source,
    function: Function,
    position: int,
    argument: Argument,
    given: dict[str, Argument],
) -> Parameter:
    if argument.keyword is not None:
        for parameter in function.parameters:
            if parameter.name == argument.keyword.text:
                return parameter
        names = [p.name for p in function.parameters]
        close = get_close_matches(argument.keyword.text, names, n=1)
        raise source.error(
            "unknown-argument",
            f"{function.name} has no argument '{shown(argument.keyword.text)}'; "
            f"arguments: {', '.join(names)}",
            argument.keyword.start,
            argument.keyword.end,
            f"did you mean '{close[0]}'?" if close else f"write {function.usage}",
        )
    positional = [p for p in function.parameters if not p.keyword_only]
    if any(a.keyword is not None for a in given.values()):
        raise _bad(
            source, argument, f"{function.name}: an argument without name follows a named one"
        )
    if position >= len(positional):
        most = len(positional)
        raise _bad(
            source,
            argument,
            f"{function.name} takes {most} argument{'s' if most > 1 else ''} without name",
            f"write {function.usage}",
        )
    return positional[position]


def _problem(parameter: Parameter, value: Expression) -> str:
    """Say what an argument has to be, if it is something else."""
    plain = value.operand if isinstance(value, Negative) else value
    is_number = isinstance(plain, Number)
    match parameter.kind:
        case "value" | "condition":
            return "" if value.variables else "an expression with a column of the data"
        case "column":
            return "" if isinstance(value, Column) else "the name of a column"
        case "offset":
            return (
                "" if value.variables or is_number else "a column, an expression of one, a number"
            )
        case "count":
            whole = isinstance(value, Number) and isinstance(value.value, int)
            if whole and parameter.low <= value.value <= parameter.high:  # type: ignore[attr-defined]
                return ""
            return f"a whole number from {parameter.low} to {parameter.high}"
        case "flag":
            flag = isinstance(value, Constant) and value.value is not None
            return "" if flag else "True or False"
        case "number":
            return "" if is_number else "a number"
        case "bound":
            nothing = isinstance(value, Constant) and value.value is None and not parameter.required
            return (
                "" if isinstance(value, Column) or is_number or nothing else "a number or a column"
            )


def _check_spline(source: Source, function: Function, given: dict[str, Argument]) -> None:
    if function.name != "bs":
        return
    df = given["df"]
    degree = _number(given.get("degree"), 3)
    intercept = "intercept" in given and given["intercept"].value == Constant(True)
    least = degree + 1 if intercept else degree
    if _number(df, 0) < max(least, 1):
        raise _bad(
            source,
            df,
            f"bs: df must be {max(least, 1)} or more for degree {degree:g}",
            "raise df, or lower degree",
        )


def _number(argument: Argument | None, default: int) -> int | float:
    if argument is not None and isinstance(argument.value, Number):
        return argument.value.value
    return default


def _bad(source: Source, argument: Argument, message: str, hint: str = "") -> FormulaError:
    start = argument.start if argument.keyword is None else argument.keyword.start
    return source.error(
        "bad-argument", message, start, argument.end, hint or "look at the arguments again"
    )
