"""Entries of ``cre`` + design columns -> columns of level means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hiermix.design.cre.choice import Chosen, Sweep, spans_ones
from hiermix.design.cre.independence import independent
from hiermix.design.cre.means import LevelMeans
from hiermix.design.cre.variation import ROUNDING
from hiermix.design.types import CommonTerm, GroupTerm, LinearPart
from hiermix.spec.contextual import MEAN, WITHIN, Form


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
    swept: dict[str, Sweep] = {}
    for term in part.common:
        places = [i for i, c in enumerate(chosen) if c.has_means(term)]
        if not places:
            common.append(term)
            continue
        sweep = Sweep.of(term.columns, term.values, [chosen[i].factor for i in places], weight)
        form = chosen[places[0]].form
        varying = np.ones(len(term.columns), dtype=bool)
        own = term
        if form == "within-between":
            varying = np.all([chosen[i].variation[term.name].varies_within for i in places], axis=0)
            varying &= independent(sweep.within, np.zeros((len(weight), 0)), weight)
            swept[term.name] = sweep
            own = _picked(_within(term, sweep.within), varying)
        if varying.any():
            common.append(own)
        for i, between, means in zip(places, sweep.parts, sweep.means, strict=True):
            kept = chosen[i].kept[term.name]
            if form == "within-between":
                # What does not vary within a level is its own mean, and only that.
                flat = ~chosen[i].variation[term.name].varies_within
                kept = kept | (flat & chosen[i].can_have_mean(term))
            mean = _mean(term, chosen[i], between, kept, len(places) > 1)
            added[i].append(mean)
            columns[i] += _columns(term, own, mean, kept & varying, chosen[i], form)
            stored[i].append(means)
    group = tuple(_swept_slope(slope, swept, weight) for slope in part.group)
    order = range(len(chosen))
    return Extended(
        replace(part, common=(*common, *(t for i in order for t in added[i])), group=group),
        tuple(c for i in order for c in columns[i]),
        tuple(_joined(stored[i]) for i in order if stored[i]),
    )


def _picked(term: CommonTerm, columns: np.ndarray) -> CommonTerm:
    places = np.flatnonzero(columns)
    return replace(
        term,
        columns=tuple(term.columns[i] for i in places),
        values=term.values[:, places],
        labels=None if term.labels is None else tuple(term.labels[i] for i in places),
    )


def _within(term: CommonTerm, values: np.ndarray) -> CommonTerm:
    return replace(
        term,
        name=f"{WITHIN}{term.name}",
        columns=tuple(f"{WITHIN}{column}" for column in term.columns),
        values=values,
        # Deviations from shares are no dummies any more.
        only_factors=False,
    )


def _mean(
    term: CommonTerm, chosen: Chosen, values: np.ndarray, kept: np.ndarray, several: bool
) -> CommonTerm:
    name = f"{MEAN}{term.name}" + (f"_by_{chosen.factor.name}" if several else "")
    places = np.flatnonzero(kept)
    labels = None if term.labels is None else tuple(term.labels[i] for i in places)
    columns = (name,) if labels is None else tuple(f"{name}[{label}]" for label in labels)
    return CommonTerm(name, columns, values[:, places], labels, variables=term.variables)


def _columns(
    term: CommonTerm,
    own: CommonTerm,
    mean: CommonTerm,
    both: np.ndarray,
    chosen: Chosen,
    form: Form,
) -> Iterator[ContextualColumn]:
    """Yield the columns that have a within effect and a mean."""
    within_name = WITHIN if form == "within-between" else ""
    for i in np.flatnonzero(both):
        source = term.columns[i]
        suffix = source.removeprefix(term.name)
        assert f"{within_name}{source}" in own.columns
        yield ContextualColumn(
            chosen.factor.name,
            term.name,
            source,
            f"{within_name}{source}",
            f"{mean.name}{suffix}",
            form,
        )


def _swept_slope(slope: GroupTerm, swept: dict[str, Sweep], weight: np.ndarray) -> GroupTerm:
    """Let the levels deviate from the within effect, not from an effect of x that is gone.

    Dummies of every category hold the levels' intercepts too and stay as they are; so do slopes
    of a column that does not vary within the levels that means are taken by.
    """
    sweep = swept.get(slope.expression)
    if sweep is None or spans_ones(slope):
        return slope
    own = Sweep.of(slope.columns, slope.values, sweep.factors, weight)
    if (own.within.std(axis=0) <= ROUNDING * slope.values.std(axis=0)).any():
        return slope
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
