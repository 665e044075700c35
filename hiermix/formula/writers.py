"""Expressions to text: for people, for names, and for formulae.

formulae (0.6) reads almost the same language, with these differences, which its writer avoids:

- term names lose parentheses, so that ``I((x + 1) * 2)`` and ``I(x + 1 * 2)`` share one name;
- there are no exponent literals, and a name shows ``0.00001`` as ``1e-05``;
- unary minus binds tighter than ``**``;
- integer columns overflow in ``**`` and refuse negative powers; sums of comparisons are "or".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

RESERVED_NAMES = frozenset({"True", "False", "None"})
"""Words that name a column only in backquotes."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9][A-Za-z0-9_]*)*")
_EXACT = 2**53

COMPARISON, SUM, PRODUCT, SIGNED, POWER, ATOM = range(6)


class Written(NamedTuple):
    """Text and how tightly its outermost operator binds (``COMPARISON`` to ``ATOM``)."""

    text: str
    level: int


def column_text(name: str) -> str:
    """Return a column name as a formula writes it.

    Examples
    --------
    >>> column_text("x1.5"), column_text("price per unit"), column_text("_x")
    ('x1.5', '`price per unit`', '`_x`')
    """
    plain = _PLAIN.fullmatch(name) and name not in RESERVED_NAMES
    return name if plain else f"`{name}`"


class Writer:
    """Canonical text for people; reads back as the same expression."""

    def column(self, name: str) -> str:
        """Return the text of a column."""
        return column_text(name)

    def numeric_column(self, name: str) -> Written:
        """Return the text of a column that is computed with."""
        return Written(self.column(name), ATOM)

    def number(self, value: int | float) -> str:
        """Return a number without an exponent."""
        return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")

    def bracket(self, text: str) -> str:
        """Return a part that is computed first."""
        return f"({text})"

    def fit(self, part: Written, level: int) -> str:
        """Return ``part`` as an operand of an operator that needs ``level`` or tighter."""
        return part.text if part.level >= level else self.bracket(part.text)

    def comparison(self, left: str, operator: str, right: str) -> Written:
        """Return the text of a comparison."""
        return Written(f"{left} {operator} {right}", COMPARISON)


class NameWriter(Writer):
    """Names of terms, as formulae and Bambi print them: no backquotes."""

    def column(self, name: str) -> str:
        """Return the column's own name."""
        return name


class FormulaeWriter(Writer):
    """Text that formulae evaluates as the user meant it, under the name that is the text.

    Parameters
    ----------
    rename
        What every data column is called in the table that formulae gets.
    """

    def __init__(self, rename: Mapping[str, str]) -> None:
        self._rename = rename

    def column(self, name: str) -> str:
        """Return the text of the renamed column."""
        return column_text(self._rename[name])

    def numeric_column(self, name: str) -> Written:
        """Return the column made float64, whatever it is in the table."""
        return Written(f"{self.column(name)} * 1.0", PRODUCT)

    def number(self, value: int | float) -> str:
        """Return a number that formulae reads exactly and prints unchanged."""
        text = repr(value)
        if "e" not in text and abs(value) < _EXACT:
            return text
        exact = Fraction(text) if isinstance(value, float) else Fraction(value)
        return f"I({exact.numerator} / {exact.denominator})"

    def bracket(self, text: str) -> str:
        """Return a part that is computed first, which shows in the name."""
        return f"I({text})"

    def comparison(self, left: str, operator: str, right: str) -> Written:
        """Return the text of a comparison as 0.0 and 1.0."""
        return Written(f"I({left} {operator} {right}) * 1.0", PRODUCT)
