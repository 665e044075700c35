"""Prior predictive check: what the priors allow, beside the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import (
    CHAINS,
    FAINT,
    FONT_SIZE,
    MAIN,
    drawn,
    frame,
    label,
    left_margin,
)
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hiermix.studies.prior_check import PriorCheck

DATA = CHAINS[1]

HEIGHT = 2.1
ROW = 0.27
HEAD = 0.5
FOOT = 0.42

BINS = 60

FEW_VALUES = 15
"""Outcomes with at most so many different whole numbers are counted, others binned."""

TAILS = (0.01, 0.99)
"""Prior quantiles that the axis of the densities reaches to, and to the data's ends."""

POINT = 100.0
"""Data that are so many times narrower than the axis would be a point on it."""

TICKS = 3
"""Decades that are written on each side of 0 at most."""

MAX_ROWS = 40

NAMES = {
    "outcome": "outcome",
    "outcome_mean": "mean",
    "outcome_sd": "sd",
    "group_mean": "means by {}",
    "group_mean_sd": "sd of means by {}",
    "category_share": "{}",
}
"""Quantities on the scale of the outcome, and how the plot calls them."""


def prior_plot(check: PriorCheck) -> str:
    """Return the SVG text of the plot.

    Above, the densities of the prior's outcomes and of the data (shares where there are few
    values; a category has none). Below, the prior's median and interval of every quantity on the
    scale of the outcome, with the data's value in a second colour: a line from the smallest to
    the largest where the data have many.
    """
    rows = check.table[check.table["quantity"].isin(list(NAMES))].head(MAX_ROWS)
    known = np.isfinite(rows[["prior_lower", "prior_median", "prior_upper"]]).all(axis=1)
    rows = rows[known]
    dense = bool(len(check.observed) and len(check.outcomes))
    lower = HEAD + FOOT + ROW * max(len(rows), 1)
    total = lower + (HEAD + FOOT + HEIGHT if dense else 0.0)
    names = [_name(*row) for row in zip(rows["quantity"], rows["group"], rows["term"], strict=True)]

    def draw(figure: Figure) -> None:
        left = max(left_margin(names), 0.11)
        if dense:
            axes = frame(figure, left, lower + FOOT, HEIGHT)
            if check.family == "bernoulli":
                _probabilities(axes, check.observed, check.outcomes)
                axes.set_xlabel(label(f"probability of {check.response}"))
            else:
                _densities(axes, check.observed, check.outcomes)
                axes.set_xlabel(label(check.response))
            axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)
        axes = frame(figure, left, FOOT, lower - HEAD - FOOT)
        _intervals(axes, rows, names)
        title = f"Prior median and {percent(check.interval)} interval; data"
        figure.text(0.02, (lower - 0.28) / total, title, fontsize=FONT_SIZE, fontweight="bold")

    return drawn("prior", total, draw, f"Prior predictive check of {check.response}")


def _name(quantity: str, group: str, term: str) -> str:
    return label(NAMES[quantity].format(term if quantity == "category_share" else group))


def _densities(axes: Axes, observed: np.ndarray, outcomes: np.ndarray) -> None:
    observed = observed[np.isfinite(observed)]
    low, high = np.quantile(outcomes, TAILS)
    low, high = min(low, observed.min()), max(high, observed.max())
    inside = outcomes[(outcomes >= low) & (outcomes <= high)]
    values = np.union1d(observed, inside)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if len(values) <= FEW_VALUES and bool((values == np.round(values)).all()):
        _shares(axes, observed, outcomes, values)
        return
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    unit = _log_from(observed, low, high)
    if unit:
        _log_axis(axes, unit, low, high)
        edges = unit * np.sinh(
            np.linspace(np.arcsinh(low / unit), np.arcsinh(high / unit), BINS + 1)
        )
        edges[0], edges[-1] = low, high
    # Each to its own height: a density that is a hundred times as wide would be a flat line.
    for own, color, name in ((inside, MAIN, "prior"), (observed, DATA, "data")):
        heights, _ = np.histogram(own, edges)
        axes.stairs(
            heights / max(heights.max(), 1), edges, fill=True, color=color, alpha=0.4, label=name
        )
    axes.set_ylim(0, 1.08)
    axes.set_ylabel("density, each to its peak")


def _probabilities(axes: Axes, observed: np.ndarray, chances: np.ndarray) -> None:
    heights, edges = np.histogram(chances, BINS // 2, (0.0, 1.0))
    axes.stairs(heights, edges, fill=True, color=MAIN, alpha=0.4, label="prior")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("density")
    axes.axvline(observed.mean(), color=DATA, linewidth=1.8, label="share in the data")


def _log_from(observed: np.ndarray, low: float, high: float) -> float:
    """Return the value up to which an axis is linear, 0 where all of it is.

    Logarithmic beyond the data where they would otherwise be a point.
    """
    unit = float(np.abs(observed).max()) if len(observed) else 0.0
    return unit if unit > 0 and high - low > POINT * unit else 0.0


def _log_axis(axes: Axes, unit: float, low: float, high: float) -> None:
    """Make an axis linear up to ``unit`` and logarithmic beyond, with a few whole decades."""
    axes.set_xscale("symlog", linthresh=unit)
    ticks = {0.0}
    for sign, end in ((-1.0, -low), (1.0, high)):
        decades = np.arange(np.ceil(np.log10(unit)), np.log10(max(end, unit)) + 1e-9)
        ticks |= {sign * 10.0**d for d in decades[:: -max(1, -(-len(decades) // TICKS))]}
    axes.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)])
    axes.set_xticks([], minor=True)


def _shares(axes: Axes, observed: np.ndarray, outcomes: np.ndarray, values: np.ndarray) -> None:
    for own, shift, color, name in ((outcomes, -0.2, MAIN, "prior"), (observed, 0.2, DATA, "data")):
        shares = [float((own == v).mean()) for v in values]
        axes.bar(values + shift, shares, width=0.38, color=color, alpha=0.6, label=name)
    axes.set_xticks(values, [f"{v:g}" for v in values])
    axes.set_ylabel("share of outcomes")


def _intervals(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    place = np.arange(len(rows))[::-1]
    columns = ("prior_lower", "prior_median", "prior_upper", "data_min", "data", "data_max")
    low, middle, high, first, data, last = (rows[name].to_numpy(dtype=float) for name in columns)
    axes.hlines(place + 0.12, low, high, color=MAIN, linewidth=1.8)
    axes.plot(middle, place + 0.12, "o", color=MAIN, markersize=4)
    many = np.isfinite(first)
    axes.hlines(place[many] - 0.16, first[many], last[many], color=DATA, linewidth=1.8)
    axes.plot(data, place - 0.16, "D", color=DATA, markersize=3.5)
    shown = np.concatenate([data, first[many], last[many]])
    ends = (float(low.min(initial=0.0)), float(high.max(initial=0.0)))
    unit = _log_from(shown[np.isfinite(shown)], *ends)
    if unit:
        _log_axis(axes, unit, *ends)
    axes.set_yticks(place, names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
    axes.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)
    axes.spines["left"].set_visible(False)
