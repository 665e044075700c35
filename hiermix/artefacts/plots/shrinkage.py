"""From raw to partially pooled estimates, one arrow a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots import forest
from hiermix.artefacts.plots.canvas import (
    CHAINS,
    FAINT,
    MAIN,
    drawn,
    frame,
    label,
    label_rows,
    left_margin,
    legend_above,
)
from hiermix.artefacts.plots.forest import (
    EACH_END,
    ROW,
    UNIT,
    gap_label,
    shown_levels,
    shown_rows,
)
from hiermix.summary.intervals import percent

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

LEGEND_FROM = 0.3
"""Share of the width at which a legend begins at the latest."""

SHORTEST = 0.02
"""Arrows that are shorter, as a share of the axis, would be all head."""


@dataclass(frozen=True)
class _Panel:
    title: str
    rows: pd.DataFrame
    left_out: int
    middle: str = "complete"
    """What the dashed line is called."""
    unit: str = ""

    @property
    def labels(self) -> list[str]:
        """Levels, then what stands in the gap."""
        levels = [label(str(text)) for text in self.rows["level"]]
        return [*levels, gap_label(self.left_out)] if self.left_out else levels

    @property
    def head(self) -> float:
        return HEAD if self.title else forest.HEAD

    @property
    def foot(self) -> float:
        return (FOOT if self.title else forest.FOOT) + (UNIT if self.unit else 0.0)

    @property
    def height(self) -> float:
        return self.head + self.foot + ROW * (len(self.rows) + (self.left_out > 0))


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
        picked = shown_rows(ranked)
        title = label(f"{term} by {group}")
        panels.append(_Panel(title, picked, len(ranked) - len(picked)))
    group = levels["group"].iloc[0]
    text = f"Raw and partially pooled estimates of the levels of {group}"
    return _drawn("pooling", panels, interval, text)


def term_shrinkage(
    effects: pd.DataFrame, common: float, name: str, interval: float, unit: str = ""
) -> str | None:
    """Return the plot of one group term of a run, ``None`` where no level has a raw estimate.

    The levels of the caterpillar plot in its order; the dashed line is the common effect, or 0.

    Parameters
    ----------
    effects
        Rows of ``group_effects`` of one group and term.
    common
        Posterior mean of the common effect, 0 without one.
    name
        Name of the figure.
    interval
        Probability of the intervals.
    unit
        Of the coefficients.
    """
    picked = shown_levels(effects)
    drawable = picked[["raw_estimate", "lower", "upper"]].to_numpy(dtype=float)
    if not np.isfinite(drawable).any(axis=0).all():
        return None
    rows = picked.assign(
        none_estimate=picked["raw_estimate"],
        partial_estimate=picked["coefficient_mean"],
        partial_lower=picked["lower"],
        partial_upper=picked["upper"],
        complete_estimate=common,
        truth=np.nan,
    )
    group, term = effects["group"].iloc[0], effects["term"].iloc[0]
    # Without a title the rows are at the height of the caterpillar plot's, which stands beside it.
    middle = "common effect" if common else "0"
    panel = _Panel("", rows, len(effects) - len(picked), middle, unit)
    text = f"Coefficient {term} of each level of {group}: raw and partially pooled estimates"
    return _drawn(name, [panel], interval, text)


def _drawn(name: str, panels: list[_Panel], interval: float, alternative: str) -> str:
    left = left_margin([text for panel in panels for text in panel.labels])
    total = sum(panel.height for panel in panels)

    def draw(figure: Figure) -> None:
        top = total
        for panel in panels:
            top -= panel.height
            axes = frame(figure, left, top + panel.foot, panel.height - panel.head - panel.foot)
            _draw_panel(axes, panel, interval)

    return drawn(name, total, draw, alternative)


def _draw_panel(axes: Axes, panel: _Panel, interval: float) -> None:
    rows = panel.rows
    places = np.arange(len(rows), dtype=float)
    if panel.left_out:
        places[EACH_END:] += 1
    names = ("none_estimate", "partial_estimate", "partial_lower", "partial_upper", "truth")
    raw, partial, lower, upper, truth = (rows[name].to_numpy(dtype=float) for name in names)
    complete = float(rows["complete_estimate"].iloc[0])
    axes.set_title(panel.title, pad=20)
    low, high = _limits(np.concatenate([raw, truth, [complete]]), lower, upper)
    axes.set_xlim(low, high)
    if np.isfinite(complete):
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
    axes.plot(
        partial, places, "o", color=MAIN, ms=4.2, label=f"partial, {percent(interval)} interval"
    )
    if np.isfinite(truth).any():
        axes.plot(truth, places, "x", color=TRUE, ms=4.6, mew=1.4, label="true")
    axes.plot([], [], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), label=panel.middle)
    # Long names of levels leave no room for the legend above the axes.
    from matplotlib.transforms import blended_transform_factory

    across = blended_transform_factory(axes.figure.transFigure, axes.transAxes)
    left = min(axes.get_position().x0, LEGEND_FROM)
    legend_above(axes, 4, left, bbox_transform=across)
    ticks = [*places, float(EACH_END)] if panel.left_out else places
    label_rows(axes, ticks, panel.labels, panel.unit)
    axes.set_ylim(places[-1] + 0.6, -0.6)


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
