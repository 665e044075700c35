"""Labels that are written in another way than when they were fitted: ``True`` for ``TRUE``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property

from hiermix.data.cells import ZERO_LED
from hiermix.data.labels import as_number
from hiermix.data.reading import MAX_EXACT

TRUTHS = {"true": "1", "false": "0"}


def truth(label: str) -> str:
    """Write truth values as 1 and 0, and other labels as numbers.

    Examples
    --------
    >>> truth("TRUE"), truth("false"), truth("1.0")
    ('1', '0', '1')
    """
    return TRUTHS.get(label.lower(), number(label))


def number(label: str) -> str:
    """Write a number in one way; zeros in front are part of an identifier.

    So are digits with a decimal point from 2^53 on: a float that had the number of a neighbour
    is written the same.

    Examples
    --------
    >>> number("1.50"), number("1.0"), number("007"), number("9007199254740992.0")
    ('1.5', '1', '007', '9007199254740992.0')
    """
    if re.fullmatch(ZERO_LED, label):
        return label
    written = as_number(label)
    rounded = written != label and "." in label and abs(float(written)) >= MAX_EXACT
    return label if rounded else written


class Spellings:
    """Finds fitted labels by what they mean: where all of them are truth values or numbers.

    Files of another kind write the same value in another way: ``true`` in Parquet and JSON,
    ``TRUE`` in R, ``True`` or 1 in Python; 1.0 for 1 in a column with gaps. Two fitted labels that
    mean the same are different levels, and neither is found so.

    Parameters
    ----------
    labels
        The fitted ones, each once.

    Examples
    --------
    >>> [Spellings(["FALSE", "TRUE"]).position(text) for text in ("true", "0", "yes")]
    [1, 0, -1]
    >>> [Spellings(["1", "2"]).position(text) for text in ("2.0", "true")]
    [1, -1]
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels

    def position(self, text: str) -> int:
        """Return which of the labels a text means, -1 for none."""
        key, places = self._meant
        return -1 if key is None else places.get(key(text), -1)

    @cached_property
    def _meant(self) -> tuple[Callable[[str], str] | None, dict[str, int]]:
        key = _key(self._labels)
        if key is None:
            return None, {}
        places: dict[str, int] = {}
        for i, label in enumerate(self._labels):
            # -1 once a second label has the same meaning.
            places[key(label)] = -1 if key(label) in places else i
        return key, places


def _key(labels: Sequence[str]) -> Callable[[str], str] | None:
    if all(truth(label) in ("0", "1") for label in labels):
        return truth
    return number if all(map(_is_number, labels)) else None


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return "_" not in label
