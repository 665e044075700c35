"""What contextual columns can and cannot say, measured before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hiermix.design.checks import listed, measure_columns
from hiermix.design.cre.choice import Chosen
from hiermix.design.cre.columns import Extended
from hiermix.design.cre.means import LevelMeans
from hiermix.design.cre.variation import variation
from hiermix.design.sweeping import finest, sweep
from hiermix.design.types import Factor, LinearPart
from hiermix.measurement import Measurement

RANK = "design_rank_deficiency"

SPANNED = 1e-6
"""A column is a combination of others if less than this share of its length is left of it."""

SAME = 1e-6
"""Two columns are the same if they differ by less than this share of their sd."""

ROUNDING_OF_WEIGHTS = 1e-12

ROUNDING_OF_SHARES = 1e-16
"""Squares of relative errors of 1e-8, which the sparse least squares stay below."""


def measure_contextual(
    plain: LinearPart, chosen: Sequence[Chosen], extended: Extended, weight: np.ndarray
) -> tuple[Measurement, ...]:
    """Measure every entry of ``cre``.

    Parameters
    ----------
    plain
        The formula's own columns.
    chosen, extended
        The terms of each entry, and the design with their means.
    weight
        Shape ``(n_obs,)``: weights of the rows in the means.

    Returns
    -------
    tuple of Measurement
        Scope ``design``. For a column and factor each: ``cre_levels_without_within``,
        ``cre_mean_spread``; for a factor each: ``cre_levels``, ``cre_spare_levels``,
        ``cre_left_out``, ``cre_unweighted_means``; for a column that has means by crossed
        factors: ``cre_imbalance``.
    """
    found: list[Measurement] = []
    for entry in chosen:
        found += _columns(entry)
        between = _constant_within(extended.part, entry.factor, weight)
        found += _levels(entry, between)
        found += _left_out(plain, entry, between, weight)
        found += _unweighted(plain, entry, weight)
    return (*found, *_imbalance(plain, chosen, extended, weight))


def dependencies_of_means(
    measured: Sequence[Measurement], plain: LinearPart
) -> tuple[Measurement, ...]:
    """Return the measurements with dependencies that group means bring under a name of their own.

    ``design_rank_deficiency`` becomes that of the formula's columns; ``cre_dependencies`` is what
    group means add to it where the formula's own columns are sound.
    """
    (whole,) = [m for m in measured if m.metric == RANK]
    own = next(m for m in measure_columns(plain) if m.metric == RANK)
    rest = tuple(m for m in measured if m.metric != RANK)
    more = 0.0 if own.value else whole.value
    note = whole.note if more else ""
    return (*rest, own, Measurement("cre_dependencies", "design", whole.variable, more, note))


def _columns(entry: Chosen) -> Iterator[Measurement]:
    factor = entry.factor
    for term in entry.terms:
        seen = entry.variation[term.name]
        for i, name in enumerate(term.columns):
            kept = entry.kept[term.name]
            if not kept[i] and (kept.any() or not entry.stated):
                continue
            flat = seen.flat_levels[:, i]
            yield Measurement(
                "cre_levels_without_within",
                "design",
                f"{name} by {factor.name}",
                float(flat.mean()),
                _flat_words(name, factor, flat),
            )
            if flat.all():
                continue
            constant = not seen.varies_between[i]
            yield Measurement(
                "cre_mean_spread",
                "design",
                f"{name} by {factor.name}",
                0.0 if constant else float(seen.spread[i]),
                f"group means of {name} are constant: no between variation by {factor.name}"
                if constant
                else f"the means of {name} by {factor.name} have {seen.spread[i]:.2g} of its sd",
            )


def _flat_words(name: str, factor: Factor, flat: np.ndarray) -> str:
    if flat.all():
        return f"{name} is constant within {factor.name}; its group mean equals {name}"
    if not flat.any():
        return ""
    levels = [factor.levels[i] for i in np.flatnonzero(flat)[:9]]
    levels += ["..."] * (int(flat.sum()) - len(levels))
    return (
        f"{name} does not vary within {int(flat.sum())} of {factor.n_groups} levels of "
        f"{factor.name} ({listed(levels)})"
    )


def _levels(entry: Chosen, between: Sequence[tuple[str, np.ndarray]]) -> Iterator[Measurement]:
    factor = entry.factor
    means = sum(int(kept.sum()) for kept in entry.kept.values())
    yield Measurement(
        "cre_levels",
        "design",
        factor.name,
        float(factor.n_groups),
        f"{factor.name}: {factor.n_groups} level{'' if factor.n_groups == 1 else 's'} for "
        "a regression on group means",
    )
    used = 1 + len(between)
    yield Measurement(
        "cre_spare_levels",
        "design",
        factor.name,
        float(factor.n_groups - used),
        f"{factor.name} has {factor.n_groups} levels, and {used} coefficients (the intercept, "
        f"{means} group mean{'' if means == 1 else 's'}"
        + (f", {len(between) - means} constant within it" if len(between) > means else "")
        + ") describe how they differ",
    )


def _constant_within(
    part: LinearPart, factor: Factor, weight: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """Return the common columns that are constant within the factor, with their level values."""
    found = []
    first = np.zeros(factor.n_groups, dtype=np.int64)
    first[factor.index] = np.arange(len(factor.index))
    for term in part.common:
        flat = variation(term, factor, weight).flat_levels.all(axis=0)
        for i in np.flatnonzero(flat):
            found.append((term.columns[i], term.values[first, i]))
    return found


def _left_out(
    plain: LinearPart,
    entry: Chosen,
    between: Sequence[tuple[str, np.ndarray]],
    weight: np.ndarray,
) -> Iterator[Measurement]:
    factor = entry.factor
    basis = np.column_stack([np.ones(factor.n_groups), *(values for _, values in between)])
    missing: list[str] = []
    for term in plain.common:
        seen = variation(term, factor, weight)
        means = LevelMeans.of(factor, term.columns, term.values, weight).values
        for i in np.flatnonzero(seen.varies_within & seen.varies_between):
            if not _spanned(means[:, i], basis):
                missing.append(term.columns[i])
    yield Measurement(
        "cre_left_out",
        "design",
        factor.name,
        float(len(missing)),
        _left_out_words(missing, factor.name) if missing else "",
    )


def _left_out_words(names: list[str], group: str) -> str:
    one = len(names) == 1
    return (
        f"{listed(names)} {'varies' if one else 'vary'} within {group}, but "
        f"{'its' if one else 'their'} group means are left out: if these go with the group "
        f"effects, {'its coefficient mixes' if one else 'their coefficients mix'} within and "
        "between, and the within effects of other terms are biased too"
    )


def _spanned(values: np.ndarray, basis: np.ndarray) -> bool:
    scaled = basis / np.maximum(np.abs(basis).max(axis=0), np.finfo(float).tiny)
    coefficients, *_ = np.linalg.lstsq(scaled, values, rcond=None)
    rest = values - scaled @ coefficients
    return float(np.linalg.norm(rest)) <= SPANNED * float(np.linalg.norm(values - values.mean()))


def _unweighted(plain: LinearPart, entry: Chosen, weight: np.ndarray) -> Iterator[Measurement]:
    """Measure how many hand-made columns hold means that forget the weights of the rows."""
    if np.ptp(weight) <= ROUNDING_OF_WEIGHTS * weight.max():
        return
    factor = entry.factor
    constant = dict(_constant_within(plain, factor, weight))
    guilty = []
    for term in plain.common:
        plainly = LevelMeans.of(factor, term.columns, term.values, np.ones_like(weight)).values
        weighted = LevelMeans.of(factor, term.columns, term.values, weight).values
        for name, values in constant.items():
            for i, column in enumerate(term.columns):
                same = _same(values, plainly[:, i]) and not _same(values, weighted[:, i])
                if column not in constant and same:
                    guilty.append(f"{name} holds the unweighted means of {column} by {factor.name}")
    yield Measurement(
        "cre_unweighted_means",
        "design",
        factor.name,
        float(len(guilty)),
        f"{'; '.join(guilty)}, but the likelihood weights the rows" if guilty else "",
    )


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return float(np.abs(a - b).max()) <= SAME * float(np.std(b))


def _imbalance(
    plain: LinearPart, chosen: Sequence[Chosen], extended: Extended, weight: np.ndarray
) -> Iterator[Measurement]:
    """Measure, for crossed factors, how far the within effect is from two-way fixed effects.

    With P the projection on the dummies of the factors and H that on the columns that do not
    vary within them, x - Hx is what the model estimates the within effect from, and x - Px what
    fixed effects use. The imbalance is the share of the former's sum of squares that lies between
    levels: zero if and only if both estimates are the same for every response.
    """
    for term in plain.common:
        factors = [c.factor for c in chosen if c.has_means(term)]
        used = finest(factors)
        if len(used) < 2:
            continue
        root = np.sqrt(weight)
        centred = root * (term.values - np.average(term.values, axis=0, weights=weight)).T
        swept, _ = sweep(centred, used, root)
        basis = _spanning(extended.part, factors, weight)
        for name, x, own_part in zip(term.columns, centred, swept, strict=True):
            between = x - own_part
            left = float(np.sum((between - basis @ (basis.T @ between)) ** 2))
            own = float(own_part @ own_part)
            share = left / (left + own) if left + own > 0 else 0.0
            names = " and ".join(f.name for f in factors)
            yield Measurement(
                "cre_imbalance",
                "design",
                name,
                share if share > ROUNDING_OF_SHARES else 0.0,
                f"{name}: the rows are not balanced over {names}: {100 * share:.2g} % of what "
                f"its within effect is estimated from lies between levels, so that it is not "
                "the two-way fixed-effects estimate",
            )


def _spanning(part: LinearPart, factors: Sequence[Factor], weight: np.ndarray) -> np.ndarray:
    """Return the columns that are constant within one of the factors, orthonormal."""
    columns = [np.ones(len(weight))]
    for term in part.common:
        flat = np.zeros(len(term.columns), dtype=bool)
        for factor in factors:
            flat |= variation(term, factor, weight).flat_levels.all(axis=0)
        columns += list(term.values[:, flat].T)
    root = np.sqrt(weight)
    matrix = np.column_stack(columns) * root[:, None]
    matrix[:, 1:] -= root[:, None] * (root @ matrix[:, 1:] / weight.sum())
    matrix /= np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    q, r = np.linalg.qr(matrix)
    return np.asarray(q[:, np.abs(np.diag(r)) > SPANNED])
