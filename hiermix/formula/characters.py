"""Characters that a formula cannot hold, and what was probably meant."""

from __future__ import annotations

import unicodedata

from hiermix.errors import FormulaError
from hiermix.formula.source import Source

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that a reader cannot see: control, format (bidirectional), separators."""

_SPACE = frozenset(" \t\r\n")

_LOOKALIKES = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "*",
    "\N{DIVISION SIGN}": "/",
    "\N{TILDE OPERATOR}": "~",
    "\N{SMALL TILDE}": "~",
    "\N{DIVIDES}": "|",
    "\N{RATIO}": ":",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "`",
}

_HINTS = {
    "%": "nesting is a/b, an interaction a:b; arithmetic goes inside I()",
    "^": "a square is I(x ** 2), all pairs of terms are (a + b) ** 2",
    "&": "an interaction is a:b",
    ".": "name the columns one by one",
    "[": "no brackets: levels are chosen in the data",
    "]": "no brackets: levels are chosen in the data",
    "!": "'!=' compares inside I()",
    "=": "the response and the terms are separated by '~'",
    "//": "arithmetic inside I() has + - * / **",
}


def refuse_hidden(source: Source) -> None:
    """Raise for the first character that a reader cannot see.

    Raises
    ------
    FormulaError
        For control characters, bidirectional and zero-width marks, and other separators.
    """
    text = source.text
    if text.isascii() and text.isprintable():
        return
    for position, character in enumerate(text):
        if character not in _SPACE and unicodedata.category(character) in _HIDDEN:
            raise source.error(
                "hidden-character",
                f"U+{ord(character):04X} not allowed {source.place(position)}: "
                "hidden characters can make a formula look like another one",
                position,
                hint="delete the character and type that part again",
            )


def unsupported(source: Source, start: int, end: int) -> FormulaError:
    """Return the error for a character that is no part of the language."""
    character = source.text[start:end]
    if character.isascii():
        return source.error(
            "unsupported-character",
            f"'{character}' not supported {source.place(start)}",
            start,
            end,
            _HINTS.get(character, "terms are joined by + - * / : ** and grouped by (x | g)"),
        )
    kind = "letter" if character.isalpha() else "character"
    return source.error(
        "non-ascii",
        f"non-ASCII {kind} U+{ord(character):04X} outside backquotes {source.place(start)}",
        start,
        end,
        _meant(source.text, start),
    )


def _meant(text: str, start: int) -> str:
    character = text[start]
    plain = _LOOKALIKES.get(character) or unicodedata.normalize("NFKC", character)
    if plain.isascii() and plain.isprintable():
        what = "a plain space" if plain == " " else f"'{plain}'"
        return f"did you mean {what}? (a column of that name: in backquotes)"
    return "write a column name with such letters in backquotes"
