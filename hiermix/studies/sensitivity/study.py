"""The study of a run: power-scaling of its draws, and refits under other priors of group sds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from hiermix.errors import EngineError, UsageError
from hiermix.listening import Listener
from hiermix.pipeline import Prepared
from hiermix.studies.refits import fit_each
from hiermix.studies.sensitivity.grid import (
    FAILED,
    JUDGED,
    Digest,
    digest,
    digest_of,
    grid_table,
    judged_factors,
    level_grid_table,
)
from hiermix.studies.sensitivity.levels import levels_table
from hiermix.studies.sensitivity.power import power_scaling
from hiermix.studies.sensitivity.scaling import Variant, group_sds, variants
from hiermix.studies.sensitivity.words import Sentence, sentences

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.summary import Tables

SCALES = (0.25, 0.5, 2.0, 4.0)

MAX_SCALES = 20


@dataclass(frozen=True)
class Asked:
    """What is wanted: factors of the grid, whether to refit at all, and fits at a time."""

    scales: tuple[float, ...] = SCALES
    refit: bool = True
    jobs: int = 1


@dataclass(frozen=True)
class Sensitivity:
    """How much the conclusions of a run hang on its priors.

    Attributes
    ----------
    name
        Of the run.
    interval
        Probability of the intervals.
    power, grid, levels, level_grid
        ``POWER_COLUMNS``, ``GRID_COLUMNS``, ``LEVEL_COLUMNS`` and ``LEVEL_GRID_COLUMNS``; the
        last three are empty without refits.
    sentences
        What they say.
    notes
        What was left out and why.
    run_failed
        Whether a gate failed the run itself.
    lost
        Points of the grid whose fit has no posterior.
    """

    name: str
    interval: float
    power: pd.DataFrame
    grid: pd.DataFrame
    levels: pd.DataFrame
    level_grid: pd.DataFrame
    sentences: tuple[Sentence, ...]
    notes: tuple[str, ...]
    run_failed: bool
    lost: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a gate failed the run or a refit, or a refit has no posterior."""
        return self.run_failed or bool(self.lost) or bool((self.grid["verdict"] == FAILED).any())


def check_scales(scales: Sequence[float]) -> None:
    """Raise ``UsageError`` for factors that make no grid."""
    wrong = [f"{s:g}" for s in scales if not (math.isfinite(s) and s > 0)]
    printed = [f"{s:g}" for s in scales]
    if wrong:
        what = f"a scale is a positive number, got {', '.join(wrong)}"
    elif len(set(printed)) < len(printed):
        what = "the same scale is given twice"
    elif not 1 <= len([p for p in printed if p != "1"]) <= MAX_SCALES:
        what = f"1 to {MAX_SCALES} scales other than 1 are possible"
    else:
        return
    raise UsageError("usage.scales", f"--scales: {what}", hint="--scales 0.25,0.5,2,4")


def sensitivity_of(
    prepared: Prepared,
    fit: Fit,
    tables: Tables,
    status: str,
    asked: Asked,
    listener: Listener,
) -> Sensitivity:
    """Scale the priors of a run and see what becomes of its conclusions.

    Parameters
    ----------
    prepared
        The model of the run, prepared again from the same spec and data.
    fit
        Its draws.
    tables
        Its tables.
    status
        Its verdict.
    asked
        What is wanted.
    listener
        Hears of the stages of all fits.

    Raises
    ------
    InputErrors
        A group sd has a prior that cannot be scaled.
    EngineError
        No refit has a posterior.
    """
    spec, plan = prepared.loaded.spec, prepared.plan
    points = _points(prepared, asked)
    listener.stage("power-scaling")
    scaled = power_scaling(fit, plan)
    models = {p.name: p.prepared for p in points if p.prepared is not None}
    outcomes = fit_each(models, digest_of, listener, jobs=asked.jobs)
    refits = {name: found for name, found in outcomes.items() if isinstance(found, Digest)}
    lost = {name: error for name, error in outcomes.items() if isinstance(error, EngineError)}
    if lost and not refits:
        raise next(iter(lost.values()))
    points = tuple(point for point in points if point.name not in lost)
    run = digest(fit, plan, tables, status)
    grid = grid_table(points, run, refits)
    level_grid = level_grid_table(points, run, refits)
    levels = levels_table(level_grid, spec.outputs.interval)
    return Sensitivity(
        spec.name,
        spec.outputs.interval,
        scaled.table,
        grid,
        levels,
        level_grid,
        sentences(scaled.table, grid, levels, spec.outputs.interval),
        (*scaled.notes, *_notes(prepared, asked), *_lost(lost)),
        run.verdict == FAILED,
        tuple(lost),
    )


def _points(prepared: Prepared, asked: Asked) -> tuple[Variant, ...]:
    if not asked.refit:
        return ()
    check_scales(asked.scales)
    return variants(prepared, asked.scales)


def _lost(lost: Mapping[str, EngineError]) -> list[str]:
    return [f"{name}: no posterior, left out: {error.message}" for name, error in lost.items()]


def _notes(prepared: Prepared, asked: Asked) -> list[str]:
    if not group_sds(prepared.plan):
        return ["the model has no group sds: there is no grid, only power-scaling"]
    if not asked.refit:
        return ["no refits: only power-scaling"]
    low, high = JUDGED
    if not any(low <= f <= high for f in judged_factors(asked.scales)):
        return [f"no scale is within {low:g} and {high:g}: all are judged"]
    return []
