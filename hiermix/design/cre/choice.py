"""Entries of ``cre`` + design columns -> which columns can have means by which factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hiermix.design.cre.independence import independent, null_combinations
from hiermix.design.cre.means import LevelMeans, decompose, outer_factors
from hiermix.design.cre.variation import Variation, spread_of, variation
from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart
from hiermix.spec.contextual import CreEntry, Form

SUM_ROUNDING = 1e-9
"""Dummies are 0 and 1; their sums are exact."""


@dataclass(frozen=True)
class Chosen:
    """The terms that one factor's means are taken of; ``kept`` has a flag for each column.

    ``stated`` says that the spec names the terms. ``variation`` and ``free`` are those of every
    candidate: how its columns vary, and which have means that the others do not make.
    """

    factor: Factor
    form: Form
    terms: tuple[CommonTerm, ...]
    kept: Mapping[str, np.ndarray]
    variation: Mapping[str, Variation]
    free: Mapping[str, np.ndarray]
    stated: bool

    def has_means(self, term: CommonTerm) -> bool:
        """Return whether some column of the term has means by this factor."""
        return any(t.name == term.name for t in self.terms) and bool(self.kept[term.name].any())

    def can_have_mean(self, term: CommonTerm) -> np.ndarray:
        """Return which columns differ between levels, and not only as the others do."""
        return np.asarray(self.variation[term.name].varies_between & self.free[term.name])


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
            kept={name: _kept(seen[name], c.free[name]) for name in seen},
            terms=tuple(
                t for t in c.terms if c.stated or bool(_kept(seen[t.name], c.free[t.name]).any())
            ),
        )
        for c, seen in zip(alone, beyond, strict=True)
    )


def _choose(entry: CreEntry, part: LinearPart, weight: np.ndarray) -> Chosen:
    factor = next(f for f in part.factors if f.variables == entry.factor)
    names = None if entry.terms is None else {term.name for term in entry.terms}
    candidates = [t for t in part.common if names is None or t.name in names]
    seen = {t.name: variation(t, factor, weight) for t in candidates}
    free = {t.name: _free(t, factor, entry.form, part, weight) for t in candidates}
    kept = {t.name: _kept(seen[t.name], free[t.name]) for t in candidates}
    terms = tuple(t for t in candidates if names is not None or kept[t.name].any())
    return Chosen(factor, entry.form, terms, kept, seen, free, names is not None)


def _kept(seen: Variation, free: np.ndarray) -> np.ndarray:
    return np.asarray(seen.varies_within & seen.varies_between & free)


def _free(
    term: CommonTerm, factor: Factor, form: Form, part: LinearPart, weight: np.ndarray
) -> np.ndarray:
    """Return which columns have means that are not made of other columns, shape ``(k,)``.

    The means of a dummy for every category add up to one, as the dummies do; those of the others
    to a constant, if one category has the same share everywhere; and combinations of the columns
    that do not vary within levels are in the model already, unless x is replaced.
    """
    if len(term.columns) == 1:
        return np.ones(1, dtype=bool)
    means = LevelMeans.of(factor, term.columns, term.values, weight)
    others = [t for t in part.common if form == "mundlak" or t.name != term.name]
    base = np.zeros((factor.n_groups, 0))
    if part.intercept or any(t.only_factors and spans_ones(t) for t in others):
        base = np.ones((factor.n_groups, 1))
    if form == "mundlak":
        scale = np.maximum(term.values.std(axis=0), np.finfo(float).tiny)
        flat = null_combinations(term.values - means.values[factor.index], scale)
        base = np.column_stack([base, means.values @ flat])
    # Backwards: of dummies for every category it is the first, the reference, that is left out.
    return independent(means.values[:, ::-1], base, means.weight)[::-1]


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
        part_of_own = sweep.parts[next(i for i, c in enumerate(users) if c is own)]
        spread = spread_of(part_of_own, term.values, weight)
        seen[term.name] = replace(seen[term.name], spread=spread)
    return seen


def spans_ones(term: CommonTerm | GroupTerm) -> bool:
    """Return whether several columns are dummies of which one is 1 in every row."""
    if term.values.shape[1] < 2:
        return False
    return bool((np.abs(term.values.sum(axis=1) - 1) < SUM_ROUNDING).all())
