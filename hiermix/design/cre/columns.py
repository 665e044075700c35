"""Entries of ``cre`` + design columns -> columns of level means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hiermix.design.cre.means import LevelMeans, decompose, outer_factors
from hiermix.design.cre.variation import Variation, variation
from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart
from hiermix.spec.contextual import MEAN, WITHIN, CreEntry, Form

SUM_ROUNDING = 1e-9
"""Dummies are 0 and 1; their sums are exact."""


@dataclass(frozen=True)
class ContextualColumn:
    """One design column whose level means are in the model.

    Attributes
    ----------
    group, term
        Grouping factor, and the term as the formula has it.
    source
        The design column of the formula: ``x``, ``f[b]``.
    within, mean
        The columns of the final design that carry the within effect (``x`` or
        ``cre_within_x``) and the mean (``cre_mean_x``).
    form
        ``mundlak``: the coefficient of ``mean`` is the contextual effect. ``within-between``: it
        is the between effect.
    """

    group: str
    term: str
    source: str
    within: str
    mean: str
    form: Form


@dataclass(frozen=True)
class Chosen:
    """The terms that one factor's means are taken of; ``kept`` has a flag for each column."""

    factor: Factor
    form: Form
    terms: tuple[CommonTerm, ...]
    kept: Mapping[str, np.ndarray]
    variation: Mapping[str, Variation]
    stated: bool


def choose(entry: CreEntry, part: LinearPart, weight: np.ndarray) -> Chosen:
    """Look up the factor and the terms of an entry and see which columns can have means.

    A column keeps its mean if it varies within some level, its means vary between levels, and
    they are no combination of the others'.
    Without ``terms`` in the spec, those with such a column are taken.
    """
    factor = next(f for f in part.factors if f.variables == entry.factor)
    names = None if entry.terms is None else {term.name for term in entry.terms}
    candidates = [t for t in part.common if names is None or t.name in names]
    seen = {t.name: variation(t, factor, weight) for t in candidates}
    kept = {
        t.name: seen[t.name].varies_within & seen[t.name].varies_between & _independent(t)
        for t in candidates
    }
    terms = tuple(t for t in candidates if names is not None or kept[t.name].any())
    return Chosen(factor, entry.form, terms, kept, seen, names is not None)


def _independent(term: CommonTerm) -> np.ndarray:
    """Return which columns' means are no combination of the others', shape ``(k,)``.

    The means of a dummy for every category add up to one, as the dummies do.
    """
    free = np.ones(len(term.columns), dtype=bool)
    if term.only_factors and len(free) > 1:
        free[0] = not bool((np.abs(term.values.sum(axis=1) - 1) < SUM_ROUNDING).all())
    return free


@dataclass(frozen=True)
class Extended:
    """A linear part with contextual columns, and what they are made of."""

    part: LinearPart
    columns: tuple[ContextualColumn, ...]
    means: tuple[LevelMeans, ...]


def extend(part: LinearPart, chosen: Sequence[Chosen], weight: np.ndarray) -> Extended:
    """Add the level means; in the form within-between, replace x by x minus them.

    Parameters
    ----------
    part
        The formula's own columns.
    chosen
        One for each entry of ``cre``.
    weight
        Shape ``(n_obs,)``: weights of the rows in the means.
    """
    common: list[CommonTerm] = []
    added: dict[int, list[CommonTerm]] = {i: [] for i in range(len(chosen))}
    columns: dict[int, list[ContextualColumn]] = {i: [] for i in range(len(chosen))}
    stored: dict[int, list[LevelMeans]] = {i: [] for i in range(len(chosen))}
    swept: dict[str, _Sweep] = {}
    for term in part.common:
        places = [i for i, c in enumerate(chosen) if term in c.terms and c.kept[term.name].any()]
        if not places:
            common.append(term)
            continue
        sweep = _Sweep.of(term, [chosen[i].factor for i in places], weight)
        form = chosen[places[0]].form
        own = term
        if form == "within-between":
            swept[term.name] = sweep
            own = _within(term, sweep.within)
        common.append(own)
        for i, between in zip(places, sweep.parts, strict=True):
            several = len(places) > 1
            mean = _mean(term, chosen[i], between, several)
            added[i].append(mean)
            columns[i] += _columns(term, own, mean, chosen[i], form)
            stored[i].append(sweep.means[places.index(i)])
    group = tuple(
        _swept_slope(slope, swept[slope.expression], weight) if slope.expression in swept else slope
        for slope in part.group
    )
    order = range(len(chosen))
    return Extended(
        replace(part, common=(*common, *(t for i in order for t in added[i])), group=group),
        tuple(c for i in order for c in columns[i]),
        tuple(_joined(stored[i]) for i in order if stored[i]),
    )


