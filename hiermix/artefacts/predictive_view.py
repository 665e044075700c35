"""Posterior predictive checks as the report shows them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.texts import compact, decimals, fixed
from hiermix.summary.predictive.table import WARN_BELOW

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary import Tables

SHOWN = 10
"""Levels that fit worst, all factors together; the others are in ``predictive_checks.csv``."""

STATISTICS = {
    "mean": "mean",
    "sd": "sd",
    "skewness": "skewness",
    "min": "smallest",
    "max": "largest",
    "zeros": "share of zeros",
    "dispersion": "variance, 1 by chance alone",
    "pearson": "mean squared residual, 1 if right",
    "largest_residual": "largest residual, in sds",
}


@dataclass(frozen=True)
class PredictiveView:
    """Rows as texts, and in words how they came out.

    ``left_out`` counts the levels' checks that are not among ``levels``.
    """

    sentence: str
    overall: list[dict[str, str]]
    levels: list[dict[str, str]]
    left_out: int


def predictive_view(tables: Tables) -> PredictiveView | None:
    """Return what the section on posterior predictive checks has, ``None`` without any check."""
    table = tables.predictive_checks
    if not len(table):
        return None
    levels = table[table["group"] != ""]
    # What is no number comes first: it is what a person has to look at.
    worst = levels.sort_values(
        ["p_adjusted", "p_two_sided"], na_position="first", kind="stable"
    ).head(SHOWN)
    return PredictiveView(
        _sentence(table),
        [_row(row) for row in table[table["group"] == ""].to_dict("records")],
        [_row(row) for row in worst.to_dict("records")],
        len(levels) - len(worst),
    )


def _sentence(table: pd.DataFrame) -> str:
    unlike = [row for row in table.to_dict("records") if not row["p_adjusted"] >= WARN_BELOW]
    n = len(table)
    if not unlike:
        return f"The data look like data of this model in all of {n:,} checks."
    return f"The data look unlike data of this model in {len(unlike):,} of {n:,} checks."


def _row(row: Mapping[Hashable, Any]) -> dict[str, str]:
    digits = decimals(math.nan, float(row["replicated_sd"]))
    low, high = (fixed(float(row[name]), digits) for name in ("lower", "upper"))
    return {
        "statistic": STATISTICS.get(str(row["statistic"]), str(row["statistic"])),
        "level": str(row["level"]),
        "group": str(row["group"]),
        "n_rows": str(int(row["n_rows"])),
        "observed": fixed(float(row["observed"]), digits),
        "replicated": fixed(float(row["replicated_mean"]), digits),
        "interval": f"{low} to {high}",
        "p": compact(float(row["p_two_sided"]), 2),
        "adjusted": compact(float(row["p_adjusted"]), 2),
        "words": _words(float(row["p_adjusted"]), float(row["p_value"])),
    }


def _words(adjusted: float, upper: float) -> str:
    if math.isnan(adjusted):
        return "could not be computed"
    if adjusted >= WARN_BELOW:
        return "as expected"
    return "too large for the model" if upper < 0.5 else "too small for the model"
