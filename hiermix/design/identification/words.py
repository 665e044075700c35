"""The audit in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from hiermix.design.identification.kinds import ZERO
from hiermix.design.identification.result import Identification, LevelGraph
from hiermix.design.identification.sets import EffectSets

SHOWN_PARTS = 3
"""Parts of a graph whose sizes a sentence names."""

MAX_NAMES = 8
"""Names that one sentence lists; a categorical slope has many."""


def sentences(identification: Identification, limit: int) -> tuple[str, ...]:
    """Return a sentence for each graph in parts and each set of effects, ``limit`` at most.

    Where there are more, the last one says how many. Sets that are not shown are counted without
    being put in words.
    """
    graphs = [graph for graph in identification.graphs if graph.n_components > 1]
    total = len(graphs) + identification.n_sets
    every = _all(identification, graphs)
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


def _all(identification: Identification, graphs: Sequence[LevelGraph]) -> Iterator[str]:
    for graph in graphs:
        yield identification.prefix(graph.parameter) + graph_sentence(graph)
    for sets in identification.sets:
        prefix = identification.prefix(sets.parameter)
        for row, members in sets:
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
