"""What the tables say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hiermix.studies.sensitivity.grid import FAILED, LIMIT, judged_factors
from hiermix.summary.intervals import percent

NAMED = 5
"""Parameters or levels that a sentence names."""

Sentence = tuple[bool, str]
"""Whether somebody should worry, and the words."""


def sentences(
    power: pd.DataFrame, grid: pd.DataFrame, levels: pd.DataFrame, interval: float
) -> tuple[Sentence, ...]:
    """Return the conclusions of a study, what should be worried about marked."""
    return (*_of_power(power), *_of_grid(grid), *_of_levels(levels, grid, interval))


def _of_power(power: pd.DataFrame) -> Iterator[Sentence]:
    of_levels = power["role"] == "group_specific"
    for kind, rows in (("parameters", power[~of_levels]), ("coefficients", power[of_levels])):
        for diagnosis, own in rows[rows["diagnosis"] != ""].groupby("diagnosis", sort=False):
            ranked = own.sort_values("prior", ascending=False, kind="stable")
            named = [f"{r['parameter']} ({r['prior']:.2g})" for r in ranked.to_dict("records")]
            yield (
                True,
                f"power-scaling: {diagnosis} for {len(own)} of {len(rows)} {kind}, with "
                f"sensitivities to the prior of: {_listed(named)}",
            )
    if len(power) and not (power["diagnosis"] != "").any():
        yield False, "power-scaling: no sensitivity to the prior is 0.05 or more"


def _of_grid(grid: pd.DataFrame) -> Iterator[Sentence]:
    if not len(grid):
        return
    failed = grid[grid["verdict"] == FAILED].drop_duplicates(["scaled", "factor"])
    for row in failed[failed["factor"] != 1].to_dict("records"):
        yield (
            True,
            f"{FAILED}: a gate failed the fit with the prior of {row['scaled']} x "
            f"{row['factor']:g}; do not rely on its numbers",
        )
    flagged = grid[grid["prior_sensitive"].astype(bool)]
    for (scaled, name), own in flagged.groupby(["scaled", "parameter"], sort=False):
        rows = grid[(grid["scaled"] == scaled) & (grid["parameter"] == name)]
        moves = [
            f"{r['mean']:.3g} at x {r['factor']:g} ({r['shift']:+.2f} posterior sds)"
            for r in own.to_dict("records")
        ]
        here = float(rows.loc[rows["factor"] == 1, "mean"].iloc[0])
        yield (
            True,
            f"prior-sensitive: {name}: mean {here:.3g}, with the prior of {scaled} scaled "
            f"{' and '.join(moves)}",
        )
    if not len(flagged):
        yield (
            False,
            f"no population-level mean moves by more than {LIMIT:g} posterior sds with "
            f"{_how(grid)}",
        )


def _of_levels(levels: pd.DataFrame, grid: pd.DataFrame, interval: float) -> Iterator[Sentence]:
    if not len(levels):
        return
    flagged = levels[levels["prior_sensitive"].astype(bool)]
    if len(flagged):
        ranked = flagged.sort_values("shift", key=abs, ascending=False, kind="stable")
        named = [f"{_named(r)} ({r['shift']:+.2f})" for r in ranked.to_dict("records")]
        yield (
            True,
            f"prior-sensitive: {len(flagged)} of {len(levels)} coefficients of levels move by "
            f"more than {LIMIT:g} posterior sds with {_how(grid)}; largest move over the whole "
            f"grid: {_listed(named)}",
        )
    else:
        yield (
            False,
            f"no coefficient of the {len(levels)} moves by more than {LIMIT:g} posterior sds "
            f"with {_how(grid)}",
        )
    changed = levels[levels["other_claims"] != ""]
    if len(changed):
        named = [
            f"{_named(r)} ({r['claim']}; {r['other_claims']})" for r in changed.to_dict("records")
        ]
        yield (
            True,
            f"for {len(changed)} of {len(levels)} coefficients the {percent(interval)} interval "
            f"excludes 0 under one prior and not under another: {_listed(named)}",
        )


def _how(grid: pd.DataFrame) -> str:
    judged = judged_factors(list(dict.fromkeys(grid["factor"])))
    return f"priors of group sds scaled by {', '.join(f'{f:g}' for f in judged)}"


def _named(row: Mapping[Any, Any]) -> str:
    return f"{row['term']} of {row['level']}"


def _listed(named: list[str]) -> str:
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more
