"""One word for a quantity of a prior check, by stated rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDE = 10.0
"""Times the range (or the sd) of the data from which on a prior counts as wide."""

INSIDE = 0.5
"""Share of the data's values inside the prior's interval below which it counts as tight."""

SURPRISE = 0.01
"""Prior chance of a value as small, or as large, as the data's below which the two conflict."""

ABSURD = 0.05
"""Share of absurd outcomes from which on it is remarked; any share of impossible ones is."""

ICC_HIGH = 0.5
ICC_LOW = 0.1

REMARKS = ("wide", "tight", "conflict", "high", "low", "absurd", "impossible")

SPREADS = frozenset({"outcome_sd", "group_mean_sd"})

SHARES = frozenset({"share_certain", "share_huge", "share_far"})


def remark_of(row: Mapping[str, Any], scale: float) -> str:
    """Return one of ``REMARKS`` or nothing.

    Parameters
    ----------
    row
        The numbers of a quantity by column; NaN compares as false throughout.
    scale
        Range of the data's outcomes, NaN where the quantity is not on their scale.
    """
    name = row["quantity"]
    if name == "share_impossible":
        return "impossible" if row["prior_mean"] > 0 else ""
    if name in SHARES:
        return "absurd" if row["prior_mean"] > ABSURD else ""
    if name == "icc":
        return _side(row["prior_lower"], row["prior_upper"])
    if name in SPREADS:
        return _spread(row)
    if row["data_inside"] < INSIDE:
        return "tight"
    if row["prob_below"] < SURPRISE or row["prob_below"] > 1 - SURPRISE:
        return "conflict"
    return "wide" if scale > 0 and row["prior_upper"] - row["prior_lower"] > WIDE * scale else ""


def _spread(row: Mapping[str, Any]) -> str:
    if row["prob_below"] > 1 - SURPRISE:
        return "tight"
    wide = row["data"] > 0 and row["prior_median"] > WIDE * row["data"]
    return "wide" if wide or row["prob_below"] < SURPRISE else ""


def _side(lower: float, upper: float) -> str:
    if lower > ICC_HIGH:
        return "high"
    return "low" if upper < ICC_LOW else ""
