"""Prior texts: ``Normal(0, 1)`` or ``Normal(mu=0, sigma=1)``.

The grammar has nothing but names and numbers, so no prior text can reach Python::

    prior    = name "(" [argument {"," argument}] ")"
    argument = [name "="] number
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hiermix.errors import PriorError, Where
from hiermix.spec.distributions import DISTRIBUTIONS, OTHER_NAMES, Argument, Distribution
from hiermix.spec.nearest import did_you_mean, nearest
from hiermix.spec.redaction import redact

__all__ = ["DISTRIBUTIONS", "Argument", "Distribution", "Prior", "parse_prior"]

TOKEN = re.compile(
    r"\s*(?:(?P<not_finite>[-+]?\.?(?:nan|inf|infinity)\b)"
    r"|(?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?![\w.]))"
    r"|(?P<name>[a-z_][\w.]*)"
    r"|(?P<mark>[(),=])"
    r"|(?P<other>\S)"
    r"|(?P<end>\Z))",
    re.IGNORECASE | re.ASCII,
)

MAX_LENGTH = 500


@dataclass(frozen=True)
class Prior:
    """A distribution with numbers for all of its arguments.

    ``arguments`` are ``(name, number)`` pairs by PyMC's names, defaults filled in.
    """

    distribution: str
    arguments: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """The prior as text; ``parse_prior`` gives the same prior back."""
        arguments = ", ".join(f"{name}={number_text(value)}" for name, value in self.arguments)
        return f"{self.distribution}({arguments})"

    def get(self, name: str) -> float:
        """Return one argument; raise ``KeyError`` if the prior has no such argument."""
        return dict(self.arguments)[name]

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the prior lives: ``(lower, upper)``, infinite where it has no limit."""
        given = dict(self.arguments)
        support = DISTRIBUTIONS[self.distribution].support
        if support == "interval":
            return given.get("lower", -math.inf), given.get("upper", math.inf)
        return {
            "real": (-math.inf, math.inf),
            "positive": (0.0, math.inf),
            "unit": (0.0, 1.0),
            "correlation": (-1.0, 1.0),
        }[support]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number.

    Examples
    --------
    >>> number_text(2.0), number_text(0.1), number_text(-0.0)
    ('2', '0.1', '0')
    """
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def parse_prior(text: str) -> Prior:
    """Parse a prior text.

    Raises
    ------
    PriorError
        With a caret in ``text``: an unknown distribution or argument, a number out of its range,
        anything that is no number.

    Examples
    --------
    >>> parse_prior("Normal(0, 2.5)").text
    'Normal(mu=0, sigma=2.5)'
    >>> parse_prior("HalfStudentT(nu=4, sigma=1e-3)").get("sigma")
    0.001
    >>> parse_prior("Uniform(0, 10)").bounds
    (0.0, 10.0)
    """
    return _Parser(text).prior()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > MAX_LENGTH:
            raise self._error("too-long", f"a prior has at most {MAX_LENGTH} characters", 1)
        self.tokens = [
            _Token(m.lastgroup or "end", m[m.lastgroup or "end"], m.start(m.lastgroup or "end") + 1)
            for m in TOKEN.finditer(text)
        ]
        self.next = 0

    def prior(self) -> Prior:
        distribution = self._distribution()
        self._expect("(")
        given: dict[str, tuple[float, _Token]] = {}
        while not self._accept(")"):
            if given:
                self._expect(",", "',' or ')'")
            self._argument(distribution, given)
        end = self._take()
        if end.kind != "end":
            raise self._token_error("syntax", f"unexpected '{end.text}' after the prior", end)
        return self._complete(distribution, given)

    def _distribution(self) -> Distribution:
        token = self._take()
        if token.kind != "name":
            found = f"'{token.text}'" if token.text else "nothing"
            raise self._token_error(
                "syntax", f"name of a distribution expected, got {found}", token
            )
        self._refuse_attribute(token)
        name = OTHER_NAMES.get(token.text, token.text)
        if name not in DISTRIBUTIONS:
            message = f"unknown distribution '{token.text}'{did_you_mean(name, DISTRIBUTIONS)}"
            hint = f"distributions: {', '.join(DISTRIBUTIONS)}"
            raise self._token_error("unknown-distribution", message, token, hint)
        return DISTRIBUTIONS[name]

    def _argument(self, where: Distribution, given: dict[str, tuple[float, _Token]]) -> None:
        token = self._take()
        known = {a.name: a for a in (*where.arguments, *where.alternative)}
        if token.kind == "name" and self._peek().text == "=":
            self._refuse_attribute(token)
            if token.text not in known:
                raise self._unknown_argument(where, token)
            self._take()
            name, value = token, self._number(token.text)
        else:
            name, value = self._by_position(where, given, token)
        if name.text in given:
            raise self._token_error("repeated-argument", f"'{name.text}' given twice", name)
        self._check_kind(known[name.text], value, self.tokens[self.next - 1])
        given[name.text] = value, name

    def _by_position(
        self, where: Distribution, given: dict[str, tuple[float, _Token]], token: _Token
    ) -> tuple[_Token, float]:
        self.next -= 1
        place = len(given)
        if place >= len(where.arguments):
            message = f"{where.name} has {_names(where)}; got one more"
            raise self._token_error("too-many-arguments", message, token)
        name = where.arguments[place].name
        value = self._number(name)
        if list(given) != [a.name for a in where.arguments[:place]]:
            message = "a number without a name cannot follow arguments in another order"
            raise self._token_error("syntax", message, token, f"write {name}={token.text}")
        return _Token("name", name, token.column), value

    def _number(self, name: str) -> float:
        token = self._take()
        value = float(token.text) if token.kind == "number" else math.nan
        if token.kind == "not_finite" or (token.kind == "number" and not math.isfinite(value)):
            message = f"{name}: finite number expected, got '{token.text}'"
            raise self._token_error("not-finite", message, token)
        if token.kind == "name":
            self._refuse_attribute(token)
        if token.kind != "number":
            found = f"'{token.text}'" if token.text else "nothing"
            hint = "the arguments of a prior are numbers"
            message = f"{name}: number expected, got {found}"
            raise self._token_error("not-a-number", message, token, hint)
        return value + 0.0  # -0 becomes 0

    def _check_kind(self, argument: Argument, value: float, token: _Token) -> None:
        wrong = {
            "real": False,
            "positive": value <= 0,
            "unit": not 0 < value < 1,
            "count": value < 1 or value != int(value),
        }[argument.kind]
        if wrong:
            expected = {"positive": "> 0", "unit": "between 0 and 1", "count": "an integer >= 1"}
            message = f"{argument.name} must be {expected[argument.kind]}, got {token.text}"
            raise self._token_error("argument-range", message, token)

    def _complete(self, where: Distribution, given: dict[str, tuple[float, _Token]]) -> Prior:
        chosen = where.arguments
        if where.alternative and given and set(given) <= {a.name for a in where.alternative}:
            chosen = where.alternative
        names = [a.name for a in chosen]
        for name, (_, token) in given.items():
            if name not in names:
                message = f"{where.name} has {_names(where)}; got a mixture"
                raise self._token_error("argument-mixture", message, token)
        values = {a.name: given[a.name][0] if a.name in given else a.default for a in chosen}
        missing = [a.name for a in chosen if values[a.name] is None and not a.optional]
        if missing:
            message = f"{where.name} has {_names(where)}; '{missing[0]}' is missing"
            raise self._error("missing-argument", message, max(len(self.text.rstrip()), 1))
        filled = {name: value for name, value in values.items() if value is not None}
        self._check_together(where, filled)
        return Prior(where.name, tuple(filled.items()))

    def _check_together(self, where: Distribution, values: dict[str, float]) -> None:
        end = max(len(self.text.rstrip()), 1)
        if values.get("lower", -math.inf) >= values.get("upper", math.inf):
            raise self._error("argument-order", "lower must be below upper", end)
        if where.name == "TruncatedNormal" and not {"lower", "upper"} & set(values):
            message = "TruncatedNormal needs lower or upper"
            raise self._error("missing-argument", message, end, "without a limit use Normal")
        if where.name == "Beta" and "mu" in values:
            mu, sigma = values["mu"], values["sigma"]
            if sigma**2 >= mu * (1 - mu):
                message = "no Beta has this mean and sd: sigma^2 must be below mu (1 - mu)"
                raise self._error("argument-range", message, end)

    def _unknown_argument(self, where: Distribution, token: _Token) -> PriorError:
        names = [a.name for a in (*where.arguments, *where.alternative)]
        message = f"{where.name} has {_names(where)}; got '{token.text}'"
        usual = {"mean": "mu", "loc": "mu", "sd": "sigma", "scale": "sigma", "df": "nu"}
        close = usual.get(token.text) if usual.get(token.text) in names else None
        close = close or nearest(token.text, names)
        hint = f"did you mean '{close}'?" if close else ""
        return self._token_error("unknown-argument", message, token, hint)

    def _refuse_attribute(self, token: _Token) -> None:
        if "." in token.text or token.text.startswith("_"):
            message = f"'{token.text}' is not allowed: a prior has plain names only"
            raise self._token_error("attribute", message, token)

    def _peek(self) -> _Token:
        return self.tokens[min(self.next, len(self.tokens) - 1)]

    def _take(self) -> _Token:
        token = self._peek()
        self.next += 1
        return token

    def _accept(self, mark: str) -> bool:
        if self._peek().text == mark:
            self.next += 1
            return True
        return False

    def _expect(self, mark: str, words: str = "") -> None:
        token = self._peek()
        if not self._accept(mark):
            found = f"'{token.text}'" if token.text else "the end"
            words = words or f"'{mark}'"
            raise self._token_error("syntax", f"{words} expected, got {found}", token)

    def _token_error(self, id: str, message: str, token: _Token, hint: str = "") -> PriorError:
        return self._error(id, message, token.column, hint, max(len(token.text), 1))

    def _error(
        self, id: str, message: str, column: int, hint: str = "", width: int = 1
    ) -> PriorError:
        shown = redact(self.text[:MAX_LENGTH])
        where = Where(source=shown, caret=column, width=width)
        example = "LKJ(2)" if shown.lstrip().startswith("LKJ") else "Normal(0, 1)"
        return PriorError(f"prior.{id}", message, where, hint or f"write for example {example}")


def _names(where: Distribution) -> str:
    first = ", ".join(a.name for a in where.arguments)
    second = ", ".join(a.name for a in where.alternative)
    return f"{first} (or {second})" if second else first
