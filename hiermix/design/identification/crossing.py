"""How two grouping factors lie to one another: nested, or crossed in one or several parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hiermix.design.identification.classes import Containment
from hiermix.design.identification.partitions import Partition
from hiermix.design.identification.result import LevelGraph

MAX_PARTS = 20
"""Parts of a graph whose sizes are kept."""


@dataclass(frozen=True)
class Crossing:
    """Observed pairs of levels of two factors: ``first`` and ``second`` level, ``n_rows``."""

    first: np.ndarray
    second: np.ndarray
    n_rows: np.ndarray


def observed_pairs(a: Partition, b: Partition, multiplicity: np.ndarray | None) -> Crossing:
    """Return the observed pairs of levels; time O(n_obs log n_obs).

    ``multiplicity`` ``(n_obs,)`` says how many rows each stands for; ``None`` for one.
    """
    code = a.index * len(b.counts) + b.index
    pairs, index = np.unique(code, return_inverse=True)
    n_rows = np.bincount(index, multiplicity).astype(np.int64)
    return Crossing(pairs // len(b.counts), pairs % len(b.counts), n_rows)


def count_partners(
    a: Partition, b: Partition, a_in_b: Containment, b_in_a: Containment, pairs: Crossing | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of levels of b that each level of a meets, and the other way round.

    ``pairs`` is ``None`` where one factor is nested in the other: each inner level is one pair.
    """
    n_a, n_b = len(a.counts), len(b.counts)
    if a_in_b.nested:
        return np.ones(n_a, dtype=np.int64), np.bincount(a_in_b.parent, minlength=n_b)
    if b_in_a.nested:
        return np.bincount(b_in_a.parent, minlength=n_a), np.ones(n_b, dtype=np.int64)
    assert pairs is not None  # crossed factors have theirs
    return np.bincount(pairs.first, minlength=n_a), np.bincount(pairs.second, minlength=n_b)


def level_graph(parameter: str, a: Partition, b: Partition, pairs: Crossing) -> LevelGraph:
    """Return the connected components of the bipartite graph of levels that meet in a row."""
    n_a, n_b = len(a.counts), len(b.counts)
    edges = coo_matrix(
        (np.ones(len(pairs.first), dtype=np.int8), (pairs.first, n_a + pairs.second)),
        shape=(n_a + n_b, n_a + n_b),
    )
    n_parts, part_of = connected_components(edges, directed=False)
    rows = np.bincount(part_of[pairs.first], pairs.n_rows, minlength=n_parts).astype(np.int64)
    firsts = np.bincount(part_of[:n_a], minlength=n_parts)
    seconds = np.bincount(part_of[n_a:], minlength=n_parts)
    order = np.lexsort((-seconds, -firsts, -rows))[:MAX_PARTS]
    sizes = np.stack([firsts, seconds, rows], axis=1)[order]
    return LevelGraph(
        parameter,
        a.name,
        b.name,
        int(n_parts),
        tuple((int(i), int(j), int(n)) for i, j, n in sizes),
        n_a,
        n_b,
        int(rows.sum()),
    )
