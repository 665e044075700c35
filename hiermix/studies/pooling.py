"""No, complete and partial pooling of one grouping factor, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.errors import UsageError
from hiermix.listening import Listener
from hiermix.pipeline import Prepared, RunResult, fit
from hiermix.spec.nearest import nearest
from hiermix.studies.arms import Unpooled, completely_pooled, not_pooled
from hiermix.studies.effects import effects_of, terms_of
from hiermix.studies.exact_left_out import Refits, check_refits
from hiermix.studies.left_out import accuracy_table
from hiermix.studies.truth import truth_table
from hiermix.summary.draws import draws_of
from hiermix.summary.group_effects import common_draws
from hiermix.summary.intervals import interval, ordered

if TYPE_CHECKING:
    from hiermix.design.types import Factor, GroupTerm

METHODS = ("none", "complete", "partial")

MEASURES = ("estimate", "sd", "lower", "upper")

LEVEL_COLUMNS = (
    *("group", "level", "term", "n_rows"),
    *(f"{method}_{measure}" for method in METHODS for measure in MEASURES),
    *("pooling", "shrinkage", "truth"),
)
"""Columns of ``levels.csv``, in order."""

STAGE = {"partial": "partial pooling", "complete": "complete pooling", "none": "no pooling"}


@dataclass(frozen=True)
class PoolingStudy:
    """The three methods compared.

    Attributes
    ----------
    name, group
        Of the run, and the factor whose levels are compared.
    results
        Fit of each method, by its name.
    levels
        ``LEVEL_COLUMNS``, one row per term and level.
    accuracy
        ``ACCURACY_COLUMNS``, one row per method.
    truth
        One row per method and term where the true effects are known, else empty; see
        `truth_table`.
    notes
        What each method is, in sentences.
    """

    name: str
    group: str
    results: Mapping[str, RunResult]
    levels: pd.DataFrame
    accuracy: pd.DataFrame
    truth: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether a gate failed any of the fits."""
        return any(result.verdict.failed for result in self.results.values())


def compare_pooling(
    prepared: Prepared,
    group: str | None,
    listener: Listener,
    truth: Mapping[str, np.ndarray] | None = None,
    *,
    refit: bool = False,
    jobs: int = 1,
) -> PoolingStudy:
    """Fit a model as it is, without one factor's effects, and with unpooled ones.

    Parameters
    ----------
    prepared
        The model of the spec.
    group
        Grouping factor; the only one where it is ``None``.
    listener
        Hears of the stages of all fits.
    truth
        True coefficient of every level by the term's name, each ``(n_groups,)``.
    refit
        Leave out by a refit what importance sampling cannot leave out.
    jobs
        Processes of these refits.

    Raises
    ------
    UsageError
        The model has no such factor, several and none is named, or nothing else than its effects;
        or its rows cannot be left out by refits.
    EngineError
        A fit has no posterior.
    """
    factor = factor_of(prepared, group)
    refits = Refits(factor, listener, jobs) if refit else None
    if refit:
        check_refits(prepared)
    results = {}

    def fitted(method: str, model: Prepared) -> RunResult:
        listener.note(f"{STAGE[method]} of {factor.name}")
        results[method] = fit(model, listener)
        return results[method]

    complete = completely_pooled(prepared, factor.name)
    means = _common_means(fitted("partial", _unasked(prepared)))
    fitted("complete", complete)
    unpooled = not_pooled(prepared, factor.name, means)
    fitted("none", unpooled.prepared)
    compared = {method: results[method] for method in METHODS}
    levels = _levels(compared, factor, truth or {})
    return PoolingStudy(
        prepared.loaded.spec.name,
        factor.name,
        compared,
        levels,
        accuracy_table(compared, factor, listener, refits),
        truth_table(levels, METHODS),
        _notes(prepared, factor, unpooled),
    )


def _unasked(prepared: Prepared) -> Prepared:
    """Return the model of the spec without its questions and arms, which nobody asks about here."""
    spec = prepared.loaded.spec.model_copy(update={"questions": (), "arms": None})
    return replace(prepared, loaded=replace(prepared.loaded, spec=spec))


