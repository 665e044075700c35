"""From raw to partially pooled estimates, one arrow a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import (
    CHAINS,
    FAINT,
    FONT_SIZE,
    INK,
    MAIN,
    drawn,
    frame,
    label,
    left_margin,
)
from hiermix.artefacts.plots.forest import EACH_END, MAX_LEVELS, ROW, ends

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RAW, TRUE = CHAINS[1], CHAINS[2]

HEAD = 0.55
FOOT = 0.42

REACH = 2.5
"""Axes reach beyond the partially pooled intervals by this share of their range at most: a raw
estimate far out would leave no room for the others."""

SHORTEST = 0.02
"""Arrows that are shorter, as a share of the axis, would be all head."""


@dataclass(frozen=True)
class _Panel:
    title: str
    rows: pd.DataFrame
    left_out: int

    @property
    def height(self) -> float:
        return HEAD + FOOT + ROW * (len(self.rows) + (self.left_out > 0))


def shrinkage_plot(levels: pd.DataFrame, interval: float) -> str:
    """Return the SVG text of the plot, one panel a term.

    A hollow mark is the raw (no-pooling) estimate of a level, the arrow leads to the partially
    pooled one with its interval; the dashed line is complete pooling, a cross the true effect
    where it is known. Sorted by the raw estimate; of many levels the ends only.

    Parameters
    ----------
    levels
        Columns ``group``, ``term``, ``level``, ``none_estimate``, ``partial_estimate``,
        ``partial_lower``, ``partial_upper``, ``complete_estimate``, ``truth``.
    interval
        Probability of the intervals.
    """
    panels = []
    for (group, term), rows in levels.groupby(["group", "term"], sort=False):
        sorted_by = rows["none_estimate"].fillna(rows["partial_estimate"])
        ranked = rows.assign(by=sorted_by).sort_values(["by", "level"], kind="stable")
        picked = ends(ranked, EACH_END) if len(ranked) > MAX_LEVELS else ranked
        title = label(f"{term} by {group}")
        panels.append(_Panel(title, picked, len(ranked) - len(picked)))
    left = left_margin([label(str(text)) for panel in panels for text in panel.rows["level"]])
    total = sum(panel.height for panel in panels)

    def draw(figure: Figure) -> None:
        top = total
        for panel in panels:
            top -= panel.height
            axes = frame(figure, left, top + FOOT, panel.height - HEAD - FOOT)
            _draw_panel(axes, panel, interval)

    group = levels["group"].iloc[0]
    return drawn(
        "pooling", total, draw, f"Raw and partially pooled estimates of the levels of {group}"
    )


def _draw_panel(axes: Axes, panel: _Panel, interval: float) -> None:
    rows = panel.rows
    places = np.arange(len(rows), dtype=float)
    if panel.left_out:
        places[EACH_END:] += 1
    raw, partial, lower, upper, truth = (
        rows[name].to_numpy(dtype=float)
        for name in (
            "none_estimate",
            "partial_estimate",
            "partial_lower",
            "partial_upper",
            "truth",
        )
    )
    complete = float(rows["complete_estimate"].iloc[0])
    axes.set_title(panel.title, pad=20)
    low, high = _limits(np.concatenate([raw, truth, [complete]]), lower, upper)
    axes.set_xlim(low, high)
    axes.axvline(complete, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.hlines(places, lower, upper, color=MAIN, linewidth=1.6, alpha=0.55)
    shown = np.isfinite(raw)
    start = np.clip(raw, low, high)
    far = shown & (np.abs(start - partial) > SHORTEST * (high - low))
    for place, x, end in zip(places[far], start[far], partial[far], strict=True):
        axes.annotate(
            "",
            xy=(end, place),
            xytext=(x, place),
            arrowprops={"arrowstyle": "-|>", "color": RAW, "lw": 0.9, "shrinkA": 3, "shrinkB": 2},
        )
    inside = shown & (raw >= low) & (raw <= high)
    axes.plot(raw[inside], places[inside], "o", mfc="none", mec=RAW, ms=4.6, label="raw")
    axes.plot(partial, places, "o", color=MAIN, ms=4.2, label=f"partial, {interval:.0%} interval")
    if np.isfinite(truth).any():
        axes.plot(truth, places, "x", color=TRUE, ms=4.6, mew=1.4, label="true")
    axes.plot([], [], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), label="complete")
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=4,
        frameon=False,
        fontsize=FONT_SIZE - 1,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=0.3,
        handletextpad=0.4,
        columnspacing=1.2,
    )
    labels = [label(str(text)) for text in rows["level"]]
    ticks = list(places)
    if panel.left_out:
        ticks.append(float(EACH_END))
        labels.append(f"({panel.left_out} more)")
    axes.set_yticks(ticks, labels)
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=FONT_SIZE)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=6)


def _limits(points: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[float, float]:
    """Return the range of an axis: all intervals, and points that are not too far from them."""
    least, most = float(np.nanmin(lower)), float(np.nanmax(upper))
    reach = REACH * (most - least)
    known = points[np.isfinite(points)]
    near = known[(known >= least - reach) & (known <= most + reach)]
    low, high = float(np.min(near, initial=least)), float(np.max(near, initial=most))
    if near.size < known.size:
        low = least - reach if (known < least - reach).any() else low
        high = most + reach if (known > most + reach).any() else high
    space = 0.03 * (high - low) or 1.0
    return low - space, high + space
