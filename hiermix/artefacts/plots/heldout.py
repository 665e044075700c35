"""Predicted against actual, of what was held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import (
    CHAINS,
    FAINT,
    MAIN,
    drawn,
    frame,
    label,
    legend_above,
    rule,
    with_power,
)
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hiermix.studies.holdout import HoldoutStudy

OUTSIDE = CHAINS[1]

SIDE = 3.6
HEAD = 0.6
FOOT = 0.5

MOST = 1000
"""Points of a plot; of more, evenly spaced ones."""

REACH = 1.0
"""Axes reach beyond what was observed by this share of its range at most."""


def heldout_plot(study: HoldoutStudy) -> str:
    """Return the SVG text of the plot: a panel a method that predicts anything.

    Of levels where levels are held out, else of rows. On the diagonal a prediction is right; an
    interval that does not cross it does not hold what was observed.
    """
    table = study.levels if study.by is not None else study.rows
    known = table.dropna(subset=["mean", "lower", "upper"])
    methods = list(dict.fromkeys(known["method"]))[::-1]
    panel = HEAD + SIDE + FOOT
    what = "rows" if study.by is None else f"levels of {label(study.by)}"

    def draw(figure: Figure) -> None:
        top = panel * len(methods)
        for method in methods:
            top -= panel
            axes = frame(figure, 0.13, top + FOOT, SIDE)
            own = known[known["method"] == method]
            _draw_panel(axes, own, study.interval)
            axes.set_title(f"{method}: {what}", pad=20)

    height = max(panel * len(methods), HEAD)
    return drawn("holdout", height, draw, f"Predicted against actual responses of held-out {what}")


def _draw_panel(axes: Axes, table: pd.DataFrame, interval: float) -> None:
    if len(table) > MOST:
        table = table.iloc[np.linspace(0, len(table) - 1, MOST).round().astype(int)]
    actual, mean, lower, upper = (
        table[name].to_numpy(dtype=float) for name in ("actual", "mean", "lower", "upper")
    )
    inside = table["inside"].to_numpy(dtype=bool)
    least, most = float(actual.min()), float(actual.max())
    space = REACH * (most - least) or 1.0
    low = max(float(min(least, lower.min())), least - space)
    high = min(float(max(most, upper.max())), most + space)
    margin = 0.03 * (high - low)
    axes.plot([least, most], [least, most], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)))
    for shown, colour, told in ((inside, MAIN, "inside"), (~inside, OUTSIDE, "outside")):
        if not shown.any():
            continue
        axes.vlines(
            actual[shown], lower[shown], upper[shown], color=colour, linewidth=1.0, alpha=0.45
        )
        axes.plot(
            actual[shown],
            np.clip(mean[shown], low, high),
            "o",
            color=colour,
            ms=3.4,
            label=f"{told} the {percent(interval)} interval ({int(shown.sum())})",
        )
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlabel("actual")
    axes.set_ylabel("predicted")
    legend_above(axes, 2)
    rule(axes)
    # Above the axis, where it stands by default, is the legend.
    with_power(axes.yaxis)
