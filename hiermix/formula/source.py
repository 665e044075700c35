"""The text of a formula, and errors that point into it."""

from __future__ import annotations

from dataclasses import dataclass

from hiermix.errors import FormulaError, Where

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Source:
    """Text of one formula; positions are offsets from 0, shown columns count from 1."""

    text: str

    def where(self, start: int, end: int | None = None) -> Where:
        """Return the line that holds ``start``, with a caret under ``start`` to ``end``.

        Examples
        --------
        >>> where = Source("y ~ x +").where(6, 7)
        >>> where.source, where.caret, where.width
        ('y ~ x +', 7, 1)
        """
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", start)
        line = self.text[first:] if last < 0 else self.text[first:last]
        line = line.rstrip("\r")
        end = start + 1 if end is None else end
        width = max(1, min(end, first + len(line)) - start)
        return Where(source=line, caret=start - first + 1, width=width)

    def place(self, start: int) -> str:
        """Return ``at column 7``, or ``on line 2`` where a formula goes over several lines."""
        line = self.text.count("\n", 0, start) + 1
        if line > 1:
            return f"on line {line}"
        return f"at column {start + 1}"

    def cut(self, start: int, end: int) -> str:
        """Return a piece of the text on one line, shortened for a message."""
        return shown(" ".join(self.text[start:end].split()))

    def error(
        self, id: str, message: str, start: int, end: int | None = None, hint: str = ""
    ) -> FormulaError:
        """Return (not raise) an error with a caret under ``start`` to ``end``."""
        return FormulaError(f"formula.{id}", message, self.where(start, end), hint)


def shown(text: str) -> str:
    """Shorten a piece of a formula for a message."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
