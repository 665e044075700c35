"""A prior check in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hiermix.studies.priors.measures import EDGE, FAR_SDS, MANY_TIMES
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    import pandas as pd

ENDS = {
    "wide": ": wide",
    "tight": ": tight",
    "conflict": ": the prior hardly allows it",
    "high": ": nearly all of it means large differences between levels",
    "low": ": little room for differences between levels",
}
"""Remark -> how its sentence ends."""

ALWAYS = frozenset({"outcome", "outcome_mean", "group_mean_sd", "category_share", "icc"})
"""Quantities that have a sentence without a remark too."""

SHARES = {
    "share_impossible": "fall where the parameters make no distribution: the link lets them leave "
    "the family's support",
    "share_certain": f"have a probability within {EDGE:g} of 0 or 1",
    "share_huge": f"lie beyond {MANY_TIMES:g} times the largest count of the data",
    "share_far": f"lie more than {FAR_SDS:g} sds of the data from their mean",
}


def sentences(table: pd.DataFrame, response: str, interval: float) -> Iterator[str]:
    """Yield a sentence for what a person should know, and for whatever has a remark.

    Parameters
    ----------
    table
        The table of the check.
    response
        Its name.
    interval
        Probability of the intervals.
    """
    for row in table.to_dict("records"):
        text = _sentence({str(k): v for k, v in row.items()}, response, percent(interval))
        if text:
            yield text


def _sentence(row: Mapping[str, Any], response: str, share: str) -> str:
    name, end = row["quantity"], ENDS.get(row["remark"], "")
    if name in SHARES:
        mean = row["prior_mean"]
        return f"{_percent(mean)} of prior outcomes {SHARES[name]}" if mean > 0 else ""
    if not row["remark"] and name not in ALWAYS:
        return ""
    prior = _range(row["prior_lower"], row["prior_upper"])
    if name == "outcome":
        data = _range(row["data_min"], row["data_max"])
        said = f"{share} of prior outcomes of {response} lie within {prior}"
        return f"{said}; the data within {data}{end}"
    said = f"{_subject(row)}: {share} of the prior within {prior}"
    if name == "icc":
        return f"{said}, median {_number(row['prior_median'])}{end}"
    if name == "group_mean":
        return f"{said}; the data within {_range(row['data_min'], row['data_max'])}{end}"
    return f"{said}; the data have {_number(row['data'])}{end}"


def _subject(row: Mapping[str, Any]) -> str:
    group, term = row["group"], row["term"]
    return {
        "outcome_mean": "mean outcome",
        "outcome_sd": "sd of the outcomes",
        "group_mean": f"mean outcomes by {group}",
        "group_mean_sd": f"sd of the mean outcomes by {group}",
        "category_share": f"share of {term}",
        "icc": f"share of variance between levels of {group} (ICC)",
    }[row["quantity"]]


def _range(lower: float, upper: float) -> str:
    return f"{_number(lower)} .. {_number(upper)}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _percent(share: float) -> str:
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.2g} %"
