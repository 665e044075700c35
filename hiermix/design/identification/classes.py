"""Row classes: levels of different partitions that have exactly the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.design.identification.partitions import Partition

ABSENT = -1
"""Stands for the class of a rival's level that no level of a factor shares its rows with."""


@dataclass(frozen=True)
class Containment:
    """In which level of an outer partition each level of an inner one lies.

    ``parent`` is the outer level of one of its rows, ``held`` says that it is that of all of them;
    both have shape ``(n_levels,)``.
    """

    parent: np.ndarray
    held: np.ndarray

    @property
    def nested(self) -> bool:
        """Whether every level of the inner partition lies within one level of the outer."""
        return bool(self.held.all())


def containment(inner: Partition, outer: Partition) -> Containment:
    """Find the outer level of each inner level; time and memory linear in rows."""
    n_levels = len(inner.counts)
    parent = np.zeros(n_levels, dtype=np.int64)
    parent[inner.index] = outer.index
    held = np.ones(n_levels, dtype=bool)
    held[inner.index[parent[inner.index] != outer.index]] = False
    return Containment(parent, held)


def same_rows(inner: Partition, outer: Partition, found: Containment) -> np.ndarray:
    """Return the outer level with the same rows as each inner level, or ``ABSENT``.

    A level inside another one with as many rows has the same rows.
    """
    same = found.held & (inner.counts == outer.counts[found.parent])
    return np.where(same, found.parent, ABSENT)


@dataclass(frozen=True)
class RowClasses:
    """Distinct sets of rows that are a level of some factor.

    ``class_of`` has, for each partition, the class of each of its levels. ``takes_part`` has shape
    ``(n_partitions, n_classes)``, ``n_different`` and ``n_rows`` ``(n_classes,)`` count the rows of
    each: the different ones, and all. A partition has no two levels with
    the same rows, so a class has at most one level of each.
    """

    class_of: tuple[np.ndarray, ...]
    takes_part: np.ndarray
    n_different: np.ndarray
    n_rows: np.ndarray

    def levels(self, partition: int) -> np.ndarray:
        """Return the level that each class has in a partition, 0 where it has none."""
        levels = np.zeros(len(self.n_rows), dtype=np.int64)
        own = self.class_of[partition]
        present = own != ABSENT
        levels[own[present]] = np.flatnonzero(present)
        return levels


def row_classes(
    partitions: Sequence[Partition], contained: dict[tuple[int, int], Containment]
) -> RowClasses:
    """Group the levels by their rows.

    Having the same rows is an equivalence, and a class has one level a partition, so looking for
    a match among the factors before is enough: no union-find.

    Parameters
    ----------
    partitions
        Factors first, then common effects, then the residual if it is a rival.
    contained
        ``(i, j)`` -> levels of partition i inside those of j; for factors i > j at least.
    """
    class_of: list[np.ndarray] = []
    n_different: list[np.ndarray] = []
    n_rows: list[np.ndarray] = []
    n_classes = 0
    for place, partition in enumerate(partitions):
        if partition.role == "residual":
            class_of.append(np.zeros(0, dtype=np.int64))
            continue
        own = np.full(len(partition.counts), ABSENT, dtype=np.int64)
        for before, other in enumerate(partitions[:place]):
            if other.role != "factor":
                continue
            found = contained.get((place, before)) or containment(partition, other)
            match = same_rows(partition, other, found)
            new = (own == ABSENT) & (match != ABSENT)
            own[new] = class_of[before][match[new]]
        if partition.role == "factor":
            fresh = own == ABSENT
            own[fresh] = n_classes + np.arange(int(fresh.sum()))
            n_different.append(partition.counts[fresh])
            n_rows.append(n_different[-1] if partition.rows is None else partition.rows[fresh])
            n_classes += len(n_rows[-1])
        class_of.append(own)
    takes_part = np.zeros((len(partitions), n_classes), dtype=bool)
    for place, own in enumerate(class_of):
        takes_part[place, own[own != ABSENT]] = True
    return RowClasses(
        tuple(class_of), takes_part, np.concatenate(n_different), np.concatenate(n_rows)
    )
