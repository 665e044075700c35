"""The left-hand side as numbers that the family can take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hiermix.design.columns import ColumnSource
from hiermix.design.types import Response
from hiermix.errors import DesignError, Where
from hiermix.formula import Expression
from hiermix.formula import Response as LeftSide
from hiermix.spec.families import (
    CATEGORY_FAMILIES,
    COUNT_FAMILIES,
    POSITIVE_FAMILIES,
    PROPORTION_FAMILIES,
    SEMICONTINUOUS_FAMILIES,
)

MAX_EXACT = 2.0**53
"""Integers beyond this have no exact float64."""

UNSUPPORTED = frozenset({"multinomial", "dirichlet_multinomial"})


@dataclass(frozen=True)
class Support:
    """Values that a family can have produced."""

    words: str
    allowed: Callable[[np.ndarray], np.ndarray]
    remedy: str


def _integer(values: np.ndarray) -> np.ndarray:
    return np.asarray((values == np.floor(values)) & (values >= 0))


_COUNT = Support(
    "integers needed, >= 0", _integer, "use gaussian or gamma for measurements that are not counts"
)
_POSITIVE = Support("> 0 needed", lambda y: y > 0, "a hurdle_ family allows zeros")
_NOT_NEGATIVE = Support(">= 0 needed", lambda y: y >= 0, "check the sign of the response")
_UNIT = Support(
    "0 < y < 1 needed", lambda y: (y > 0) & (y < 1), "for shares of counts use p(successes, trials)"
)
_ANGLE = Support(
    "an angle in [-pi, pi] needed", lambda y: np.abs(y) <= np.pi, "convert the response to radians"
)

SUPPORTS: dict[str, Support] = {
    **dict.fromkeys(COUNT_FAMILIES, _COUNT),
    **dict.fromkeys(POSITIVE_FAMILIES, _POSITIVE),
    **dict.fromkeys(SEMICONTINUOUS_FAMILIES, _NOT_NEGATIVE),
    "beta": _UNIT,
    "vonmises": _ANGLE,
}
"""Family -> support; families that are missing here take any finite number."""


def build_response(
    left: LeftSide, source: ColumnSource, family: str, row_numbers: np.ndarray
) -> tuple[Response, tuple[str, ...]]:
    """Evaluate the left-hand side and check it against the family's support.

    Returns
    -------
    tuple
        The response and sentences on how it was read (which category counts as success, ...).

    Raises
    ------
    DesignError
        A value is outside the support: the message names it, its data row and what is allowed.
    """
    if family in UNSUPPORTED:
        raise DesignError(
            "design.family-not-supported",
            f"{family} needs several response columns, which the formula cannot state yet",
            Where(key="model.family"),
            "model each count with poisson, or one share with p(successes, trials)",
        )
    if family in PROPORTION_FAMILIES:
        return _proportion(left, source, family, row_numbers), ()
    if left.kind == "proportion":
        raise DesignError(
            "design.response-kind",
            f"p(successes, trials) needs a binomial family; the family is {family}",
            Where(key="model.family"),
            "set model.family: binomial",
        )
    if family in CATEGORY_FAMILIES:
        return _categories(left, source, family)
    if family == "bernoulli":
        return _binary(left, source)
    values = _numbers(left.expression, source, family)
    _check_support(left, values, source, family, row_numbers)
    return _with_arguments(left, values, source, row_numbers), ()


def _numbers(expression: Expression, source: ColumnSource, family: str) -> np.ndarray:
    if expression.is_column and isinstance(
        source.column(expression.variables[0]).dtype, pd.CategoricalDtype
    ):
        raise DesignError(
            "design.text-response",
            f"{expression.render()} is text; {family} needs numbers",
            Where(key="model.family"),
            "use family bernoulli for two categories, categorical or cumulative for more",
        )
    return source.numbers(expression)


def _check_support(
    left: LeftSide,
    values: np.ndarray,
    source: ColumnSource,
    family: str,
    row_numbers: np.ndarray,
) -> None:
    support = SUPPORTS.get(family)
    if support is None:
        return
    bad = ~support.allowed(values)
    name = left.expression.render()
    if bad.any():
        first = int(np.argmax(bad))
        raise _outside(
            f"{name}: {values[first]:g} at row {row_numbers[first]}; "
            f"{family}: {support.words} ({_rows(source, bad)})",
            support.remedy,
        )
    if support is _COUNT and (values > MAX_EXACT).any():
        first = int(np.argmax(values > MAX_EXACT))
        raise DesignError(
            "design.count-too-large",
            f"{name}: {values[first]:.0f} at row {row_numbers[first]} exceeds 2^53",
            Where(key="model.family"),
            "check the units of the counts",
        )


def _proportion(
    left: LeftSide, source: ColumnSource, family: str, row_numbers: np.ndarray
) -> Response:
    if left.kind != "proportion":
        raise DesignError(
            "design.response-kind",
            f"{family} needs successes and trials: write p(successes, trials)",
            Where(key="model.family"),
            "for single 0/1 outcomes set model.family: bernoulli",
        )
    stated = left.arguments["trials"]
    successes = _numbers(left.expression, source, family)
    trials = source.numbers(stated)
    name = left.expression.render()
    trials_name = stated.render() if isinstance(stated, Expression) else "trials"
    for label, values in ((name, successes), (trials_name, trials)):
        bad = ~_integer(values)
        if bad.any():
            first = int(np.argmax(bad))
            raise _outside(
                f"{label}: {values[first]:g} at row {row_numbers[first]}; "
                f"integers needed, >= 0 ({_rows(source, bad)})",
                "counts of successes and trials are whole numbers",
            )
    over = successes > trials
    if over.any():
        first = int(np.argmax(over))
        raise _outside(
            f"{name}: {successes[first]:g} successes of {trials[first]:g} {trials_name} "
            f"at row {row_numbers[first]} ({_rows(source, over)})",
            "the order is p(successes, trials)",
        )
    zero = trials == 0
    if zero.any():
        raise _outside(
            f"{trials_name}: 0 at row {row_numbers[int(np.argmax(zero))]}; "
            f"trials > 0 needed ({_rows(source, zero)})",
            "leave out cells without trials",
        )
    return Response(left.text, "proportion", successes, trials=trials)


def _binary(left: LeftSide, source: ColumnSource) -> tuple[Response, tuple[str, ...]]:
    name = left.expression.render()
    column = source.column(left.expression.variables[0]) if left.expression.is_column else None
    if column is not None and isinstance(column.dtype, pd.CategoricalDtype):
        levels = [str(c) for c in column.cat.remove_unused_categories().cat.categories]
        if len(levels) != 2:
            raise _not_binary(name, len(levels))
        values = (column.astype(str) == levels[1]).to_numpy(dtype=np.float64)
        note = f"{name}: {levels[1]!r} counts as success, {levels[0]!r} as failure"
        return Response(name, "plain", values, levels=tuple(levels)), (note,)
    values = source.numbers(left.expression)
    distinct = np.unique(values)
    if not np.isin(distinct, (0.0, 1.0)).all():
        if len(distinct) != 2:
            raise _not_binary(name, len(distinct))
        raise _outside(
            f"{name}: values {distinct[0]:g} and {distinct[1]:g}; bernoulli needs 0 and 1",
            "recode the response to 0 and 1",
        )
    return Response(name, "plain", values), ()


def _not_binary(name: str, n: int) -> DesignError:
    return _outside(
        f"{name}: {n} distinct value{'' if n == 1 else 's'}; bernoulli needs 2",
        "use categorical or cumulative for more than two categories",
    )


def _categories(
    left: LeftSide, source: ColumnSource, family: str
) -> tuple[Response, tuple[str, ...]]:
    name = left.expression.render()
    if not left.expression.is_column:
        raise DesignError(
            "design.response-kind",
            f"{family} needs a plain column of categories on the left",
            Where(key="model.formula"),
            "compute the categories in the data",
        )
    column = source.column(left.expression.variables[0])
    codes, categories = pd.factorize(column, sort=True)
    levels = tuple(str(c) for c in categories)
    if len(levels) < 3:
        raise _outside(
            f"{name}: {len(levels)} distinct values; {family} needs 3 or more",
            "use bernoulli for two categories",
        )
    if len(levels) > 50:
        raise _outside(
            f"{name}: {len(levels)} distinct values; {family} takes up to 50 categories",
            "a number with so many values is a measurement or a count",
        )
    order = " < ".join(levels) if family != "categorical" else ", ".join(levels)
    role = (
        "order of the categories" if family != "categorical" else "categories, first is reference"
    )
    return (
        Response(name, "plain", codes.astype(np.float64), levels=levels),
        (f"{name}: {role}: {order}",),
    )


def _with_arguments(
    left: LeftSide, values: np.ndarray, source: ColumnSource, row_numbers: np.ndarray
) -> Response:
    name = left.text
    if left.kind == "censored":
        return Response(name, "censored", values, status=_status(left, source, row_numbers))
    if left.kind == "truncated":
        lower = _bound(left, "lb", -np.inf, source)
        upper = _bound(left, "ub", np.inf, source)
        outside = (values < lower) | (values > upper)
        if outside.any():
            first = int(np.argmax(outside))
            raise _outside(
                f"{left.expression.render()}: {values[first]:g} at row {row_numbers[first]} "
                f"is outside its truncation bounds ({_rows(source, outside)})",
                "censored(y, status) is for values that are known only to be beyond a bound",
                "model.formula",
            )
        return Response(name, "truncated", values, lower=lower, upper=upper)
    if left.kind == "weighted":
        weights = source.numbers(left.arguments["weights"])
        if not (weights > 0).all():
            first = int(np.argmin(weights > 0))
            raise _outside(
                f"weights: {weights[first]:g} at row {row_numbers[first]}; > 0 needed",
                "leave out rows of weight zero",
                "model.formula",
            )
        return Response(name, "weighted", values, weights=weights)
    return Response(name, "plain", values)


_STATUS = {"left": -1.0, "none": 0.0, "right": 1.0, "-1": -1.0, "0": 0.0, "1": 1.0}


def _status(left: LeftSide, source: ColumnSource, row_numbers: np.ndarray) -> np.ndarray:
    expression = left.arguments["status"]
    assert isinstance(expression, Expression)  # the parser takes nothing else
    column = source.column(expression.variables[0]) if expression.is_column else None
    if column is not None and isinstance(column.dtype, pd.CategoricalDtype):
        status = column.astype(str).map(_STATUS).to_numpy(dtype=np.float64)
    else:
        status = source.numbers(expression)
    bad = ~np.isin(status, (-1.0, 0.0, 1.0))
    if bad.any():
        raise _outside(
            f"{expression.render()}: unknown censoring status at row "
            f"{row_numbers[int(np.argmax(bad))]}; left, none, right or -1, 0, 1 needed",
            "interval censoring is not supported",
            "model.formula",
        )
    return status


def _bound(left: LeftSide, which: str, default: float, source: ColumnSource) -> np.ndarray:
    stated = left.arguments[which]
    return np.full(source.n_obs, default) if stated is None else source.numbers(stated)


def _outside(message: str, hint: str, key: str = "model.family") -> DesignError:
    return DesignError("design.outside-support", message, Where(key=key), hint)


def _rows(source: ColumnSource, found: np.ndarray) -> str:
    """Count rows of the data in words."""
    n = source.count(found)
    return f"{n} row{'' if n == 1 else 's'}"
