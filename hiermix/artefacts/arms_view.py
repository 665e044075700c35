"""Effects of two arms as the report shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.plots.forest import EACH_END, shown_rows
from hiermix.artefacts.texts import DASH, decimals, fixed
from hiermix.summary.arms.table import SCALES

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary import Tables

NO_BREAK = "\N{NO-BREAK SPACE}"

COLUMNS = (
    ("level", "level", "name"),
    ("trials", "trials", "number"),
    ("rates", "rates", "number"),
    ("raw", "counts alone", "number"),
    ("difference", "difference", "stacked number"),
    ("better", "P(better)", "number"),
    ("ratio", "ratio", "stacked number"),
    ("log_odds", "log odds ratio", "stacked number"),
)
"""Key of a row, head of the column, and its CSS class."""


@dataclass(frozen=True)
class ArmsView:
    """Levels of one factor, or all rows: ``left_out`` levels in the middle are not shown."""

    title: str
    rows: list[dict[str, str]]
    left_out: int
    columns: tuple[tuple[str, str, str], ...] = COLUMNS

    @property
    def gap(self) -> int | None:
        """After how many rows levels are left out."""
        return EACH_END if self.left_out else None


def arm_views(tables: Tables) -> list[ArmsView]:
    """Return the effects over all rows, then those by each factor, the largest first."""
    if not len(tables.arms):
        return []
    return [_view(str(group), rows) for group, rows in tables.arms.groupby("group", sort=False)]


def arms_sentences(tables: Tables) -> list[str]:
    """Return what the treatment does over all rows, in a sentence, if the run has two arms."""
    if not len(tables.arms):
        return []
    rows = tables.arms[tables.arms["group"] == ""].set_index("scale")
    first = _row(str(rows["level"].iloc[0]), {name: rows.loc[name] for name in SCALES})
    return [
        f"Treatment against control over all rows: difference of rates {first['difference']}, "
        f"ratio {first['ratio']}, P(better) {first['better']}"
    ]


def _view(group: str, rows: pd.DataFrame) -> ArmsView:
    by_scale = {name: own.set_index("level") for name, own in rows.groupby("scale")}
    first = by_scale[SCALES[0]]
    ranked = first.reset_index().sort_values(
        ["mean", "level"], ascending=[False, True], kind="stable"
    )
    picked = shown_rows(ranked)["level"]
    return ArmsView(
        f"By {group}" if group else "All rows",
        [_row(level, {name: by_scale[name].loc[level] for name in SCALES}) for level in picked],
        len(first) - len(picked),
    )


def _row(level: str, scales: dict[str, Any]) -> dict[str, str]:
    first = scales[SCALES[0]]
    # The rates have the decimals of their difference, so that one can be taken off the other.
    digits = decimals(math.nan, _number(first["raw_se"]))
    raw = fixed(_number(first["raw_estimate"]), digits)
    if not math.isnan(_number(first["raw_se"])):
        raw += f" ({fixed(_number(first['raw_se']), digits)})"
    return {
        "level": level,
        "trials": f"{int(first['trials_control']):,} / {int(first['trials_treatment']):,}",
        "rates": f"{fixed(_number(first['rate_control']), digits)} / "
        f"{fixed(_number(first['rate_treatment']), digits)}",
        "raw": raw,
        **{name: _estimate(scales[name]) for name in SCALES},
        "better": _share(_number(first["prob_above"]), int(first["draws"])),
    }


def _share(share: float, draws: int) -> str:
    """Return a share of draws with the decimals that as many independent draws would leave."""
    return fixed(share, decimals(math.sqrt(share * (1 - share) / draws), math.nan))


def _estimate(row: Any) -> str:
    mean, sd = _number(row["mean"]), _number(row["sd"])
    if math.isnan(mean):
        return DASH
    digits = decimals(_number(row["mcse_mean"]), sd)
    low, high = (fixed(_number(row[name]), digits) for name in ("lower", "upper"))
    # Where there is no room the cell breaks before the bracket, never within it.
    return f"{fixed(mean, digits)} ({low}{NO_BREAK}to{NO_BREAK}{high})"


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