@dataclass(frozen=True)
class _Sweep:
    """A term split into its within part and the between-level part of each factor."""

    factors: tuple[Factor, ...]
    within: np.ndarray
    parts: tuple[np.ndarray, ...]
    means: tuple[LevelMeans, ...]

    @classmethod
    def of(cls, term: CommonTerm, factors: Sequence[Factor], weight: np.ndarray) -> _Sweep:
        return cls.of_values(term.columns, term.values, factors, weight)

    @classmethod
    def of_values(
        cls, names: Sequence[str], x: np.ndarray, factors: Sequence[Factor], weight: np.ndarray
    ) -> _Sweep:
        means = tuple(LevelMeans.of(factor, names, x, weight) for factor in factors)
        by_row = [m.values[f.index] for m, f in zip(means, factors, strict=True)]
        within, parts = decompose(x, by_row, means[0].overall, outer_factors(factors))
        return cls(tuple(factors), within, parts, means)


def _within(term: CommonTerm, values: np.ndarray) -> CommonTerm:
    return replace(
        term,
        name=f"{WITHIN}{term.name}",
        columns=tuple(f"{WITHIN}{column}" for column in term.columns),
        values=values,
        # Deviations from shares are no dummies any more.
        only_factors=False,
    )


def _mean(term: CommonTerm, chosen: Chosen, values: np.ndarray, several: bool) -> CommonTerm:
    name = f"{MEAN}{term.name}" + (f"_by_{chosen.factor.name}" if several else "")
    kept = np.flatnonzero(chosen.kept[term.name])
    labels = None if term.labels is None else tuple(term.labels[i] for i in kept)
    columns = (name,) if labels is None else tuple(f"{name}[{label}]" for label in labels)
    return CommonTerm(name, columns, values[:, kept], labels, variables=term.variables)


def _columns(
    term: CommonTerm, own: CommonTerm, mean: CommonTerm, chosen: Chosen, form: Form
) -> Iterator[ContextualColumn]:
    for name, i in zip(mean.columns, np.flatnonzero(chosen.kept[term.name]), strict=True):
        yield ContextualColumn(
            chosen.factor.name, term.name, term.columns[i], own.columns[i], name, form
        )


def _swept_slope(slope: GroupTerm, sweep: _Sweep, weight: np.ndarray) -> GroupTerm:
    """Let the levels deviate from the within effect, not from an effect of x that is gone."""
    own = _Sweep.of_values(slope.columns, slope.values, sweep.factors, weight)
    return replace(
        slope,
        name=f"{WITHIN}{slope.name}",
        expression=f"{WITHIN}{slope.expression}",
        columns=tuple(f"{WITHIN}{column}" for column in slope.columns),
        values=own.within,
    )


def _joined(parts: Sequence[LevelMeans]) -> LevelMeans:
    return replace(
        parts[0],
        columns=tuple(c for p in parts for c in p.columns),
        values=np.concatenate([p.values for p in parts], axis=1),
        overall=np.concatenate([p.overall for p in parts]),
    )
