"""Which levels hang on the priors of the group sds: one row a coefficient."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import pandas as pd

from hiermix.studies.sensitivity.coefficients import KEYS
from hiermix.studies.sensitivity.grid import MCSE_UNITS

LEVEL_COLUMNS = (
    *KEYS,
    *("mean", "sd", "lower", "upper"),
    *("lowest_mean", "highest_mean", "shift", "shift_at"),
    *("prior_sensitive", "claim", "other_claims"),
)
"""Columns of ``levels.csv``, in order."""


def levels_table(level_grid: pd.DataFrame, interval: float) -> pd.DataFrame:
    """Return ``LEVEL_COLUMNS``, one row a coefficient, in the order of ``group_effects.csv``.

    Parameters
    ----------
    level_grid
        `level_grid_table`: the points of the grid one after the other, each with the same rows.
    interval
        Probability of its intervals.
    """
    if not len(level_grid):
        return pd.DataFrame({name: [] for name in LEVEL_COLUMNS})
    points = [block for _, block in level_grid.groupby(["scaled", "factor"], sort=False)]
    run = next(block for block in points if block["factor"].iloc[0] == 1)
    means, shifts, flagged = (
        np.stack([block[name].to_numpy() for block in points])
        for name in ("mean", "shift", "prior_sensitive")
    )
    places = [f"{block['scaled'].iloc[0]} x {block['factor'].iloc[0]:g}" for block in points]
    furthest = np.abs(shifts).argmax(axis=0)
    table = run[[*KEYS, "mean", "sd", "lower", "upper", "claim"]].reset_index(drop=True)
    table["lowest_mean"], table["highest_mean"] = means.min(axis=0), means.max(axis=0)
    table["shift"] = shifts[furthest, np.arange(shifts.shape[1])]
    table["shift_at"] = [places[i] for i in furthest]
    table["prior_sensitive"] = flagged.any(axis=0)
    claimed = np.stack([block["claim"].to_numpy() for block in points])
    changed = np.stack([claims_change(run, block, interval) for block in points])
    table["other_claims"] = list(_other_claims(claimed, changed, places))
    return table[list(LEVEL_COLUMNS)]


def claims_change(run: pd.DataFrame, other: pd.DataFrame, interval: float) -> np.ndarray:
    """Return where intervals say something else of the sign, beyond Monte Carlo error.

    The end of the interval that decides has to move by more than ``MCSE_UNITS`` standard errors.

    Notes
    -----
    The standard error of a quantile is sqrt(p (1 - p) / n) / density; of a normal posterior it is
    that of the mean times sqrt(p (1 - p)) / phi(z_p), p being the probability of a tail.
    """
    tail = (1 - interval) / 2
    normal = NormalDist()
    times = (tail * (1 - tail)) ** 0.5 / normal.pdf(normal.inv_cdf(tail))
    error = times * np.hypot(run["mcse_mean"].to_numpy(), other["mcse_mean"].to_numpy())
    found = np.zeros(len(run), dtype=bool)
    for end, sign in (("lower", 1), ("upper", -1)):
        before, after = run[end].to_numpy(), other[end].to_numpy()
        turned = (sign * before > 0) != (sign * after > 0)
        found |= turned & ~(np.abs(after - before) <= MCSE_UNITS * error)
    return found


def _other_claims(claimed: np.ndarray, changed: np.ndarray, places: list[str]) -> Iterator[str]:
    """Yield where a coefficient's interval says something else of the sign than in the run."""
    for column in range(claimed.shape[1]):
        rows = np.flatnonzero(changed[:, column])
        yield "; ".join(f"{claimed[i, column]} at {places[i]}" for i in rows)
