"""What is wrong with new rows: collected over all of them, told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hiermix.data import words
from hiermix.data.labels import as_number
from hiermix.data.new_rows import Chunk
from hiermix.data.words import bare, counted
from hiermix.errors import DataError, HiermixError, InputErrors, Where

SHOWN = 3
"""Rows that an error names."""

MOST_COMPARED = 10_000
"""Fitted levels that an unknown one is compared with for a hint."""


@dataclass
class _Problem:
    message: str
    hint: str
    examples: list[tuple[str | None, int]] = field(default_factory=list)
    count: int = 0


class Problems:
    """Errors about rows, by id and subject."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Problem] = {}

    def add(
        self,
        id: str,
        subject: str,
        message: str,
        numbers: np.ndarray,
        *,
        shown: Sequence[object] | None = None,
        hint: str = "",
    ) -> None:
        """Add rows to a problem.

        Parameters
        ----------
        id, subject
            Stable id, and column or term: together they name the problem.
        message
            What is wrong with the values, without the rows.
        numbers
            Numbers of the rows.
        shown
            The value of each, if it is to be told.
        hint
            Way out.
        """
        problem = self._found.setdefault((id, subject), _Problem(message, hint))
        problem.count += len(numbers)
        for i in range(min(len(numbers), SHOWN - len(problem.examples))):
            value = None if shown is None else bare(str(shown[i]))
            problem.examples.append((value, int(numbers[i])))

    def add_where(
        self,
        id: str,
        subject: str,
        message: str,
        chunk: Chunk,
        bad: np.ndarray,
        shown: Sequence[object] | np.ndarray | None = None,
        *,
        hint: str = "",
    ) -> None:
        """Add the rows of a chunk where ``bad``, if there are any; see `add`.

        ``shown`` are the values of the whole chunk as an array, or those of the bad rows as a list.
        """
        if not bad.any():
            return
        if isinstance(shown, np.ndarray):
            shown = [f"{value:g}" for value in shown[bad][:SHOWN]]
        self.add(id, subject, message, chunk.numbers[bad], shown=shown, hint=hint)

    def errors(self, file: str, place: Callable[[int], str]) -> list[HiermixError]:
        """Return one error a problem.

        Parameters
        ----------
        file
            The new data.
        place
            Says where a row is.
        """
        return [
            DataError(
                id,
                f"{subject}: {_listed(problem, place)}{problem.message}",
                Where(file=file),
                problem.hint,
            )
            for (id, subject), problem in self._found.items()
        ]


def _listed(problem: _Problem, place: Callable[[int], str]) -> str:
    parts = [
        place(row) if value is None else f"{value} at {place(row)}"
        for value, row in problem.examples
    ]
    more = problem.count - len(parts)
    text = ", ".join(parts) + (f" and {counted(more, 'row')} more" if more else "")
    return f"{text}: " if problem.message else text


def some(texts: Sequence[str]) -> str:
    """Name the first texts, and count the others.

    Examples
    --------
    >>> some(["a", "b"]), some(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return f"{', '.join(map(bare, texts[:SHOWN]))}{more}"


def nearest(value: str, known: Sequence[str]) -> str:
    """Return a hint about what was perhaps meant, or which values there are."""
    same = (label for label in known if as_number(label) == as_number(value))
    close = next(same, None) or words.nearest(value, known[:MOST_COMPARED])
    if close is not None:
        return f"perhaps {close!r} was meant"
    return f"fitted: {some(known)}"


def raise_all(errors: Sequence[HiermixError]) -> None:
    """Raise errors together, if there are any."""
    if errors:
        raise InputErrors(errors)
