"""Labels that are different texts, though hardly meant to be different levels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from hiermix.data.words import PATH, cell
from hiermix.errors import DataError

_PLAIN = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?")


def check_labels(name: str, labels: Iterable[str], may_merge: bool) -> tuple[str, ...]:
    """Refuse labels that differ only in what nobody sees.

    Parameters
    ----------
    name
        Column.
    labels
        Its levels, in order.
    may_merge
        Whether to refuse labels that are the same number too.

    Returns
    -------
    tuple
        Warnings: labels that differ only by case.

    Raises
    ------
    DataError
        Labels differ only by blanks around them, by the way in which accents are stored, or by
        how a number is written.
    """
    known = list(labels)
    for same in _alike(known, str.strip):
        raise DataError(
            "data.labels-blanks",
            f"{name}: {' and '.join(map(cell, same))} differ only by blanks",
            PATH,
            f"correct the file, or use trim({name}) in data.query",
        )
    for same in _alike(known, lambda label: unicodedata.normalize("NFC", label)):
        raise DataError(
            "data.labels-accents",
            f"{name}: {' and '.join(map(ascii, same))} differ only by how accents are stored",
            PATH,
            f"correct the file, or use nfc_normalize({name}) in data.query",
        )
    for same in _alike(known, as_number) if may_merge else ():
        raise DataError(
            "data.labels-merge",
            f"{name}: labels {','.join(map(cell, same))} would merge; read as text",
            PATH,
            f"set data.types.{name}: category if they are different levels; else correct the file",
        )
    return tuple(
        f"{name}: {' and '.join(map(cell, same))} differ only by case; they are different levels"
        for same in _alike(known, str.casefold)
    )


def as_number(label: str) -> str:
    """Write a number in one way, and leave other labels alone.

    Examples
    --------
    >>> as_number("007"), as_number("7.0"), as_number("-0.50"), as_number("g07")
    ('7', '7', '-0.5', 'g07')
    """
    found = _PLAIN.fullmatch(label)
    if found is None or not re.search(r"\d", label):
        return label
    sign, whole, fraction = found.groups()
    decimals = (fraction or "").rstrip("0")
    digits = (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "")
    return ("-" if sign == "-" and digits != "0" else "") + digits


def _alike(labels: list[str], key: Callable[[str], str]) -> Iterable[list[str]]:
    """Return the labels that share a key, where there are several; up to three of each."""
    if len(set(map(key, labels))) == len(labels):
        return ()
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(key(label), []).append(label)
    return (same[:3] for same in groups.values() if len(same) > 1)
