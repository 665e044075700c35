"""How far each level is centred, from what its own data can tell.

A level whose data pin its effect down is best sampled centred, one whose data say little
non-centred; between them the share to centre is the level's own pooling weight (Papaspiliopoulos,
Roberts and Skold 2007). The weights come from a rough pilot: expectation-maximisation of the
group sds in a Gaussian picture of the model. Only the sampler's coordinates depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.design.types import Design, Factor, GroupTerm
from hiermix.errors import DesignError, Where
from hiermix.model.plan import Centring
from hiermix.model.working import WorkingData, working_data

SWEEPS = 3
STEPS = 12
CAUTION = 0.5
"""The pilot's group sd is multiplied by this before weighing.

Centring too much risks divergences, too little only costs draws, and a group sd is rarely known
to better than a factor of two."""

LOWEST, HIGHEST = 0.05, 0.95
"""Weights outside are set to 0 or 1: the mixed form gains nothing there."""

MULTIPLE = frozenset({"categorical"})
ORDINAL = frozenset({"cumulative", "sratio"})


def plan_centring(
    design: Design, family: str, link: str, asked: str | Mapping[str, str]
) -> tuple[Centring, ...]:
    """Choose the parameterization of every group term of the main linear predictor.

    Parameters
    ----------
    design
        Columns and response.
    family, link
        Bambi's names.
    asked
        ``auto``, ``centered`` or ``noncentered`` for all terms, or by the name of the term.

    Returns
    -------
    tuple of Centring
        One a group term, in the same order; empty for families with several coefficients per
        column, which are always non-centred.

    Raises
    ------
    DesignError
        ``asked`` names a term that the model does not have.
    """
    terms = design.main.group
    _check_names(terms, asked)
    if not terms or family in MULTIPLE:
        return ()
    working = None if family in ORDINAL else working_data(design, family, link)
    pilot = None if working is None else _run_pilot(terms, working)
    anchored = _anchored_factors(design, pilot)
    plans = []
    for term in terms:
        choice = asked if isinstance(asked, str) else asked.get(term.name, "auto")
        shape = (term.factor.n_groups, len(term.columns))
        scale = np.ones(shape[1]) if pilot is None else pilot.sds[term.name]
        if choice == "centered":
            weight, reason = np.ones(shape), "centered, as the spec says"
        elif choice == "noncentered":
            weight, reason = np.zeros(shape), "noncentered, as the spec says"
        elif pilot is None:
            weight = np.zeros(shape)
            reason = f"noncentered: no rough estimate for family {family} with link {link}"
        else:
            weight, reason = _weigh(term, terms, pilot)
        plans.append(Centring(term.name, weight, scale, term.factor.name in anchored, reason))
    return tuple(plans)


def is_nested(inner: Factor, outer: Factor) -> bool:
    """Return whether every level of ``inner`` lies within one level of ``outer``."""
    if inner.n_groups <= outer.n_groups:
        return False
    first = parent_levels(inner, outer)
    return bool((first[inner.index] == outer.index).all())


def parent_levels(inner: Factor, outer: Factor) -> np.ndarray:
    """Return, for each level of ``inner``, the level of ``outer`` of one of its rows."""
    parents = np.zeros(inner.n_groups, dtype=np.int64)
    parents[inner.index] = outer.index
    return parents


def _check_names(terms: Sequence[GroupTerm], asked: str | Mapping[str, str]) -> None:
    if isinstance(asked, str):
        return
    names = [term.name for term in terms]
    for name in asked:
        if name not in names:
            raise DesignError(
                "design.unknown-group-term",
                f"no group term {name!r}; group terms: {', '.join(names) or 'none'}",
                Where(key=f"model.parameterization.{name}"),
                "use the names that `explain` prints, for example '1|g'",
            )


@dataclass(frozen=True)
class _Pilot:
    """Rough group sds by term (shape ``(k,)`` each) and the dispersion that goes with them."""

    working: WorkingData
    sds: Mapping[str, np.ndarray]
    dispersion: float


def _run_pilot(terms: Sequence[GroupTerm], working: WorkingData) -> _Pilot:
    """Estimate the group sds, factor by factor, the others' effects held at their means."""
    by_factor: dict[str, list[GroupTerm]] = {}
    for term in terms:
        by_factor.setdefault(term.factor.name, []).append(term)
    contribution = {name: np.zeros_like(working.residual) for name in by_factor}
    spread = float(np.sqrt(np.average(working.residual**2, weights=working.weight)))
    dispersion = working.dispersion
    if dispersion is None:
        dispersion = 0.5 * spread**2 * float(np.average(working.weight))
    sds: dict[str, np.ndarray] = {}
    for _ in range(SWEEPS):
        for name, group in by_factor.items():
            others = sum((c for n, c in contribution.items() if n != name), start=0.0)
            z = np.column_stack([term.values for term in group])
            factor = group[0].factor
            size = np.sqrt((z**2).mean(axis=0))
            tau2 = np.concatenate([sds[t.name] for t in group]) ** 2 if sds.keys() >= {
                t.name for t in group
            } else (0.5 * spread / np.where(size > 0, size, 1.0)) ** 2
            tau2, dispersion, contribution[name] = _expectation_maximisation(
                z, working, working.residual - others, factor, tau2, dispersion
            )
            start = 0
            for term in group:
                width = len(term.columns)
                sds[term.name] = np.sqrt(tau2[start : start + width])
                start += width
    return _Pilot(working, sds, dispersion)


