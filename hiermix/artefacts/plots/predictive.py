"""Posterior predictive check: the data against data that the model would produce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import FAINT, MAIN, axis_label, drawn, frame
from hiermix.artefacts.texts import cut_inside, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 2.9

FEW_VALUES = 15
"""Outcomes with at most so many different whole numbers are counted, others cumulated."""

TICK_EMS = 40.0
"""Width of the axis in which the names of all categories have to find room."""

GRID = 200
MAX_REPLICATES = 200
BAND = (0.05, 0.95)


def predictive_check(
    name: str,
    observed: np.ndarray,
    replicated: np.ndarray,
    categories: Sequence[str] | None = None,
) -> str | None:
    """Return a plot of observed and replicated outcomes, ``None`` without finite outcomes.

    Outcomes with few values: the share of each value. Others: the cumulative distribution. The
    band holds 90 % of the replicated data sets at each value; neither is smoothed.

    Parameters
    ----------
    name
        The response.
    observed
        Shape ``(n_obs,)``.
    replicated
        Shape ``(n_replicates, n_obs)``.
    categories
        Names of the outcomes 0, 1, ...; by default they are numbers.
    """
    observed = observed[np.isfinite(observed)]
    every = max(1, -(-len(replicated) // MAX_REPLICATES))
    rows = np.asarray(replicated[::every], dtype=float)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(observed) or not rows.size:
        return None
    values = np.union1d(observed, rows)
    few = len(values) <= FEW_VALUES and bool((values == np.round(values)).all())

    def draw(figure: Figure) -> None:
        axes = frame(figure, 0.11, 0.5, HEIGHT - 0.85)
        if few:
            _draw_shares(axes, observed, rows, values)
            axes.set_xticks(values, _ticks(values, categories))
        else:
            _draw_cumulative(axes, observed, rows, values)
        numbered = categories is not None and not few
        axes.set_xlabel(axis_label(f"{name}, number of category" if numbered else name))
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)

    return drawn("predictive", HEIGHT, draw, f"Posterior predictive check of {name}")


def _ticks(values: np.ndarray, categories: Sequence[str] | None) -> list[str]:
    if categories is None:
        return [f"{v:g}" for v in values]
    width = TICK_EMS / len(values)
    return [cut_inside(shown(categories[int(v)]), width) for v in values]


def _draw_shares(axes: Axes, observed: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
    shares = np.stack([(rows == v).mean(axis=1) for v in values], axis=1)
    low, high = np.quantile(shares, BAND, axis=0)
    axes.bar(
        values,
        [(observed == v).mean() for v in values],
        width=0.6,
        color=FAINT,
        alpha=0.45,
        label="observed",
    )
    axes.vlines(values, low, high, color=MAIN, linewidth=1.8)
    axes.plot(values, np.median(shares, axis=0), "o", color=MAIN, markersize=4, label="replicated")
    axes.set_ylabel("share of rows")
    axes.set_ylim(bottom=0)


def _draw_cumulative(
    axes: Axes, observed: np.ndarray, rows: np.ndarray, values: np.ndarray
) -> None:
    low_end, high_end = np.quantile(values, (0.001, 0.999))
    grid = np.linspace(min(low_end, observed.min()), max(high_end, observed.max()), GRID)
    curves = np.stack([_cumulative(row, grid) for row in rows])
    low, high = np.quantile(curves, BAND, axis=0)
    axes.fill_between(grid, low, high, color=MAIN, alpha=0.45, linewidth=0, label="replicated")
    axes.plot(grid, _cumulative(observed, grid), color="#c2652a", linewidth=1.3, label="observed")
    axes.set_ylabel("cumulative share")
    axes.set_ylim(-0.02, 1.02)


def _cumulative(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(values), grid, side="right") / len(values)
