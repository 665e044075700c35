"""A reading position in the tokens of one formula."""

from __future__ import annotations

from dataclasses import dataclass, field

from hiermix.errors import FormulaError, Where
from hiermix.formula.expression import Column
from hiermix.formula.source import Source, shown
from hiermix.formula.tokens import Token, tokenize
from hiermix.formula.writers import RESERVED_NAMES


@dataclass
class Cursor:
    """Tokens, the position in them, and every mention of a column so far."""

    source: Source
    tokens: tuple[Token, ...]
    position: int = 0
    mentions: list[tuple[str, int, int]] = field(default_factory=list)

    @classmethod
    def over(cls, text: str) -> Cursor:
        """Return a cursor at the start of ``text``."""
        source = Source(text)
        return cls(source, tokenize(source))

    @property
    def here(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.position]

    @property
    def following(self) -> Token:
        """The token after ``here``."""
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    @property
    def previous(self) -> Token:
        """The token read last (the first one before any was read)."""
        return self.tokens[max(self.position - 1, 0)]

    def take(self) -> Token:
        """Read a token."""
        token = self.here
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def accept(self, *operators: str) -> Token | None:
        """Read the token if it is one of these operators."""
        return self.take() if self.here.is_operator(*operators) else None

    def close(self, opening: Token) -> Token:
        """Read the ``)`` that belongs to ``opening``."""
        closing = self.accept(")")
        if closing is not None:
            return closing
        if self.here.kind == "end":
            raise self.source.error(
                "parenthesis",
                f"'(' {self.source.place(opening.start)} is not closed",
                opening.start,
                hint="add ')'",
            )
        raise self.unexpected()

    def finish(self) -> None:
        """Raise unless everything was read."""
        if self.here.kind != "end":
            raise self.unexpected()

    def column(self) -> Column:
        """Read a column name."""
        token = self.take()
        name = token.text[1:-1] if token.kind == "quoted" else token.text
        if token.kind == "name":
            self._check_plain(token)
        self.mentions.append((name, token.start, token.end))
        return Column(name)

    def _check_plain(self, token: Token) -> None:
        if any(part.startswith("_") for part in token.text.split(".")[1:]):
            raise self.source.error(
                "attribute-access",
                f"attribute access not allowed: '{shown(token.text)}' "
                f"{self.source.place(token.start)}",
                token.start,
                token.end,
                f"if it is a column: `{shown(token.text)}` in backquotes",
            )
        if token.text.startswith("_") or token.text in RESERVED_NAMES:
            why = "starts with '_'" if token.text.startswith("_") else "is a word of the language"
            raise self.source.error(
                "reserved-name",
                f"'{shown(token.text)}' {why} {self.source.place(token.start)}",
                token.start,
                token.end,
                f"a column of that name is written `{shown(token.text)}`, in backquotes",
            )

    def mention(self, name: str, start: int = 0) -> Where:
        """Return the first place at or after offset ``start`` where a column is named."""
        for mentioned, first, end in self.mentions:
            if mentioned == name and first >= start:
                return self.source.where(first, end)
        raise KeyError(name)

    def missing_operand(self) -> FormulaError:
        """Return the error for a place where a term or value has to stand."""
        token, before = self.here, self.previous
        if token.kind == "end" and self.position > 0:
            return self.source.error(
                "ends-early",
                f"formula ends after '{before.text}'",
                before.start,
                before.end,
                f"add what follows '{before.text}', or delete it",
            )
        if token.is_operator("{", "}"):
            return self._brace()
        place = self.source.place(token.start)
        return self.source.error(
            "unexpected",
            f"unexpected '{shown(token.text)}' {place}; a term is missing before it",
            token.start,
            token.end,
            "an operator stands between two terms",
        )

    def unexpected(self) -> FormulaError:
        """Return the error for a token that cannot follow what was read."""
        token = self.here
        if token.is_operator("{", "}"):
            return self._brace()
        if token.kind == "end":
            return self.missing_operand()
        place = self.source.place(token.start)
        message = f"unexpected '{shown(token.text)}' {place}"
        hint = "check the operators and parentheses before it"
        if token.kind != "operator" or token.text == "(":
            message += "; operator missing?"
            hint = "terms are joined by + - * / :"
        elif token.text == ")":
            hint = "no '(' is open here"
        elif token.text == ",":
            hint = "commas separate the arguments of a function"
        elif token.text == "=":
            hint = "the response and the terms are separated by '~'"
        elif token.text in ("==", "!=", "<", "<=", ">", ">="):
            hint = f"a comparison goes inside I(): I(x {token.text} 0)"
        return self.source.error("unexpected", message, token.start, token.end, hint)

    def _brace(self) -> FormulaError:
        token = self.here
        for callee, after in zip(
            self.tokens[self.position :], self.tokens[self.position + 1 :], strict=False
        ):
            if callee.kind == "name" and "." in callee.text and after.is_operator("("):
                return self.source.error(
                    "braces",
                    f"'{token.text}' not supported, and '{shown(callee.text)}' not allowed: "
                    "attribute access not allowed in a formula",
                    callee.start,
                    callee.end,
                    "arithmetic on columns is written I(...)",
                )
        return self.source.error(
            "braces",
            f"'{token.text}' not supported {self.source.place(token.start)}",
            token.start,
            token.end,
            "arithmetic on columns is written I(...)",
        )
