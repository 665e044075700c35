"""The nearest valid name, and lists of names in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that ``name`` was probably meant to be, or ``None``.

    Examples
    --------
    >>> nearest("gausian", ["gaussian", "gamma"])
    'gaussian'
    >>> nearest("NORMAL", ["Normal", "Cauchy"])
    'Normal'
    >>> nearest("zzz", ["Normal"])
    """
    by_lower: dict[str, str] = {}
    for known in valid:
        by_lower.setdefault(known.lower(), known)
    found = difflib.get_close_matches(name.lower()[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return the end of a message: ``; did you mean 'x'?`` or nothing.

    Examples
    --------
    >>> "'modle'" + did_you_mean("modle", ["data", "model"])
    "'modle'; did you mean 'model'?"
    """
    found = nearest(name, valid)
    return f"; did you mean '{found}'?" if found else ""


def either(words: Iterable[str]) -> str:
    """Join alternatives as a person would.

    Examples
    --------
    >>> either(["auto", "nuts", "exact"])
    'auto, nuts or exact'
    """
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last
