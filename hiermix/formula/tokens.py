"""Text of a formula to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hiermix.formula.characters import refuse_hidden, unsupported
from hiermix.formula.source import Source

MAX_LENGTH = 10_000
"""Longest formula, in characters."""

MAX_DEPTH = 32
"""Deepest nesting of parentheses."""

Kind = Literal["name", "quoted", "number", "text", "operator", "end"]

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
    rf"|(?P<number>{_NUMBER})"
    r"|(?P<quoted>`[^`\n]*`)"
    r"|(?P<text>\"[^\"'\\\n]*\"|'[^\"'\\\n]*')"
    r"|(?P<operator>\|\||\*\*|==|!=|<=|>=|//|[-+*/:~|(),<>={}])"
)
_ATTRIBUTE = re.compile(r"\.[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the formula; ``text[start:end]`` of the source."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_operator(self, *texts: str) -> bool:
        """Whether the token is one of these operators."""
        return self.kind == "operator" and self.text in texts


def tokenize(source: Source) -> tuple[Token, ...]:
    """Split a formula into tokens, the last of kind ``end``.

    Raises
    ------
    FormulaError
        For text that is too long or nested too deeply, and for characters, quotes and
        backquotes that are no part of the language.

    Examples
    --------
    >>> [t.text for t in tokenize(Source("y ~ x1.5 + (1|`a b`)"))]
    ['y', '~', 'x1.5', '+', '(', '1', '|', '`a b`', ')', '']
    """
    text = source.text
    if len(text) > MAX_LENGTH:
        raise source.error(
            "too-long",
            f"the formula has {len(text)} characters; limit {MAX_LENGTH}",
            MAX_LENGTH,
            hint="leave out terms",
        )
    refuse_hidden(source)
    tokens: list[Token] = []
    position = depth = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.group() == "//":
            _refuse(source, position)
        assert found is not None
        token = Token(_kind(found), found.group(), position, found.end())
        position = found.end()
        if found.lastgroup == "space":
            continue
        depth += token.is_operator("(") - token.is_operator(")")
        if depth > MAX_DEPTH:
            raise source.error(
                "too-deep",
                f"nesting deeper than {MAX_DEPTH} {source.place(token.start)}",
                token.start,
                hint="remove parentheses that are not needed",
            )
        if token.text == "``":
            raise source.error(
                "backquote",
                f"empty backquotes {source.place(token.start)}",
                token.start,
                token.end,
                "write the column's name between them",
            )
        tokens.append(token)
    return (*tokens, Token("end", "", len(text), len(text)))


def _kind(found: re.Match[str]) -> Kind:
    kinds: dict[str | None, Kind] = {
        "name": "name",
        "number": "number",
        "quoted": "quoted",
        "text": "text",
    }
    return kinds.get(found.lastgroup, "operator")


def _refuse(source: Source, start: int) -> None:
    text = source.text
    if text[start] == "`":
        raise source.error(
            "backquote",
            f"backquote {source.place(start)} is not closed",
            start,
            hint="a backquoted name starts and ends with ` on one line",
        )
    if text[start] in "\"'":
        raise source.error(
            "text",
            f"quote {source.place(start)} is not closed",
            start,
            hint='column names go in backquotes; text is only for comparing, as I(f == "a")',
        )
    attribute = _ATTRIBUTE.match(text, start)
    if attribute is not None:
        raise source.error(
            "attribute-access",
            f"attribute access not allowed {source.place(start)}",
            start,
            attribute.end(),
            "a formula holds columns and the functions on its list, nothing else",
        )
    end = start + 2 if text.startswith("//", start) else start + 1
    raise unsupported(source, start, end)
