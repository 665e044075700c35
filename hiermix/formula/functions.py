"""The allowlist: every function that a formula can call, and what its arguments may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from hiermix.errors import FormulaError
from hiermix.formula.source import Source, shown
from hiermix.formula.tokens import Token

Kind = Literal["value", "condition", "column", "offset", "count", "flag", "number", "bound"]
"""What an argument is: an expression over columns (``condition``: comparisons too), a bare
column, an expression or number, a whole number, True or False, a number, a number or column."""

Role = Literal["elementwise", "identity", "scaling", "basis", "factor", "offset", "response"]


@dataclass(frozen=True)
class Parameter:
    """One argument of a function.

    ``low`` and ``high`` bound a ``count``. ``keyword_only`` arguments cannot be given by position.
    """

    name: str
    kind: Kind
    required: bool = False
    keyword_only: bool = False
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Function:
    """A function of the allowlist."""

    name: str
    role: Role
    parameters: tuple[Parameter, ...]

    @property
    def usage(self) -> str:
        """How it is written, for messages."""
        names = [p.name if p.required else f"{p.name}=" for p in self.parameters]
        return f"{self.name}({', '.join(names)})"


def _function(name: str, role: Role, *parameters: Parameter) -> tuple[str, Function]:
    return name, Function(name, role, parameters)


_X = Parameter("x", "value", required=True)

MAX_DEGREE = 20
"""Highest degree of a polynomial or spline."""

MAX_SPLINE = 100
"""Most columns of a spline."""

FUNCTIONS: dict[str, Function] = dict(
    [
        *(_function(n, "elementwise", _X) for n in ("log", "log2", "log10", "exp", "sqrt", "abs")),
        *(_function(n, "scaling", _X) for n in ("center", "scale", "standardize")),
        _function(
            "poly",
            "basis",
            _X,
            Parameter("degree", "count", low=1, high=MAX_DEGREE),
            Parameter("raw", "flag"),
        ),
        _function(
            "bs",
            "basis",
            _X,
            Parameter("df", "count", required=True, low=1, high=MAX_SPLINE),
            Parameter("degree", "count", keyword_only=True, low=0, high=MAX_DEGREE),
            Parameter("intercept", "flag", keyword_only=True),
            Parameter("lower_bound", "number", keyword_only=True),
            Parameter("upper_bound", "number", keyword_only=True),
        ),
        _function("C", "factor", Parameter("x", "column", required=True)),
        _function("I", "identity", Parameter("x", "condition", required=True)),
        _function("offset", "offset", Parameter("x", "offset", required=True)),
    ]
)
"""Functions of the right-hand side, in the order of the documentation."""

_PROPORTION = (
    Parameter("successes", "column", required=True),
    Parameter("trials", "bound", required=True),
)

RESPONSES: dict[str, Function] = dict(
    [
        *(_function(n, "response", *_PROPORTION) for n in ("p", "prop", "proportion")),
        _function(
            "censored",
            "response",
            Parameter("value", "value", required=True),
            Parameter("status", "column", required=True),
        ),
        _function(
            "truncated",
            "response",
            Parameter("value", "value", required=True),
            Parameter("lb", "bound"),
            Parameter("ub", "bound"),
        ),
        _function(
            "weighted",
            "response",
            Parameter("value", "value", required=True),
            Parameter("weights", "value", required=True),
        ),
    ]
)
"""Functions of the left-hand side that describe how the response was observed."""

RIGHT = frozenset(FUNCTIONS)
"""Names allowed as a term."""

INNER = frozenset(
    name for name, f in FUNCTIONS.items() if f.role in ("elementwise", "identity", "scaling")
)
"""Names allowed inside an argument: one number a row in, one number a row out."""

LEFT = frozenset(name for name, f in FUNCTIONS.items() if f.role in ("elementwise", "identity"))
"""Names allowed around a response, beside ``RESPONSES``."""

_MEANT = {
    "ln": "log",
    "pow": "I",
    "factor": "C",
    "T": "C",
    "S": "C",
    "spline": "bs",
    "ns": "bs",
    "cr": "bs",
    "hsgp": "bs",
    "zscore": "scale",
    "fabs": "abs",
    "expo": "exp",
}


def not_allowed(
    source: Source, callee: Token, allowed: Collection[str], spaced: bool = False
) -> FormulaError:
    """Return the error for a call of something that is not on the list.

    Parameters
    ----------
    callee
        The name in front of the parenthesis.
    allowed
        Names allowed in this place.
    spaced
        Whether a space separates name and parenthesis: perhaps no call was meant.
    """
    name = shown(callee.text)
    span = callee.start, callee.end
    if "." in callee.text:
        last = callee.text.rsplit(".", 1)[1]
        hint = f"did you mean '{last}'?" if last in allowed else _listing(allowed)
        return source.error(
            "attribute-access",
            f"'{name}' not allowed: attribute access not allowed in a formula",
            *span,
            hint,
        )
    if callee.text in FUNCTIONS or callee.text in RESPONSES:
        side = "on the left of '~'" if allowed is LEFT else "here"
        if callee.text in RESPONSES:
            side = "on the right of '~' or inside another function"
        return source.error(
            "misplaced-function", f"{name}() not allowed {side}", *span, _listing(allowed)
        )
    close = get_close_matches(callee.text, sorted(allowed), n=1, cutoff=0.7)
    meant = close[0] if close else _MEANT.get(callee.text)
    if meant in allowed:
        hint = f"did you mean '{meant}'?"
    elif spaced:
        hint = f"is an operator missing between '{name}' and '('?"
    else:
        hint = "compute the column before the run, or in data.query"
    return source.error(
        "unknown-function", f"'{name}' not allowed; {_listing(allowed)}", *span, hint
    )


def _listing(allowed: Collection[str]) -> str:
    names = [n for n in FUNCTIONS if n in allowed]
    if allowed is LEFT:
        names = [n for n in RESPONSES if n not in ("prop", "proportion")] + names
    return "allowed: " + " ".join(names)
