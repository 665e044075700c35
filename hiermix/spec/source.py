"""Where each key and value of a spec stands in its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hiermix.errors import HiermixError, InputErrors, Where
from hiermix.spec.redaction import redact

Style = Literal["plain", "single", "double", "literal", "folded", "collection"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one entry: its key and its value.

    Attributes
    ----------
    file
        Name for messages: the spec, or ``--set``.
    lines
        All lines of that file.
    key_at, value_at
        ``(line, column)``, both from 1; for an item of a list both are where the item starts.
    style
        How the value is written.
    text
        The value of a scalar as text, before it became a number; ``None`` for a collection.
    """

    file: str
    lines: tuple[str, ...]
    key_at: tuple[int, int]
    value_at: tuple[int, int]
    style: Style
    text: str | None = None

    def inside(self, offset: int) -> tuple[int, int] | None:
        """Return ``(line, column)`` of the ``offset``-th character of the text (from 1).

        ``None`` if the value is not written as it reads: escapes, folding, several lines.
        """
        if self.text is None:
            return None
        if self.style == "literal":
            return self._inside_literal(self.text, offset)
        line, column = self.value_at
        start = column - 1 + (self.style in {"single", "double"})
        written = self.lines[line - 1][start : start + len(self.text)]
        return (line, start + offset) if written == self.text else None

    def offset(self, where: Where) -> int:
        """Return the position in the whole text of a caret in one of its lines."""
        start = 0
        for line in (self.text or "").split("\n"):
            if line == where.source:
                return start + (where.caret or 1)
            start += len(line) + 1
        return where.caret or 1

    def _inside_literal(self, text: str, offset: int) -> tuple[int, int] | None:
        before = text[: offset - 1].split("\n")
        first = self.lines[self.value_at[0]] if self.value_at[0] < len(self.lines) else ""
        indent = len(first) - len(first.lstrip(" "))
        line = self.value_at[0] + len(before)
        wanted = text.split("\n")[len(before) - 1]
        if line > len(self.lines) or self.lines[line - 1][indent:] != wanted:
            return None
        return line, indent + len(before[-1]) + 1


@dataclass(frozen=True)
class SourceMap:
    """Positions of every key of a spec, by dotted key path (``priors.1|g``, ``cre.0.terms.1``)."""

    file: str
    lines: tuple[str, ...]
    places: Mapping[str, Place]

    def where(self, key: str, column_offset: int = 0) -> Where:
        """Return the nearest known position of ``key``.

        Parameters
        ----------
        key
            Dotted key path. If it is not in the text, the nearest parent that is stands in.
        column_offset
            0 points at the key. ``n >= 1`` points at the n-th character of the value (a caret
            of a formula or prior), or at its start if the value is not written on one line.
        """
        place = self.places.get(key)
        if place is None:
            return self._nearest(key)
        at = place.key_at
        if column_offset > 0:
            at = place.inside(column_offset) or place.value_at
        return self._at(place, at, key)

    def value(self, key: str) -> Where:
        """Return where the value of ``key`` starts (the quote, if it is quoted)."""
        place = self.places.get(key)
        return self._at(place, place.value_at, key) if place else self._nearest(key)

    def written(self, key: str) -> str | None:
        """Return the scalar value of ``key`` as it is written, ``None`` if there is none."""
        place = self.places.get(key)
        return place.text if place else None

    def place(self, error: HiermixError, key: str | None = None) -> HiermixError:
        """Return ``error`` with the position of its key in the spec.

        A caret that an error carries counts in its own text (the formula, the prior). Where
        that text stands in the spec as it reads, the caret moves into the line of the spec.

        Parameters
        ----------
        key
            Key path that overrules the one that the error names.
        """
        if isinstance(error, InputErrors):
            return InputErrors(self.place(single, key) for single in error.errors)
        own = error.where
        asked = key or own.key
        if asked is None or own.file is not None:
            return error
        place = self.places.get(asked)
        if own.caret is None:
            where = self.where(asked)
        else:
            offset = place.offset(own) if place else 0
            where = replace(self.where(asked, offset), width=own.width)
            # A text that the spec does not show as it reads is shown as the error gives it.
            if own.source is not None and not (place and place.inside(offset)):
                where = replace(where, source=own.source, caret=own.caret)
        return type(error)(error.id, error.message, where, error.hint)

    def _nearest(self, key: str) -> Where:
        parent = key
        while "." in parent:
            parent = parent.rpartition(".")[0]
            if parent in self.places:
                place = self.places[parent]
                return self._at(place, place.key_at, key)
        return Where(file=self.file, line=1, column=1, key=key or None)

    def _at(self, place: Place, at: tuple[int, int], key: str) -> Where:
        return where_at(place.file, place.lines, at, key)


def where_at(
    file: str, lines: tuple[str, ...], at: tuple[int, int], key: str | None = None, width: int = 1
) -> Where:
    """Return a position with its line shown, credentials starred out."""
    line, column = at
    source = redact(lines[line - 1]) if line <= len(lines) else ""
    return Where(
        file=file, line=line, column=column, key=key, source=source, caret=column, width=width
    )
