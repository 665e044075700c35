"""Entries of ``cre`` + design columns -> which columns can have means by which factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hiermix.design.cre.means import LevelMeans, decompose, outer_factors
from hiermix.design.cre.variation import Variation, variation
from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart
from hiermix.spec.contextual import CreEntry, Form

SUM_ROUNDING = 1e-9
"""Dummies are 0 and 1; their sums are exact."""


@dataclass(frozen=True)
class Chosen:
    """The terms that one factor's means are taken of; ``kept`` has a flag for each column.

    ``stated`` says that the spec names the terms. ``variation`` is that of every candidate.
    """

    factor: Factor
    form: Form
    terms: tuple[CommonTerm, ...]
    kept: Mapping[str, np.ndarray]
    variation: Mapping[str, Variation]
    stated: bool

    def has_means(self, term: CommonTerm) -> bool:
        """Return whether some column of the term has means by this factor."""
        return any(t.name == term.name for t in self.terms) and bool(self.kept[term.name].any())

    def can_have_mean(self, term: CommonTerm) -> np.ndarray:
        """Return which columns differ between levels, and not only as the others do."""
        return np.asarray(self.variation[term.name].varies_between & _independent(term))


@dataclass(frozen=True)
class Sweep:
    """Columns split into their within part and the between-level part of each factor."""

    factors: tuple[Factor, ...]
    within: np.ndarray
    parts: tuple[np.ndarray, ...]
    means: tuple[LevelMeans, ...]

    @classmethod
    def of(
        cls, names: Sequence[str], x: np.ndarray, factors: Sequence[Factor], weight: np.ndarray
    ) -> Sweep:
        """Split columns of shape ``(n_obs, k)``."""
        means = tuple(LevelMeans.of(factor, names, x, weight) for factor in factors)
        by_row = [m.values[f.index] for m, f in zip(means, factors, strict=True)]
        within, parts = decompose(x, by_row, means[0].overall, outer_factors(factors))
        return cls(tuple(factors), within, parts, means)


def choose(entries: Sequence[CreEntry], part: LinearPart, weight: np.ndarray) -> tuple[Chosen, ...]:
    """Look up the factors and the terms of all entries and see which columns can have means.

    A column keeps its mean if it varies within some level, its means vary between levels (for a
    nested factor: beyond those of the outer ones), and they are no combination of the others'.
    Without ``terms`` in the spec, those with such a column are taken.
    """
    alone = [_choose(entry, part, weight) for entry in entries]
    beyond = [_beyond_outer(i, alone, part, weight) for i in range(len(alone))]
    return tuple(
        replace(
            c,
            variation=seen,
            kept={t.name: _kept(t, seen[t.name]) for t in part.common if t.name in seen},
            terms=tuple(t for t in c.terms if c.stated or bool(_kept(t, seen[t.name]).any())),
        )
        for c, seen in zip(alone, beyond, strict=True)
    )


def _choose(entry: CreEntry, part: LinearPart, weight: np.ndarray) -> Chosen:
    factor = next(f for f in part.factors if f.variables == entry.factor)
    names = None if entry.terms is None else {term.name for term in entry.terms}
    candidates = [t for t in part.common if names is None or t.name in names]
    seen = {t.name: variation(t, factor, weight) for t in candidates}
    kept = {t.name: _kept(t, seen[t.name]) for t in candidates}
    terms = tuple(t for t in candidates if names is not None or kept[t.name].any())
    return Chosen(factor, entry.form, terms, kept, seen, names is not None)


def _kept(term: CommonTerm, seen: Variation) -> np.ndarray:
    return np.asarray(seen.varies_within & seen.varies_between & _independent(term))


def _beyond_outer(
    place: int, chosen: Sequence[Chosen], part: LinearPart, weight: np.ndarray
) -> dict[str, Variation]:
    """Return the variation of a factor's own between-level parts, beside the other entries'.

    A plan that is set for whole regions has the same mean in all stores of one: the means by
    store differ, but not beyond those by region.
    """
    own = chosen[place]
    seen = dict(own.variation)
    for term in own.terms:
        users = [c for c in chosen if c.has_means(term) or c is own]
        if len(users) < 2:
            continue
        sweep = Sweep.of(term.columns, term.values, [c.factor for c in users], weight)
        means = sweep.parts[next(i for i, c in enumerate(users) if c is own)]
        centred = term.values - np.average(term.values, axis=0, weights=weight)
        between = np.average(
            (means - np.average(means, axis=0, weights=weight)) ** 2, axis=0, weights=weight
        )
        total = np.average(centred**2, axis=0, weights=weight)
        spread = np.sqrt(between / np.maximum(total, np.finfo(float).tiny))
        seen[term.name] = replace(seen[term.name], spread=spread)
    return seen


def _independent(term: CommonTerm) -> np.ndarray:
    """Return which columns' means are no combination of the others', shape ``(k,)``.

    The means of a dummy for every category add up to one, as the dummies do.
    """
    free = np.ones(len(term.columns), dtype=bool)
    free[0] = not (term.only_factors and spans_ones(term))
    return free


def spans_ones(term: CommonTerm | GroupTerm) -> bool:
    """Return whether several columns are dummies of which one is 1 in every row."""
    if term.values.shape[1] < 2:
        return False
    return bool((np.abs(term.values.sum(axis=1) - 1) < SUM_ROUNDING).all())