def _expectation_maximisation(
    z: np.ndarray,
    working: WorkingData,
    residual: np.ndarray,
    factor: Factor,
    tau2: np.ndarray,
    dispersion: float,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Run a few EM steps for independent effects of one factor (Laird and Ware 1982)."""
    g, q = factor.n_groups, z.shape[1]
    gram = np.empty((g, q, q))
    for a in range(q):
        for b in range(a, q):
            gram[:, a, b] = gram[:, b, a] = np.bincount(
                factor.index, working.weight * z[:, a] * z[:, b], minlength=g
            )
    cross = np.column_stack(
        [
            np.bincount(factor.index, working.weight * z[:, a] * residual, minlength=g)
            for a in range(q)
        ]
    )
    total = float(np.sum(working.weight * residual**2))
    floor = 1e-6 * tau2 + 1e-300
    mean = np.zeros((g, q))
    for _ in range(STEPS):
        precision = gram / dispersion
        precision[:, np.arange(q), np.arange(q)] += 1 / tau2
        covariance = np.linalg.inv(precision)
        mean = np.einsum("gab,gb->ga", covariance, cross) / dispersion
        tau2 = np.maximum(
            (mean**2 + covariance[:, np.arange(q), np.arange(q)]).mean(axis=0), floor
        )
        if working.dispersion is None:
            fitted = 2 * np.sum(mean * cross) - np.einsum("ga,gab,gb->", mean, gram, mean)
            lost = np.einsum("gab,gba->", gram, covariance)
            dispersion = max((total - float(fitted) + float(lost)) / len(residual), 1e-12 * total)
    return tau2, dispersion, np.einsum("nq,nq->n", z, mean[factor.index])


def _weigh(
    term: GroupTerm, terms: Sequence[GroupTerm], pilot: _Pilot
) -> tuple[np.ndarray, str]:
    information = _information(term, terms, pilot)
    sds = pilot.sds[term.name]
    cautious = information * (CAUTION * sds) ** 2
    weight = cautious / (1 + cautious)
    weight = np.where(weight < LOWEST, 0.0, np.where(weight > HIGHEST, 1.0, weight))
    word = "centered" if weight.min() == 1 else "noncentered" if weight.max() == 0 else "partial"
    strength = float(np.median(information * sds**2))
    return weight, (
        f"{word}: group sd^2 x information of the median level of "
        f"{term.factor.name} = {strength:.2g}"
    )


def _information(term: GroupTerm, terms: Sequence[GroupTerm], pilot: _Pilot) -> np.ndarray:
    """Return what the data tell about each level's coefficient, shape ``(n_groups, k)``.

    For an intercept the sum of the weights over the dispersion, where finer factors nested in
    this one dilute it; for a slope the sum of squares about the level's mean.
    """
    factor, g = term.factor, term.factor.n_groups
    row_weight = pilot.working.weight / pilot.dispersion
    weight = np.bincount(factor.index, row_weight, minlength=g)
    if term.expression != "1":
        columns = []
        for z in term.values.T:
            mean = np.bincount(factor.index, row_weight * z, minlength=g) / weight
            centred = z - mean[factor.index]
            columns.append(np.bincount(factor.index, row_weight * centred**2, minlength=g))
        return np.column_stack(columns)
    for other in terms:
        if other.expression == "1" and is_nested(other.factor, factor):
            inner = np.bincount(other.factor.index, row_weight, minlength=other.factor.n_groups)
            per_child = 1 / (pilot.sds[other.name][0] ** 2 + 1 / inner)
            parents = parent_levels(other.factor, factor)
            weight = np.minimum(weight, np.bincount(parents, per_child, minlength=g))
    return weight[:, None]


def _anchored_factors(design: Design, pilot: _Pilot | None) -> frozenset[str]:
    """Choose one factor, and those nested with it, to be centred at the common effects.

    Two crossed factors centred at the same intercept would fight over it; the one whose levels
    have most to say gets it.
    """
    if pilot is None or not design.main.intercept:
        return frozenset()
    terms = design.main.group
    strength = {
        t.factor.name: float(np.median(_information(t, terms, pilot)) * pilot.sds[t.name][0] ** 2)
        for t in terms
        if t.expression == "1"
    }
    factors = {f.name: f for f in design.main.factors}
    chain: list[Factor] = []
    for name in sorted(strength, key=lambda name: -strength[name]):
        factor = factors[name]
        if all(is_nested(factor, f) or is_nested(f, factor) for f in chain):
            chain.append(factor)
    return frozenset(factor.name for factor in chain)
