"""Design + entries of ``cre`` -> the design with group means, what they are, and what to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hiermix.design.cre.checks import measure_contextual
from hiermix.design.cre.choice import Chosen, choose, spans_ones
from hiermix.design.cre.columns import ContextualColumn, extend
from hiermix.design.cre.means import LevelMeans
from hiermix.design.grouping import is_nested
from hiermix.design.types import LinearPart, Response
from hiermix.formula import Formula, Term
from hiermix.formula.expression import Column
from hiermix.measurement import Measurement
from hiermix.spec.contextual import WITHIN, CreEntry, Form


@dataclass(frozen=True)
class Contextual:
    """Contextual columns of a design.

    Attributes
    ----------
    columns
        One for each mean in the design, by factor in the order of ``cre``.
    means
        Level means of the fitted rows, one for each factor: prediction uses them.
    terms
        Factor -> terms whose means are taken, as the resolved spec states them.
    forms
        Factor -> form of its entry.
    plain
        The linear part without contextual columns, the "random-effects" model.
    weight
        Shape ``(n_obs,)``: weights of the rows in the means.
    measurements, notes
        For the gates of the design phase, and sentences for people.
    """

    columns: tuple[ContextualColumn, ...]
    means: tuple[LevelMeans, ...]
    terms: dict[str, tuple[str, ...]]
    forms: dict[str, Form]
    plain: LinearPart
    weight: np.ndarray
    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]


def add_contextual(
    entries: Sequence[CreEntry], plain: LinearPart, weight: np.ndarray, exact: str
) -> tuple[LinearPart, Contextual]:
    """Return the linear part with level means, and what they are.

    Parameters
    ----------
    entries
        ``cre`` in terms of the formula.
    plain
        Columns of the formula.
    weight
        Shape ``(n_obs,)``: weights of the rows in the likelihood.
    exact
        Why the within effect is not the fixed-effects estimate, or nothing.

    Notes
    -----
    Mundlak 1978, doi:10.2307/1913646; within-between form: Bell and Jones 2015,
    doi:10.1017/psrm.2014.7; unbalanced panels and several factors: Wooldridge 2019,
    doi:10.1016/j.jeconom.2018.12.010.
    """
    chosen = choose(entries, plain, weight)
    extended = extend(plain, chosen, weight)
    contextual = Contextual(
        extended.columns,
        extended.means,
        {c.factor.name: tuple(t.name for t in c.terms) for c in chosen},
        {c.factor.name: c.form for c in chosen},
        plain,
        weight,
        measure_contextual(plain, chosen, extended, weight),
        tuple(_notes(plain, chosen, exact)),
    )
    return extended.part, contextual


def row_weights(response: Response, known_se: np.ndarray | None) -> np.ndarray:
    """Return how much each row counts in the likelihood, shape ``(n_obs,)``.

    Weights of ``weighted(y, w)``, numbers of trials, 1 / se^2 of known standard errors, else 1.
    """
    if response.weights is not None:
        return response.weights
    if response.trials is not None:
        return response.trials.astype(np.float64)
    if known_se is not None:
        return np.asarray(1 / known_se**2)
    return np.ones(len(response.values))


def _notes(plain: LinearPart, chosen: Sequence[Chosen], exact: str) -> Iterator[str]:
    for entry in chosen:
        name = entry.factor.name
        if not entry.terms:
            yield (
                f"cre by {name}: no common term varies within {name} and has means that differ "
                f"between its levels{_beyond(entry, chosen)}; no group means were added"
            )
            continue
        flat = [] if entry.stated else list(_without_spread(plain, entry))
        if flat:
            yield (
                f"cre by {name}: {', '.join(flat)} {'has' if len(flat) == 1 else 'have'} the "
                f"same mean in every level of {name}{_beyond(entry, chosen)}, so no group mean was "
                "added"
            )
        dropped = [
            column
            for term in entry.terms
            for column, kept in zip(term.columns, entry.kept[term.name], strict=True)
            if entry.stated and not kept
        ]
        if dropped:
            yield f"cre by {name}: no group mean of {', '.join(dropped)} was added"
        own = [t for t in plain.group if t.factor.name == name]
        if not any(t.expression == "1" or spans_ones(t) for t in own):
            yield f"cre by {name}: the model has no group-specific intercept by {name}"
    slopes = dict.fromkeys(t.expression for t in plain.group if t.expression != "1")
    if slopes and any(entry.terms for entry in chosen):
        yield (
            f"cre: slopes vary between levels ({', '.join(slopes)}), so within effects are "
            "averages over levels, close to but not exactly the fixed-effects estimates"
        )
    yield from _not_covered(plain, chosen)
    if exact and any(entry.terms for entry in chosen):
        yield f"cre: {exact}: within effects are not the fixed-effects estimator"


def _not_covered(plain: LinearPart, chosen: Sequence[Chosen]) -> Iterator[str]:
    """Yield a note for the factors whose effects stay in the within variation of the others."""
    covered = [entry.factor for entry in chosen]
    names = ", ".join(factor.name for factor in covered)
    for factor in plain.factors if any(entry.terms for entry in chosen) else ():
        inside = any(factor.name == c.name or is_nested(c, factor) for c in covered)
        if not inside:
            yield (
                f"cre by {names}: the model has effects of {factor.name} too; within effects are "
                f"those within levels of {names}, close to but not exactly the fixed-effects "
                "estimates"
            )


def _beyond(entry: Chosen, chosen: Sequence[Chosen]) -> str:
    outer = [c.factor.name for c in chosen if is_nested(entry.factor, c.factor)]
    return f", beyond the means by {', '.join(outer)}" if outer else ""


def _without_spread(plain: LinearPart, entry: Chosen) -> Iterator[str]:
    for term in plain.common:
        seen = entry.variation[term.name]
        if seen.varies_within.any() and not (seen.varies_within & seen.varies_between).any():
            yield term.name


def final_formula(formula: Formula, part: LinearPart) -> Formula:
    """Return the formula with its contextual columns, as they are fitted."""
    names = {term.name for term in part.common}

    def own(term: Term) -> Term:
        within = f"{WITHIN}{term.name}"
        return Term((Column(within),)) if within in names else term

    written = {own(term).name for term in formula.terms}
    means = tuple(Term((Column(t.name),)) for t in part.common if t.name not in written)
    blocks = tuple(
        replace(block, terms=tuple(own(term) for term in block.terms))
        for block in formula.group_terms
    )
    return replace(formula, terms=tuple(own(t) for t in formula.terms) + means, group_terms=blocks)
