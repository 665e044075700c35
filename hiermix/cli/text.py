"""Text that is safe to show: lines of styled spans, and characters made visible.

User data can hold escape sequences that repaint a terminal or turn the direction of the text. A
span keeps text and style apart, so that the only control characters that a terminal receives
from us are those of our own styles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

Span = tuple[str, str]
"""Text and the name of its style; an empty name is plain."""

Line = tuple[Span, ...]
"""One printed line, without its end."""

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode: control, format (bidirectional marks, zero width), no character, separators."""

CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"@]+(?=@)")


def starred(text: str) -> str:
    """Star out the credentials of URLs, one star a character, so that carets keep their places.

    Examples
    --------
    >>> starred("db://user:password@host")
    'db://*************@host'
    """
    return CREDENTIALS.sub(lambda found: "*" * len(found.group()), text)


def visible(text: str) -> str:
    r"""Return ``text`` on one line with nothing hidden in it.

    Characters that a terminal would act upon are written as escapes, and the credentials of
    URLs are starred out.

    Examples
    --------
    >>> print(visible("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    text = starred(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode("ascii")
        if unicodedata.category(c) in HIDDEN_CATEGORIES
        else c
        for c in text
    )


def width(text: str) -> int:
    """Return how many terminal columns ``text`` takes; it must be ``visible`` already.

    Examples
    --------
    >>> width("x"), width("漢字"), width("e" + chr(0x301))
    (1, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def pad(text: str, columns: int) -> str:
    """Fill ``text`` with blanks on the right up to ``columns`` terminal columns."""
    return text + " " * max(0, columns - width(text))


def line(*parts: str | Span) -> Line:
    """Build a line from plain texts and ``(text, style)`` pairs."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text without styles, hidden characters made visible."""
    return "\n".join("".join(visible(text) for text, _ in spans) for spans in lines)
