"""The audit in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hiermix.design.identification.kinds import ZERO
from hiermix.design.identification.result import Identification, LevelGraph
from hiermix.design.identification.sets import EffectSets

SHOWN_PARTS = 3
"""Parts of a graph whose sizes a sentence names."""

MANY = 3
"""Levels in which a slope fails in the same way before they share a sentence."""

MAX_NAMES = 8
"""Names that one sentence lists; a categorical slope has many."""


def sentences(identification: Identification, limit: int) -> tuple[str, ...]:
    """Return a sentence for each graph in parts and each set of effects, ``limit`` at most.

    Slopes that fail in the same way in many levels share one. Where there are more sentences, the
    last one says how many. Sets that are not shown are counted without being put in words.
    """
    graphs = [graph for graph in identification.graphs if graph.n_components > 1]
    repeats = [_repeats(sets) for sets in identification.sets]
    total = len(graphs) + identification.n_sets
    total += sum(len(r.sentences) - int(r.covered.sum()) for r in repeats)
    every = _all(identification, graphs, repeats)
    if total <= limit:
        return tuple(every)
    shown = tuple(islice(every, max(limit - 1, 0)))
    rest = f"and {total - len(shown)} more: see identification.csv of the run"
    return (*shown, rest)[: max(limit, 0)]


def graph_sentence(graph: LevelGraph) -> str:
    """Return the parts of a graph in words; empty where all levels hang together."""
    if graph.n_components == 1:
        return ""
    (a, b, n), *others = graph.parts[:SHOWN_PARTS]
    sizes = [f"{a} x {b} levels with {n} row{'' if n == 1 else 's'}"]
    sizes += [f"{a} x {b} with {n}" for a, b, n in others]
    if graph.n_components > len(sizes):
        sizes.append("...")
    return (
        f"{graph.first} and {graph.second} fall into {graph.n_components} separate parts "
        f"({'; '.join(sizes)}): differences between parts are known only through the priors"
    )


@dataclass(frozen=True)
class _Repeats:
    """Sentences about many sets at once; ``covered`` marks where those sets begin."""

    sentences: tuple[str, ...]
    covered: np.ndarray


def _repeats(sets: EffectSets) -> _Repeats:
    """Find slopes that are zero, or constant beside an intercept, in more than `MANY` levels."""
    covered = np.zeros((len(sets.label), sets.n_own), dtype=bool)
    found = []
    for c, column in enumerate(sets.columns[: sets.n_own]):
        if column.is_ones:
            continue
        zero = np.flatnonzero(sets.label[:, c] == ZERO)
        if len(zero) > MANY:
            covered[zero, c] = True
            found.append(
                f"{column.name} is 0 in every row of {_levels(sets, c, zero)}: "
                "the slopes there are known only through their prior"
            )
        for i, other in enumerate(sets.columns[: sets.n_own]):
            if not other.is_ones or other.place != column.place:
                continue
            same = (sets.label == sets.label[:, [c]]) & (sets.label[:, [c]] >= 0)
            pair = same[:, i] & (same.sum(axis=1) == 2) & sets.constant[:, c]
            flat = np.flatnonzero(pair)
            if len(flat) > MANY:
                covered[flat, min(i, c)] = True
                found.append(
                    f"{column.name} does not vary in {_levels(sets, c, flat)}: only a combination "
                    f"of the intercept and the slope of {column.name} is identified there"
                )
    return _Repeats(tuple(found), covered)


def _levels(sets: EffectSets, column: int, rows: np.ndarray) -> str:
    """Return how many levels, and the first of them, in words."""
    owner = sets.columns[column].owner
    names = [owner.texts[int(sets.levels[column][row])] for row in rows[:MANY].tolist()]
    return f"{len(rows)} levels of {owner.name} ({', '.join(names)}, ...)"


def _all(
    identification: Identification, graphs: Sequence[LevelGraph], repeats: Sequence[_Repeats]
) -> Iterator[str]:
    for graph in graphs:
        yield identification.prefix(graph.parameter) + graph_sentence(graph)
    for sets, repeated in zip(identification.sets, repeats, strict=True):
        prefix = identification.prefix(sets.parameter)
        for sentence in repeated.sentences:
            yield prefix + sentence
        for row, members in sets.each(sets.first() & ~repeated.covered):
            yield prefix + _set_sentence(sets, row, members)


def _set_sentence(sets: EffectSets, row: int, members: Sequence[int]) -> str:
    own = [c for c in members if c < sets.n_own]
    rivals = [f"the {sets.text(row, c)}" for c in members if c >= sets.n_own]
    first = sets.columns[own[0]]
    level = first.owner.text(int(sets.levels[own[0]][row]))
    if sets.label[row, own[0]] == ZERO:
        return (
            f"{first.name} is 0 in every row of {level}: its slope is known only through its prior"
        )
    if all(sets.columns[c].is_ones for c in own):
        texts = [sets.text(row, c) for c in own]
        effects = f"the effect{'s' if len(texts) > 1 else ''} of {_listed(texts)}"
        return f"only the sum of {_listed([effects, *rivals])} is identified"
    if len({sets.columns[c].place for c in own}) > 1 or rivals:
        return f"only combinations of {_listed(_parts(sets, row, own) + rivals)} are identified"
    return _within_level(sets, row, own, level)


def _within_level(sets: EffectSets, row: int, own: Sequence[int], level: str) -> str:
    slopes = [sets.columns[c].name for c in own if not sets.columns[c].is_ones]
    intercept = len(slopes) < len(own)
    names = f"slope{'s' if len(slopes) > 1 else ''} of {_listed(slopes)}"
    effects = f"its intercept and its {names}" if intercept else f"its {names}"
    n_rows = int(sets.n_rows[row])
    if all(sets.columns[c].is_ones or sets.constant[row, c] for c in own):
        verb = "does" if len(slopes) == 1 else "do"
        why = f"{_listed(slopes)} {verb} not vary in {level}"
    elif n_rows < len(own):
        why = f"{level} has {n_rows} row{'' if n_rows == 1 else 's'} for {len(own)} effects"
    else:
        dependent = [*slopes, "a constant"] if intercept else slopes
        why = f"{_listed(dependent)} are linearly dependent in {level}"
    return f"{why}: only a combination of {effects} is identified"


def _parts(sets: EffectSets, row: int, own: Sequence[int]) -> list[str]:
    return [
        f"the {'intercept of ' if sets.columns[c].is_ones else 'slope of '}{sets.text(row, c)}"
        for c in own
    ]


def _listed(texts: Sequence[str]) -> str:
    if len(texts) > MAX_NAMES:
        texts = [*texts[: MAX_NAMES - 1], f"{len(texts) - MAX_NAMES + 1} others"]
    *before, last = texts
    return f"{', '.join(before)} and {last}" if before else last