def factor_of(prepared: Prepared, group: str | None) -> Factor:
    """Return the grouping factor of the main linear predictor that is meant.

    Raises
    ------
    UsageError
        There is none of this name, or several and none is named.
    """
    factors = {factor.name: factor for factor in prepared.design.main.factors}
    names = ", ".join(factors) or "none"
    if group is None and len(factors) == 1:
        return next(iter(factors.values()))
    if group is None:
        raise UsageError(
            "usage.pooling-group",
            f"one grouping factor is compared at a time; the formula has: {names}",
            hint=f"--group {next(iter(factors))}" if factors else "write (1 | g) in the formula",
        )
    if group not in factors:
        close = nearest(group, factors)
        hint = f"did you mean '{close}'?" if close else f"grouping factors: {names}"
        raise UsageError(
            "usage.unknown-group", f"the formula has no grouping factor {group!r}", hint=hint
        )
    return factors[group]


def _common_means(result: RunResult) -> dict[str, np.ndarray]:
    """Return the posterior means of the common terms, ``(k,)`` each."""
    plan = result.prepared.plan
    return {
        term.name: draws_of(result.fit, plan.parameter(term.name)).mean(axis=0).reshape(-1)
        for term in plan.design.main.common
    }


def _levels(
    results: Mapping[str, RunResult], factor: Factor, truth: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    partial = results["partial"]
    blocks = []
    for term, column, name in terms_of(partial.prepared.plan, factor):
        rows = {
            method: effects_of(results[method].tables.group_effects, factor.name, name)
            for method in ("none", "partial")
        }
        block = rows["partial"][["group", "level", "term", "n_rows", "pooling", "shrinkage"]].copy()
        # A wide prior is no estimate: where the level's rows alone have none, there is none.
        alone = rows["partial"]["raw_estimate"].notna().to_numpy()
        known = alone if alone.any() else np.ones(len(alone), dtype=bool)
        for method, of in rows.items():
            kept = known if method == "none" else np.ones(len(of), dtype=bool)
            for measure, source in zip(
                MEASURES, ("coefficient_mean", "coefficient_sd", "lower", "upper"), strict=True
            ):
                values = of[source].to_numpy(dtype=float)
                block[f"{method}_{measure}"] = np.where(kept, values, np.nan)
        for measure, value in _complete(results["complete"], term, column).items():
            block[f"complete_{measure}"] = value
        block["truth"] = truth.get(name, np.nan)
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)[list(LEVEL_COLUMNS)]


def _complete(result: RunResult, term: GroupTerm, column: int) -> dict[str, float]:
    """Return the common effect that stands for every level; 0 where the model has none."""
    plan, outputs = result.prepared.plan, result.prepared.loaded.spec.outputs
    draws = common_draws(result.fit, plan, plan.design.main, term, column)
    lower, upper = interval(ordered(draws), outputs.interval, outputs.interval_kind)
    sd = float(draws.std(ddof=1)) if len(draws) > 1 else 0.0
    values = (float(draws.mean()), sd, float(lower[0]), float(upper[0]))
    return dict(zip(MEASURES, values, strict=True))


def _notes(prepared: Prepared, factor: Factor, unpooled: Unpooled) -> tuple[str, ...]:
    sds = ", ".join(f"{name} {sd:.3g}" for name, sd in unpooled.sds.items())
    others = [f.name for f in prepared.design.main.factors if f.name != factor.name]
    kept = f"; effects by {', '.join(others)} stay as the spec has them" if others else ""
    known = ", ".join(unpooled.known)
    constant = (
        f"; {known}: constant within levels, at the posterior mean of partial" if known else ""
    )
    return (
        f"partial: the model of the spec; levels of {factor.name} are drawn from a common "
        f"distribution{kept}",
        f"complete: without effects by {factor.name}; every level has the common effect",
        f"none: effects by {factor.name} are independent, Normal(common effect, sd) a priori with "
        f"the sds {sds}, which is next to no prior{constant}",
    )
