"""Estimates with intervals, one a row: population effects and levels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import (
    FAINT,
    MAIN,
    axis_label,
    drawn,
    frame,
    label,
    label_rows,
    left_margin,
)
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.23
"""Inches a row."""

HEAD = 0.34
FOOT = 0.36
UNIT = 0.18
"""Inches of the name of an axis."""

MAX_LEVELS = 60
EACH_END = 20
"""Levels shown at each end where there are more than ``MAX_LEVELS``."""

MAX_ROWS = 40

PANELS = (
    ("Intercept", ("intercept",)),
    ("Common effects", ("common",)),
    ("Standard deviations", ("group_sd", "residual")),
    ("Correlations", ("correlation",)),
    ("Other parameters", ("auxiliary",)),
)


@dataclass(frozen=True)
class Panel:
    """Rows that share an axis; ``reference`` is where the dashed line goes, ``unit`` its name."""

    title: str
    labels: list[str]
    middle: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    reference: float | None = None
    unit: str = ""

    @property
    def foot(self) -> float:
        """Inches below the axis."""
        return FOOT + (UNIT if self.unit else 0.0)

    @property
    def height(self) -> float:
        """Inches, head and foot included."""
        return HEAD + self.foot + ROW * len(self.labels)


def population_forest(summary: pd.DataFrame, interval: float, unit: str = "") -> str:
    """Return the forest plot of the population-level table, one panel for each kind.

    Each kind has its own axis, since an intercept or an sd is on another scale than an effect.
    ``unit`` is that of the intercept, and of effects per unit of their columns.
    """
    # A categorical response has an intercept for each category: Intercept[b].
    intercepts = summary["parameter"].str.partition("[")[0] == "Intercept"
    kind = np.where(intercepts, "intercept", summary["role"])
    panels = []
    for title, kinds in PANELS:
        rows = summary[np.isin(kind, kinds)].head(MAX_ROWS)
        if len(rows):
            reference = 0.0 if kinds in (("common",), ("correlation",)) else None
            own = unit if kinds == ("intercept",) else ""
            if unit and kinds == ("common",):
                own = f"{unit}, per unit"
            panels.append(_panel(title, rows, rows["parameter"], "mean", reference, own))
    return _drawn(
        "forest", panels, f"Population-level estimates: means and {percent(interval)} intervals"
    )


def caterpillar(
    effects: pd.DataFrame, common: float, name: str, interval: float, unit: str = ""
) -> str:
    """Return the plot of the coefficients of one group term, the largest on top; the ends if many.

    Parameters
    ----------
    effects
        Rows of ``group_effects`` of one group and term.
    common
        Posterior mean of the common effect, 0 without one, for the dashed line.
    name
        Name of the figure.
    interval
        Probability of the intervals.
    unit
        Of the coefficients.
    """
    group, term = effects["group"].iloc[0], effects["term"].iloc[0]
    picked = shown_levels(effects)
    panel = _panel(f"{term} by {group}", picked, picked["level"], "coefficient_mean", common, unit)
    if len(picked) < len(effects):
        panel = _with_gap(panel, len(effects) - len(picked))
    text = f"Coefficient {term} of each level of {group}: means and {percent(interval)} intervals"
    return _drawn(name, [panel], text)


def comparison_forest(table: pd.DataFrame, interval: float = 0.9) -> str:
    """Return the plot of a comparison: elpd of each run, and differences to the best one.

    Parameters
    ----------
    table
        Columns ``run``, ``name``, ``verdict``, ``reliable``, ``elpd``, ``elpd_se``,
        ``elpd_diff``, ``diff_se``.
    interval
        Probability of the intervals, which are of the normal approximation.
    """
    width = NormalDist().inv_cdf(0.5 + interval / 2)
    labels = [
        label(
            ("FAILED " if row["verdict"] == "FAILED" else "")
            + ("" if row["reliable"] else "(high k) ")
            + " / ".join(dict.fromkeys((str(row["name"]), Path(str(row["run"])).name)))
        )
        for row in table.to_dict("records")
    ]
    panels = []
    shown = (
        ("Expected log predictive density", "elpd", "elpd_se", None),
        ("Difference to the best run", "elpd_diff", "diff_se", 0.0),
    )
    for title, column, error, reference in shown[: len(table)]:
        middle = table[column].to_numpy(dtype=float)
        half = width * table[error].to_numpy(dtype=float)
        panels.append(Panel(title, labels, middle, middle - half, middle + half, reference))
    return _drawn("compare", panels, f"Comparison of runs: elpd and {percent(interval)} intervals")


def shown_levels(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the levels of one group term that are shown, the largest coefficient first.

    All up to ``MAX_LEVELS``, else ``EACH_END`` at each end.
    """
    ranked = effects.sort_values(
        ["coefficient_mean", "level"], ascending=[False, True], kind="stable"
    )
    return shown_rows(ranked)


def shown_rows(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are shown of ranked levels: all up to ``MAX_LEVELS``, or both ends."""
    return ends(ranked, EACH_END) if len(ranked) > MAX_LEVELS else ranked


def ends(ranked: pd.DataFrame, each: int) -> pd.DataFrame:
    """Return the first and the last ``each`` rows, or all if there are not more."""
    if len(ranked) <= 2 * each:
        return ranked
    return ranked.iloc[[*range(each), *range(len(ranked) - each, len(ranked))]]


def _panel(
    title: str,
    rows: pd.DataFrame,
    labels: pd.Series,
    middle: str,
    reference: float | None,
    unit: str = "",
) -> Panel:
    return Panel(
        title=label(title),
        labels=[label(str(text)) for text in labels],
        middle=rows[middle].to_numpy(dtype=float),
        lower=rows["lower"].to_numpy(dtype=float),
        upper=rows["upper"].to_numpy(dtype=float),
        reference=reference if reference is not None and np.isfinite(reference) else None,
        unit=axis_label(unit),
    )


def gap_label(left_out: int) -> str:
    """Return what stands where levels are left out.

    Examples
    --------
    >>> gap_label(11960)
    '(11,960 more)'
    """
    return f"({left_out:,} more)"


def _with_gap(panel: Panel, left_out: int) -> Panel:
    def widened(values: np.ndarray) -> np.ndarray:
        return np.insert(values, EACH_END, np.nan)

    labels = panel.labels.copy()
    labels.insert(EACH_END, gap_label(left_out))
    return Panel(
        panel.title,
        labels,
        widened(panel.middle),
        widened(panel.lower),
        widened(panel.upper),
        panel.reference,
        panel.unit,
    )


def _drawn(name: str, panels: list[Panel], alternative: str) -> str:
    left = left_margin([text for panel in panels for text in panel.labels])
    total = sum(panel.height for panel in panels)

    def draw(figure: Figure) -> None:
        top = total
        for panel in panels:
            top -= panel.height
            axes = frame(figure, left, top + panel.foot, panel.height - HEAD - panel.foot)
            _draw_panel(axes, panel)

    return drawn(name, total, draw, alternative)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    rows = np.arange(len(panel.labels))
    axes.set_title(panel.title, pad=6)
    if panel.reference is not None:
        axes.axvline(panel.reference, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.hlines(rows, panel.lower, panel.upper, color=MAIN, linewidth=1.6)
    axes.plot(panel.middle, rows, "o", color=MAIN, markersize=4.2, clip_on=False)
    label_rows(axes, rows, panel.labels, panel.unit)
    axes.set_ylim(len(rows) - 0.4, -0.6)
