"""Group-specific effects as the report shows them: the ends of many levels, and their quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hiermix.artefacts.plots.forest import EACH_END, shown_levels
from hiermix.artefacts.texts import decimals, fixed
from hiermix.summary.group_effects import ESTIMATES, common_mean
from hiermix.summary.pooling_words import term_sentences

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary import Tables

DAGGER = " \N{DAGGER}"
"""Marks levels whose effect the likelihood does not tell from others."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Of the levels; their heads in a table are `QUANTILE_HEADS`."""

QUANTILE_HEADS = ("smallest", "5 %", "25 %", "median", "75 %", "95 %", "largest")

SPREADS = {
    "coefficient_mean": "coefficient",
    "raw_estimate": "raw estimate",
    "coefficient_sd": "sd of the coefficient",
    "pooling": "w",
    "n_rows": "rows",
}
"""Columns of ``group_effects`` whose quantiles over the levels are told."""


@dataclass(frozen=True)
class LevelsView:
    """Rows of one group term; ``left_out`` levels in the middle are not shown.

    ``quantiles`` has a row for each of `SPREADS`, where levels are left out. ``unidentified``
    counts the levels, shown or not, that the likelihood does not tell apart; ``pooling`` is a
    sentence about their pooling weights; ``common`` says whether there is a common effect.
    """

    group: str
    term: str
    n_levels: int
    left_out: int
    rows: list[dict[str, str]]
    quantiles: list[dict[str, str]]
    unidentified: int
    pooling: str = ""
    common: bool = True

    @property
    def gap(self) -> int | None:
        """After how many rows levels are left out."""
        return EACH_END if self.left_out else None


def level_views(tables: Tables) -> list[LevelsView]:
    """Return the group effects, a view for each group term, the largest coefficient first."""
    effects = tables.group_effects
    if not len(effects):
        return []
    said = dict(term_sentences(tables))
    return [
        _levels(str(group), str(term), rows, said.get((str(group), str(term)), ""))
        for (group, term), rows in effects.groupby(["group", "term"], sort=False)
    ]


def _levels(group: str, term: str, rows: pd.DataFrame, pooling: str) -> LevelsView:
    picked = shown_levels(rows)
    left_out = len(rows) - len(picked)
    return LevelsView(
        group=group,
        term=term,
        n_levels=len(rows),
        left_out=left_out,
        rows=[_level(row) for row in picked.to_dict("records")],
        quantiles=_quantiles(rows) if left_out else [],
        unidentified=int((~rows["identified"].fillna(True).astype(bool)).sum()),
        pooling=pooling,
        common=common_mean(rows) != 0,
    )


def _quantiles(rows: pd.DataFrame) -> list[dict[str, str]]:
    found = []
    for column, name in SPREADS.items():
        values = rows[column].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        digits = 0 if column == "n_rows" else decimals(math.nan, float(values.std()))
        points = np.quantile(values, QUANTILES)
        texts = dict(zip(QUANTILE_HEADS, (fixed(float(p), digits) for p in points), strict=True))
        found.append({"of": name, **texts})
    return found


def _level(row: dict[Any, Any]) -> dict[str, str]:
    sd, ess = _number(row["coefficient_sd"]), _number(row["ess_bulk"])
    # The table has no MCSE; that of a mean is about sd / sqrt(ESS).
    mcse = sd / math.sqrt(ess) if ess > 0 else math.nan
    digits = decimals(mcse, sd)
    shares = ("pooling", "shrinkage", "prob_best")
    mark = DAGGER if row["identified"] is False else ""
    return {
        "level": f"{row['level']}{mark}",
        "n_rows": str(row["n_rows"]),
        **{name: fixed(_number(row[name]), digits) for name in ESTIMATES},
        **{name: fixed(_number(row[name]), 2) for name in shares},
        "rank": fixed(_number(row["rank"]), 1),
        "ess_bulk": fixed(_number(row["ess_bulk"]), 0),
        "rhat": fixed(_number(row["rhat"]), 3),
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
