"""What a formula says: response, common terms, group terms, offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hiermix.errors import Where
from hiermix.formula.expression import Expression, unique
from hiermix.formula.writers import column_text


@dataclass(frozen=True)
class Term:
    """A term with coefficients: one expression, or the interaction of several."""

    factors: tuple[Expression, ...]

    @property
    def name(self) -> str:
        """The term's name as formulae and Bambi print it, such as ``x``, ``x:z``, ``I(x ** 2)``."""
        return ":".join(factor.name for factor in self.factors)

    @property
    def variables(self) -> tuple[str, ...]:
        """Data columns, each once."""
        return unique(v for factor in self.factors for v in factor.variables)

    @property
    def key(self) -> frozenset[Expression]:
        """What makes two terms the same: ``a:b`` and ``b:a`` are one term."""
        return frozenset(self.factors)

    @property
    def may_have_columns(self) -> bool:
        """Whether the term can have more than one column: factors, polynomials, splines."""
        return any(f.is_column or f.function in ("C", "poly", "bs") for f in self.factors)

    def render(self, rename: Mapping[str, str] | None = None) -> str:
        """Return the term's text, as ``Expression.render`` does."""
        return ":".join(factor.render(rename) for factor in self.factors)


@dataclass(frozen=True)
class GroupTerm:
    """Effects that vary over the levels of one factor: ``(x | g)`` is ``1`` and ``x`` by ``g``.

    ``factor`` holds the columns whose combinations are the levels. ``correlated`` says that one
    bar asked for correlations and that there can be more than one effect a level; whether there
    is depends on the data (a column can be a factor).
    """

    factor: tuple[str, ...]
    intercept: bool
    terms: tuple[Term, ...]
    correlated: bool

    @property
    def factor_name(self) -> str:
        """Name of the factor, such as ``a:b``."""
        return ":".join(self.factor)

    @property
    def variables(self) -> tuple[str, ...]:
        """Data columns of effects and factor, each once."""
        return unique([*(v for term in self.terms for v in term.variables), *self.factor])

    @property
    def may_correlate(self) -> bool:
        """Whether there can be more than one effect a level."""
        return may_correlate(self.intercept, self.terms)

    @property
    def short(self) -> str:
        """The group term without spaces, for messages: ``(1|g)``."""
        effects = "+".join(term.name for term in self.terms)
        left = effects or "1" if self.intercept else f"0+{effects}"
        return f"({left}{self._bar}{self.factor_name})"

    @property
    def _bar(self) -> str:
        return "|" if self.correlated or not self.may_correlate else "||"

    def render(self) -> str:
        """Return the canonical text, such as ``(0 + x || g)``."""
        effects = " + ".join(term.render() for term in self.terms)
        left = effects or "1" if self.intercept else f"0 + {effects}"
        return f"({left} {self._bar} {':'.join(column_text(name) for name in self.factor)})"


def may_correlate(intercept: bool, terms: tuple[Term, ...]) -> bool:
    """Return whether these effects can have more than one column."""
    return intercept + len(terms) > 1 or any(term.may_have_columns for term in terms)


@dataclass(frozen=True)
class Response:
    """The left-hand side.

    ``expression`` is the response itself: y, the successes, the censored or truncated value.
    ``arguments`` holds, by kind:

    ==============  ============================================================
    ``plain``       nothing
    ``proportion``  ``trials``: column or whole number
    ``censored``    ``status``: column
    ``truncated``   ``lb``, ``ub``: column, number, or ``None`` for no bound
    ``weighted``    ``weights``: expression
    ==============  ============================================================
    """

    kind: str
    expression: Expression
    arguments: Mapping[str, Expression | int | float | None] = field(hash=False)
    text: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Data columns, each once, those of the response itself first."""
        others = [a for a in self.arguments.values() if isinstance(a, Expression)]
        return unique(v for part in (self.expression, *others) for v in part.variables)


@dataclass(frozen=True)
class Formula:
    """A formula, expanded.

    Two formulas are equal when they say the same in the same order, however they are written.

    Attributes
    ----------
    response
        ``None`` for the right-hand side of a component.
    intercept
        Whether there is a common intercept.
    terms
        Common terms, each once, in the order of their first appearance.
    group_terms
        One for each factor of each group term: ``(x | a/b)`` gives one for ``a``, one for ``a:b``.
    offsets
        The arguments of ``offset()``: a number, or an expression of columns.
    text
        What the user wrote.
    """

    response: Response | None
    intercept: bool
    terms: tuple[Term, ...]
    group_terms: tuple[GroupTerm, ...]
    offsets: tuple[Expression, ...]
    text: str = field(compare=False)
    mentions: Mapping[str, Where] = field(compare=False, repr=False)

    def canonical(self) -> str:
        """Return the one text for everything that says the same.

        Examples
        --------
        >>> from hiermix.formula import parse_formula
        >>> parse_formula("y~(1+x||g/h)+z*x - z").canonical()
        'y ~ x + z:x + (x || g) + (x || g:h)'
        """
        parts = [] if self.intercept else ["0"]
        parts += [term.render() for term in self.terms]
        parts += [term.render() for term in self.group_terms]
        parts += [f"offset({offset.render()})" for offset in self.offsets]
        right = f"~ {' + '.join(parts or ['1'])}"
        return right if self.response is None else f"{self.response.text} {right}"

    def variables(self) -> tuple[str, ...]:
        """Return every data column that is used, each once, those of the response first."""
        response = () if self.response is None else self.response.variables
        return unique([*response, *self.predictors()])

    def predictors(self) -> tuple[str, ...]:
        """Return the data columns of the right-hand side, each once."""
        parts: tuple[Term | GroupTerm | Expression, ...]
        parts = (*self.terms, *self.group_terms, *self.offsets)
        return unique(v for part in parts for v in part.variables)

    def variable_span(self, name: str) -> Where:
        """Return where the formula first mentions a column.

        Raises
        ------
        KeyError
            The formula does not mention it.
        """
        return self.mentions[name]
