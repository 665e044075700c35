"""Sets of effects that cannot be told from each other, row class by row class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.design.identification.algebra import find_links, first_member
from hiermix.design.identification.classes import RowClasses
from hiermix.design.identification.kinds import ALONE, ZERO, kinds_of
from hiermix.design.identification.partitions import Partition
from hiermix.design.types import GroupTerm

PIECE = 2**22
"""Numbers that the algebra works on at a time; a few such arrays are alive at once."""


@dataclass(frozen=True, eq=False)
class Column:
    """One effect for each level of a partition.

    ``name`` is ``1`` for a column of ones, else that of the slope column ``position`` of ``term``;
    ``term`` is ``None`` for a rival. ``size`` and ``spread`` are the largest absolute value and
    the range of a slope column.
    """

    place: int
    owner: Partition
    name: str
    term: GroupTerm | None = None
    position: int = 0
    size: float = 1.0
    spread: float = 0.0

    @property
    def is_ones(self) -> bool:
        """Whether the column is 1 in every row of a level."""
        return self.term is None or self.term.expression == "1"

    def text(self, level: int) -> str:
        """Return the effect of one level in words."""
        text = self.owner.text(level)
        return text if self.is_ones else f"{self.name} of {text}"


@dataclass(frozen=True, eq=False)
class EffectSets:
    """The effects of the row classes in which the same partitions take part.

    ``levels`` holds, for each of ``columns``, the level of its owner in each class. ``label`` has
    shape ``(n_classes, n_columns)``: position of the first column of the set that the column is
    in, ``ALONE`` for none, ``ZERO`` for a column that is zero. ``kind`` has the same shape. The
    first ``n_own`` columns are those of group terms, the others belong to rivals.
    """

    parameter: str
    columns: tuple[Column, ...]
    n_own: int
    levels: tuple[np.ndarray, ...]
    n_rows: np.ndarray
    label: np.ndarray
    kind: np.ndarray
    constant: np.ndarray

    @property
    def n_sets(self) -> int:
        """Number of sets, a column that is zero being one of its own."""
        return int(self.first().sum())

    def first(self) -> np.ndarray:
        """Return where each set has its first column, shape ``(n_classes, n_own)``."""
        own = self.label[:, : self.n_own]
        return np.asarray((own == np.arange(self.n_own)) | (own == ZERO))

    def each(self, first: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """Yield the class and the columns of the sets that begin at ``first``."""
        for row in np.flatnonzero(first.any(axis=1)).tolist():
            for column in np.flatnonzero(first[row]).tolist():
                yield row, self.members(row, column)

    def members(self, row: int, column: int) -> list[int]:
        """Return the columns of the set that a column is in, itself included."""
        if self.label[row, column] < 0:
            return [column]
        same: list[int] = np.flatnonzero(self.label[row] == self.label[row, column]).tolist()
        return same

    def text(self, row: int, column: int) -> str:
        """Return one effect in words."""
        return self.columns[column].text(int(self.levels[column][row]))


def effect_sets(
    parameter: str,
    columns: Sequence[Column],
    classes: RowClasses,
    crossed: np.ndarray,
    one_row: np.ndarray,
) -> tuple[tuple[EffectSets, ...], np.ndarray, np.ndarray]:
    """Work out the sets of all row classes.

    Parameters
    ----------
    parameter
        Name of the linear predictor.
    columns
        Columns of the group terms, then those of the rivals.
    classes
        Row classes of their owners.
    crossed
        Shape ``(n_partitions, n_partitions)``: neither factor is nested in the other.
    one_row
        Shape ``(n_partitions,)``: factors of which every level is one row, with a residual.

    Returns
    -------
    tuple
        The sets, those of most partitions first; for each class, which of them it is in, and at
        which row.
    """
    signature = np.zeros(len(classes.n_rows), dtype=np.int64)
    for part in classes.takes_part:
        signature = np.unique(2 * signature + part, return_inverse=True)[1]
    groups = [np.flatnonzero(signature == s) for s in range(int(signature.max()) + 1)]
    groups.sort(key=lambda members: (-int(classes.takes_part[:, members[0]].sum()), members[0]))
    which = np.zeros(len(signature), dtype=np.int64)
    row = np.zeros(len(signature), dtype=np.int64)
    found = []
    for place, members in enumerate(groups):
        which[members] = place
        row[members] = np.arange(len(members))
        found.append(_sets(parameter, columns, classes, members, crossed, one_row))
    return tuple(found), which, row


def _sets(
    parameter: str,
    columns: Sequence[Column],
    classes: RowClasses,
    members: np.ndarray,
    crossed: np.ndarray,
    one_row: np.ndarray,
) -> EffectSets:
    takes_part = classes.takes_part[:, members[0]]
    present = tuple(column for column in columns if takes_part[column.place])
    n_own = sum(column.term is not None for column in present)
    label, constant = _labels(present, classes, members)
    levels = {c.place: classes.levels(c.place)[members] for c in present}
    n_rows = classes.n_rows[members]
    kind = kinds_of(
        label,
        constant,
        np.array([c.place for c in present]),
        np.array([c.is_ones for c in present]),
        [c.owner.role for c in present],
        n_rows,
        crossed,
        one_row,
    )
    return EffectSets(
        parameter,
        present,
        n_own,
        tuple(levels[c.place] for c in present),
        n_rows,
        label,
        kind,
        constant,
    )


def _labels(
    columns: Sequence[Column], classes: RowClasses, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and which slopes are constant, both ``(n_classes, n_columns)``."""
    ones = [i for i, column in enumerate(columns) if column.is_ones]
    slopes = [i for i, column in enumerate(columns) if not column.is_ones]
    label = np.full((len(members), len(columns)), ALONE, dtype=np.int16)
    constant = np.zeros(label.shape, dtype=bool)
    if not slopes:
        # Columns of ones with the same rows are one column.
        label[:, ones] = ones[0] if len(ones) > 1 else ALONE
        return label, constant
    own = [columns[i] for i in slopes]
    size = np.array([column.size for column in own])
    spread = np.array([column.spread for column in own])
    order = np.array([*ones, *slopes])
    back = np.argsort(order)
    for piece, rows, starts in _pieces(own, classes, members, len(columns)):
        values = np.stack([_values(column, rows) for column in own])
        links = find_links(values, starts, len(ones), size, spread)
        found = first_member(links.linked[:, back][:, :, back])
        found[:, slopes] = np.where(links.zero, ZERO, found[:, slopes])
        label[piece] = found
        constant[piece.start : piece.stop, slopes] = links.constant
    return label, constant


def _values(column: Column, rows: np.ndarray) -> np.ndarray:
    assert column.term is not None  # rivals have ones
    return np.asarray(column.term.values[rows, column.position])


def _pieces(
    slopes: Sequence[Column], classes: RowClasses, members: np.ndarray, n_columns: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield runs of classes with their rows, class by class, and where each class starts."""
    owner = slopes[0]
    at = np.full(len(classes.n_different), -1, dtype=np.int64)
    at[members] = np.arange(len(members))
    row_class = at[classes.class_of[owner.place][owner.owner.index]]
    rows = np.flatnonzero(row_class >= 0)
    rows = rows[np.argsort(row_class[rows], kind="stable")]
    ends = np.cumsum(classes.n_different[members])
    cost = ends * len(slopes) + np.arange(len(members)) * n_columns**2
    cuts = np.flatnonzero(np.diff(cost // PIECE)) + 1
    for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(members)], strict=True):
        first = int(ends[start - 1]) if start else 0
        starts = np.append(first, ends[start : stop - 1]) - first
        yield slice(start, stop), rows[first : int(ends[stop - 1])], starts
