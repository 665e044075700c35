"""The grid: the model fitted again under wider and narrower priors of its group sds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.studies.sensitivity.coefficients import SUMMARY_COLUMNS, coefficient_summary

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan
    from hiermix.pipeline import RunResult
    from hiermix.studies.sensitivity.scaling import Variant
    from hiermix.summary import Tables

GRID_COLUMNS = (
    *("scaled", "factor", "scaled_prior", "parameter", "role"),
    *("mean", "sd", "lower", "upper", "mcse_mean"),
    *("shift", "prior_sensitive", "verdict"),
)
"""Columns of ``grid.csv``, in order."""

LEVEL_GRID_COLUMNS = (
    *("scaled", "factor", *SUMMARY_COLUMNS),
    *("shift", "claim", "prior_sensitive"),
)
"""Columns of ``level_grid.csv``, in order."""

LIMIT = 0.3
"""Posterior sds of the run by which a mean may move: beyond, it is prior-sensitive. About what a
power-scaling sensitivity of 0.05 is for a normal posterior."""

JUDGED = (0.5, 2.0)
"""Factors within which means are judged: priors that somebody might have stated instead."""

MCSE_UNITS = 4.0
"""Monte Carlo standard errors of a difference that a move has to be beyond, too."""

POPULATION = ("parameter", "role", "mean", "sd", "lower", "upper", "mcse_mean")

FAILED = "FAILED"


@dataclass(frozen=True)
class Digest:
    """What the grid keeps of a fit.

    Attributes
    ----------
    verdict
        ``pass``, ``warn`` or ``FAILED``.
    population
        Columns ``POPULATION``.
    levels
        ``SUMMARY_COLUMNS`` of every coefficient.
    """

    verdict: str
    population: pd.DataFrame
    levels: pd.DataFrame


def digest_of(result: RunResult) -> Digest:
    """Return what the grid keeps of a result."""
    prepared = result.prepared
    status = result.verdict.status
    return digest(result.fit, prepared.plan, result.tables, str(status))


def digest(fit: Fit, plan: ModelPlan, tables: Tables, status: str) -> Digest:
    """Return the same of a fit whose tables are known."""
    return Digest(
        FAILED if status == "fail" else status,
        tables.summary[list(POPULATION)].reset_index(drop=True),
        coefficient_summary(fit, plan, tables.group_effects),
    )


def judged_factors(factors: Sequence[float]) -> tuple[float, ...]:
    """Return the factors that are judged: those within ``JUDGED``, or all if there are none.

    Examples
    --------
    >>> judged_factors([0.25, 0.5, 2, 4]), judged_factors([0.1])
    ((0.5, 2), (0.1,))
    """
    low, high = JUDGED
    near = tuple(f for f in factors if low <= f <= high and f != 1)
    return near or tuple(f for f in factors if f != 1)


def grid_table(
    points: Sequence[Variant], run: Digest, refits: Mapping[str, Digest]
) -> pd.DataFrame:
    """Return ``GRID_COLUMNS``, one row for each point of the grid and parameter.

    Parameters
    ----------
    points
        The grid.
    run
        Of the run, for the points with a factor of 1.
    refits
        Of the others, by their names.
    """
    blocks = []
    for point, found in _fits(points, run, refits):
        block = _block(point, points, run.population, found.population)
        blocks.append(block.assign(scaled_prior=point.prior, verdict=found.verdict))
    return _together(blocks, GRID_COLUMNS)


def level_grid_table(
    points: Sequence[Variant], run: Digest, refits: Mapping[str, Digest]
) -> pd.DataFrame:
    """Return ``LEVEL_GRID_COLUMNS``, one row for each point of the grid and coefficient."""
    blocks = []
    for point, found in _fits(points, run, refits):
        block = _block(point, points, run.levels, found.levels)
        claim = claims(block["lower"].to_numpy(), block["upper"].to_numpy())
        blocks.append(block.assign(claim=claim))
    return _together(blocks, LEVEL_GRID_COLUMNS)


def _fits(
    points: Sequence[Variant], run: Digest, refits: Mapping[str, Digest]
) -> Iterator[tuple[Variant, Digest]]:
    for point in points:
        yield point, run if point.prepared is None else refits[point.name]


def _block(
    point: Variant, points: Sequence[Variant], run: pd.DataFrame, found: pd.DataFrame
) -> pd.DataFrame:
    """Return the rows of one point: what was found, and how far it is from the run."""
    shift, beyond = moved(run, found)
    judged = point.factor in judged_factors([p.factor for p in points])
    return found.assign(
        scaled=point.scaled, factor=point.factor, shift=shift, prior_sensitive=beyond & judged
    )


def moved(run: pd.DataFrame, found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return how far means moved in posterior sds of the run, and whether that is too far.

    Too far is more than ``LIMIT`` and more than ``MCSE_UNITS`` standard errors of the difference;
    a move that is not a number is too far as well.

    Returns
    -------
    tuple of numpy.ndarray
        Signed moves and truth values, shape ``(n,)`` each.
    """
    change = found["mean"].to_numpy(dtype=float) - run["mean"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = change / run["sd"].to_numpy(dtype=float)
    error = np.hypot(run["mcse_mean"].to_numpy(dtype=float), found["mcse_mean"].to_numpy(float))
    small = (np.abs(shift) <= LIMIT) | (np.abs(change) <= MCSE_UNITS * error)
    return shift, ~small


def claims(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return what intervals say of the sign: ``above 0``, ``below 0`` or ``open``.

    Examples
    --------
    >>> claims(np.array([0.1, -1.0]), np.array([0.2, 1.0])).tolist()
    ['above 0', 'open']
    """
    return np.where(lower > 0, "above 0", np.where(upper < 0, "below 0", "open")).astype(object)


def _together(blocks: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    if not blocks:
        return pd.DataFrame({name: [] for name in columns})
    return pd.concat(blocks, ignore_index=True)[list(columns)]
