"""What the audit returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hiermix.design.identification.codes import KINDS, STATUSES, Status
from hiermix.design.identification.sets import Column, EffectSets

__all__ = [
    "KINDS",
    "STATUSES",
    "Identification",
    "LevelGraph",
    "Partners",
    "SetIndex",
    "TermIdentification",
]


@dataclass(frozen=True, eq=False)
class SetIndex:
    """Where the sets of a level are: ``class_of`` level, ``which`` sets and ``row`` of a class."""

    sets: tuple[EffectSets, ...]
    class_of: np.ndarray
    which: np.ndarray
    row: np.ndarray


class Partners(Mapping[int, tuple[str, ...]]):
    """Effects that those of one column cannot be told from, level -> texts, made on demand.

    Levels whose effect is identified are no keys; an effect that only its prior tells has no
    partners.
    """

    def __init__(self, status: np.ndarray, column: Column, index: SetIndex) -> None:
        self._status = status
        self._index = index
        self._column = [s.columns.index(column) if column in s.columns else -1 for s in index.sets]

    def __getitem__(self, level: int) -> tuple[str, ...]:
        if not 0 <= level < len(self._status) or self._status[level] == Status.LIKELIHOOD:
            raise KeyError(level)
        own_class = self._index.class_of[level]
        which, row = int(self._index.which[own_class]), int(self._index.row[own_class])
        sets, own = self._index.sets[which], self._column[which]
        return tuple(sets.text(row, c) for c in sets.members(row, own) if c != own)

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._status != Status.LIKELIHOOD).tolist())

    def __len__(self) -> int:
        return int((self._status != Status.LIKELIHOOD).sum())


@dataclass(frozen=True, eq=False)
class TermIdentification:
    """One column of one group term: what the likelihood says about each level's effect.

    Attributes
    ----------
    parameter
        The family's parameter whose linear predictor this is.
    group, term, column
        Factor, name of the term (``1|g``) and its column (``1`` for the intercept).
    levels
        Levels of the factor, ``n_groups`` of them.
    n_rows, n_partners
        Shape ``(n_groups,)``: rows of the level, and levels of another factor in these rows (the
        factor with the fewest; NaN where there is no other factor).
    status, kind
        Shape ``(n_groups,)``: codes into ``STATUSES`` and ``KINDS``.
    partners
        Level -> effects that it cannot be told from, for levels that are not ``likelihood``.
    """

    parameter: str
    group: str
    term: str
    column: str
    levels: tuple[str, ...]
    n_rows: np.ndarray
    n_partners: np.ndarray
    status: np.ndarray
    kind: np.ndarray
    partners: Mapping[int, tuple[str, ...]]

    @property
    def unidentified(self) -> np.ndarray:
        """Shape ``(n_groups,)``: effects that the likelihood does not tell on their own."""
        return np.asarray(self.status != Status.LIKELIHOOD)


@dataclass(frozen=True)
class LevelGraph:
    """How the levels of two crossed factors hang together through the rows.

    Attributes
    ----------
    parameter, first, second
        The family's parameter and the names of the factors.
    n_components
        Connected components of the bipartite graph of levels.
    parts
        ``(levels of first, levels of second, rows)`` of the largest components.
    n_first, n_second, n_rows
        Levels of each factor, and rows.
    """

    parameter: str
    first: str
    second: str
    n_components: int
    parts: tuple[tuple[int, int, int], ...]
    n_first: int
    n_second: int
    n_rows: int

    @property
    def rank(self) -> int:
        """Rank of the indicator columns of both factors: each component takes one away."""
        return self.n_first + self.n_second - self.n_components


@dataclass(frozen=True, eq=False)
class Identification:
    """What the likelihood cannot separate.

    ``parameters`` are those of the linear predictors, the main one first; ``terms`` are in the
    order of the table of group-specific effects; ``sets`` are behind their partners.
    """

    parameters: tuple[str, ...]
    terms: tuple[TermIdentification, ...]
    graphs: tuple[LevelGraph, ...]
    sets: tuple[EffectSets, ...]

    @property
    def n_effects(self) -> int:
        """Group-specific effects."""
        return sum(len(term.levels) for term in self.terms)

    @property
    def n_unidentified(self) -> int:
        """Effects of which only a sum, or only the prior, is known."""
        return sum(int(term.unidentified.sum()) for term in self.terms)

    @property
    def n_sets(self) -> int:
        """Sets of effects that cannot be told from each other; one that is zero is a set."""
        return sum(sets.n_sets for sets in self.sets)

    def prefix(self, parameter: str) -> str:
        """Return what stands before the names of a linear predictor other than the main one."""
        return "" if parameter == self.parameters[0] else f"{parameter}: "

    def term(self, parameter: str, term: str, column: str) -> TermIdentification:
        """Return one column of a group term; raise ``KeyError`` if there is none."""
        for found in self.terms:
            if (found.parameter, found.term, found.column) == (parameter, term, column):
                return found
        raise KeyError((parameter, term, column))
