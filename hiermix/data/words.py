"""How messages show cells, and the one place that data errors point to."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from hiermix.errors import Where

PATH = Where(key="data.path")
QUERY = Where(key="data.query")

LONGEST = 60
"""Characters of a cell that a message shows."""

MOST_NAMES = 20
"""Columns that a message lists."""


def cell(text: str) -> str:
    r"""Quote a cell, with nothing hidden in it, cut to a readable length.

    Examples
    --------
    >>> cell("a\x1b[2J")
    "'a\\x1b[2J'"
    """
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...")


def bare(text: str) -> str:
    """Show a cell without quotes, where its text is plain."""
    return text if text.isprintable() and len(text) <= LONGEST else cell(text)


def listing(names: Sequence[str]) -> str:
    """Name the columns that there are."""
    more = ", ..." if len(names) > MOST_NAMES else ""
    return "columns: " + ", ".join(names[:MOST_NAMES]) + more


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Return the name that was probably meant."""
    folded = [other for other in names if other.casefold() == name.casefold()]
    return next(iter(folded or difflib.get_close_matches(name, names, n=1, cutoff=0.5)), None)


def counted(number: int, noun: str) -> str:
    """Count something.

    Examples
    --------
    >>> counted(1, "row"), counted(3, "row")
    ('1 row', '3 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
