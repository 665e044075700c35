"""Rows to levels of a grouping factor, those that were not fitted included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hiermix.data.reading import Kind
from hiermix.studies.predict.expressions import Columns
from hiermix.studies.predict.spelling import Spellings
from hiermix.studies.predict.stored import StoredColumn, StoredFactor


def level_texts(values: np.ndarray, kind: Kind) -> np.ndarray:
    """Return the texts of levels that a column stands for, as the fit had them.

    Examples
    --------
    >>> level_texts(np.array([2001.0, 2001.5]), "int64").tolist()
    ['2001', '2001.5']
    >>> level_texts(np.array([1.0]), "bool").tolist()
    ['1.0']
    """
    if kind == "category":
        return values
    codes, found = pd.factorize(values)
    whole = kind == "int64"
    texts = [str(int(v)) if whole and v == np.floor(v) else str(float(v)) for v in found]
    return np.array(texts, dtype=object)[codes]


@dataclass(frozen=True)
class RowLevels:
    """Levels of some rows of one factor.

    ``place`` ``(n,)`` are positions among the fitted levels, -1 for new ones. ``new`` are the texts
    of the new levels, one for each variable of the factor, and ``which`` ``(n,)`` the position of
    each row's among them, -1 for fitted ones. ``respelt`` maps texts, in the order of the rows, to
    the fitted ones that they mean.
    """

    place: np.ndarray
    new: tuple[tuple[str, ...], ...]
    which: np.ndarray
    respelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_new(self) -> np.ndarray:
        """Which rows have a level that was not fitted, shape ``(n,)``."""
        return np.asarray(self.place < 0)


class LevelIndex:
    """Finds the fitted levels of one factor.

    Parameters
    ----------
    factor
        Its variables and levels.
    columns
        Types of the data columns.
    """

    def __init__(self, factor: StoredFactor, columns: Mapping[str, StoredColumn]) -> None:
        self._factor = factor
        self._kinds = tuple(columns[name].kind for name in factor.variables)
        parts = list(zip(*factor.levels, strict=True))
        self._parts = [pd.Index(pd.unique(np.array(part, dtype=object))) for part in parts]
        self._spellings = [Spellings(tuple(part)) for part in self._parts]
        codes = np.zeros(len(factor.levels), dtype=np.int64)
        for index, part in zip(self._parts, parts, strict=True):
            codes = codes * len(index) + index.get_indexer(pd.Index(part))
        self._codes = pd.Index(codes)

    def of_rows(self, values: Columns) -> RowLevels:
        """Return the levels of rows."""
        texts = [
            level_texts(values[name], kind)
            for name, kind in zip(self._factor.variables, self._kinds, strict=True)
        ]
        respelt: dict[str, str] = {}
        texts = [self._known(i, own, respelt) for i, own in enumerate(texts)]
        codes = np.zeros(len(texts[0]), dtype=np.int64)
        known = np.ones(len(codes), dtype=bool)
        for index, own in zip(self._parts, texts, strict=True):
            place = index.get_indexer(pd.Index(own))
            known &= place >= 0
            codes = codes * len(index) + place
        found = np.where(known, self._codes.get_indexer(pd.Index(codes)), -1)
        which = np.full(len(codes), -1)
        rows = np.flatnonzero(found < 0)
        seen: dict[tuple[str, ...], int] = {}
        for row, key in zip(rows, zip(*(own[rows] for own in texts), strict=True), strict=True):
            which[row] = seen.setdefault(tuple(key), len(seen))
        return RowLevels(found, tuple(seen), which, respelt)

    def _known(self, part: int, texts: np.ndarray, respelt: dict[str, str]) -> np.ndarray:
        """Return texts as the fit wrote them, where they mean the same; extend ``respelt``."""
        index = self._parts[part]
        codes, own = pd.factorize(texts)
        unknown = np.flatnonzero(index.get_indexer(pd.Index(own)) < 0)
        if not len(unknown):
            return texts
        own = own.astype(object)
        for i in unknown:
            place = self._spellings[part].position(own[i])
            if place >= 0:
                respelt[own[i]] = own[i] = index[place]
        return np.asarray(own[codes])
