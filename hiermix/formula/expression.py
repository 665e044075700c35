"""Expressions: columns, numbers, calls and arithmetic, as frozen trees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hiermix.formula.writers import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SIGNED,
    SUM,
    FormulaeWriter,
    NameWriter,
    Writer,
    Written,
)


class Expression(ABC):
    """A value per row; equal expressions compare equal."""

    def render(self, rename: Mapping[str, str] | None = None) -> str:
        """Return the text of the expression.

        Parameters
        ----------
        rename
            Without it, the canonical text for people. With it, every data column is replaced
            (backquoted if it is not a plain identifier), and the text is the one for
            formulae: it means the same there, and is the name that formulae gives the term.

        Examples
        --------
        >>> half = Arithmetic(("/",), (Column("x y"), Number(2)))
        >>> Call("I", (half,)).render()
        'I(`x y` / 2)'
        >>> Call("I", (half,)).render({"x y": "v0"})
        'I(v0 * 1.0 / 2)'
        """
        return self.written(Writer() if rename is None else FormulaeWriter(rename), False).text

    @property
    def name(self) -> str:
        """Name of a term made of this expression: canonical text without backquotes."""
        return self.written(NameWriter(), False).text

    @property
    def variables(self) -> tuple[str, ...]:
        """Data columns, each once, in order."""
        return unique(v for part in self.parts for v in part.variables)

    @property
    def is_column(self) -> bool:
        """Whether the expression is a bare data column."""
        return isinstance(self, Column)

    @property
    def function(self) -> str | None:
        """Name of the outermost function, if the expression is a call."""
        return None

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Direct operands and arguments."""
        return ()

    @abstractmethod
    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return text and binding level; ``numeric`` says that the value is computed with."""


@dataclass(frozen=True)
class Column(Expression):
    """A data column by the user's name."""

    column: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.column,)

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return the column's text."""
        if numeric:
            return writer.numeric_column(self.column)
        return Written(writer.column(self.column), ATOM)


@dataclass(frozen=True)
class Number(Expression):
    """A finite number, 0 or positive."""

    value: int | float

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return the number's text."""
        return Written(writer.number(self.value), ATOM)


@dataclass(frozen=True)
class Constant(Expression):
    """``True``, ``False`` or ``None`` as an argument."""

    value: bool | None

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return the word."""
        return Written(str(self.value), ATOM)


@dataclass(frozen=True)
class Text(Expression):
    """A label that a column is compared with; it holds no quotes or backslashes."""

    value: str

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return the label in double quotes."""
        return Written(f'"{self.value}"', ATOM)


@dataclass(frozen=True)
class Call(Expression):
    """A function of the allowlist with its arguments."""

    callee: str
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()

    @property
    def function(self) -> str:
        """Name of the function."""
        return self.callee

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Arguments, positional ones first."""
        return (*self.arguments, *(value for _, value in self.keywords))

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return ``f(a, b, k=c)``."""
        inside = self.callee != "C"
        texts = [part.written(writer, inside).text for part in self.arguments]
        texts += [f"{key}={part.written(writer, inside).text}" for key, part in self.keywords]
        return Written(f"{self.callee}({', '.join(texts)})", ATOM)


@dataclass(frozen=True)
class Arithmetic(Expression):
    """Operands joined by operators of one level, ``+ -`` or ``* /``, from left to right."""

    operators: tuple[str, ...]
    operands: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Operands."""
        return self.operands

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return ``a + b - c``; operands of the same level keep their parentheses."""
        level = SUM if self.operators[0] in "+-" else PRODUCT
        texts = [
            writer.fit(operand.written(writer, numeric), level + (i > 0 or _same(operand, level)))
            for i, operand in enumerate(self.operands)
        ]
        pairs = zip(self.operators, texts[1:], strict=True)
        return Written(texts[0] + "".join(f" {op} {text}" for op, text in pairs), level)


def _same(operand: Expression, level: int) -> bool:
    if not isinstance(operand, Arithmetic):
        return False
    return level == (SUM if operand.operators[0] in "+-" else PRODUCT)


@dataclass(frozen=True)
class Power(Expression):
    """``base ** exponent``."""

    base: Expression
    exponent: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Base and exponent."""
        return self.base, self.exponent

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return ``a ** b``."""
        base = writer.fit(self.base.written(writer, numeric), ATOM)
        exponent = self.exponent.written(writer, numeric)
        signed = isinstance(self.exponent, Negative)
        return Written(f"{base} ** {writer.fit(exponent, SIGNED if signed else ATOM)}", POWER)


@dataclass(frozen=True)
class Negative(Expression):
    """``-operand``."""

    operand: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The operand."""
        return (self.operand,)

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return ``-a``; a power keeps parentheses, as languages disagree about them."""
        return Written(f"-{writer.fit(self.operand.written(writer, numeric), ATOM)}", SIGNED)


@dataclass(frozen=True)
class Comparison(Expression):
    """``left < right`` and its kind: 1 where true, 0 elsewhere."""

    operator: str
    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Both sides."""
        return self.left, self.right

    def written(self, writer: Writer, numeric: bool) -> Written:
        """Return ``a < b``; labels are compared with the column as it is."""
        numeric = not any(isinstance(side, Text) for side in self.parts)
        left, right = (
            writer.fit(side.written(writer, numeric), COMPARISON + 1) for side in self.parts
        )
        return writer.comparison(left, self.operator, right)


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values, each once, in order."""
    return tuple(dict.fromkeys(values))
