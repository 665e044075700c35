"""Group sds and levels by the scale of the prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import CHAINS, FAINT, FONT_SIZE, MAIN, drawn, frame
from hiermix.artefacts.texts import cut_inside, shown
from hiermix.studies.sensitivity.scaling import ALL
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hiermix.studies.sensitivity import Sensitivity

MAX_LEVELS = 12
MAX_SDS = 12

TITLE_EMS = 16.5
AXIS_EMS = 18.0
"""What fits above and below a panel."""

COLUMNS = 2
HEIGHT = 1.15
HEAD = 0.36
FOOT = 0.46
TOP = 0.3
LEFT = 0.1
GAP = 0.1

FLAGGED = CHAINS[1]


@dataclass(frozen=True)
class _Panel:
    """One estimate by factor."""

    title: str
    scaled: str
    rows: pd.DataFrame


def sensitivity_plot(study: Sensitivity) -> str:
    """Return the SVG text of the plot: mean and interval by the scale of the prior.

    One panel a group sd under its own prior, then one for each of the levels that move most,
    those that are prior-sensitive first, ``MAX_LEVELS`` at most, under the prior that moves them
    most. Panels of estimates that are prior-sensitive have a second colour; the run has a ring.
    """
    panels = [*_of_sds(study.grid), *_of_levels(study)]
    each = HEAD + HEIGHT + FOOT
    total = TOP + each * -(-len(panels) // COLUMNS)
    width = (0.975 - LEFT - (COLUMNS - 1) * GAP) / COLUMNS

    def draw(figure: Figure) -> None:
        mark = "FAILED: " if study.failed else ""
        title = f"{mark}mean and {percent(study.interval)} interval; circled: the run"
        figure.text(0.02, 1 - 0.18 / total, title, fontsize=FONT_SIZE)
        figure.text(0.72, 1 - 0.18 / total, "prior-sensitive", fontsize=FONT_SIZE, color=FLAGGED)
        for number, panel in enumerate(panels):
            row, column = divmod(number, COLUMNS)
            bottom = total - TOP - (row + 1) * each + FOOT
            left = LEFT + column * (width + GAP)
            _draw_panel(frame(figure, left, bottom, HEIGHT, width), panel)

    return drawn("sensitivity", total, draw, f"Estimates of {study.name} by the scale of the prior")


def _of_sds(grid: pd.DataFrame) -> list[_Panel]:
    own = grid[(grid["parameter"].str.partition("[")[0] == grid["scaled"])]
    panels = [
        _panel(f"{name}", str(rows["scaled"].iloc[0]), rows)
        for name, rows in own.groupby("parameter", sort=False)
    ]
    return panels[:MAX_SDS]


def _of_levels(study: Sensitivity) -> list[_Panel]:
    levels, grid = study.levels, study.level_grid
    ranked = levels.assign(
        calm=~levels["prior_sensitive"].astype(bool), far=-levels["shift"].abs()
    ).sort_values(["calm", "far"], kind="stable")
    panels = []
    for row in ranked.head(MAX_LEVELS).to_dict("records"):
        scaled = str(row["shift_at"]).rpartition(" x ")[0]
        same = (grid["scaled"] == scaled) & (grid["group"] == row["group"])
        same &= (grid["level"] == row["level"]) & (grid["term"] == row["term"])
        panels.append(_panel(f"{row['term']} of {row['level']}", scaled, grid[same]))
    return panels


def _panel(title: str, scaled: str, rows: pd.DataFrame) -> _Panel:
    return _Panel(title, scaled, rows.sort_values("factor"))


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    factors, mean, lower, upper = (
        panel.rows[name].to_numpy(dtype=float) for name in ("factor", "mean", "lower", "upper")
    )
    color = FLAGGED if panel.rows["prior_sensitive"].any() else MAIN
    place = np.log2(factors)
    axes.set_title(cut_inside(shown(panel.title), TITLE_EMS), pad=5)
    axes.plot(place, mean, color=FAINT, linewidth=0.9)
    axes.vlines(place, lower, upper, color=color, linewidth=1.8)
    axes.plot(place, mean, "o", color=color, markersize=4.2)
    here = factors == 1
    axes.plot(place[here], mean[here], "o", mfc="none", mec=color, markersize=8.0)
    axes.set_xticks(place, [f"{factor:g}" for factor in factors])
    what = "all group sds" if panel.scaled == ALL else shown(panel.scaled)
    axes.set_xlabel(cut_inside(f"prior of {what}, times", AXIS_EMS), fontsize=FONT_SIZE - 1)
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    axes.locator_params(axis="y", nbins=5)
    axes.set_axisbelow(True)
