"""The data of a run as the report shows them: rows, levels, the response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.texts import DASH, compact

if TYPE_CHECKING:
    from hiermix.artefacts.manifest import Manifest

DIGITS = 4

FACTOR_COLUMNS = ("factor", "levels", "rows_min", "rows_median", "rows_max", "single_row_levels")


@dataclass(frozen=True)
class DataView:
    """Pairs of a name and a text, and a row for each grouping factor."""

    facts: list[tuple[str, str]]
    response: str
    factors: list[dict[str, str]]
    counts: list[tuple[str, str]]


def data_view(manifest: Manifest) -> DataView:
    """Return the summary of the data; what an older manifest does not have is left out."""
    data = manifest.data
    response = data.get("response") or {}
    counts = response.get("counts") or {}
    total = sum(counts.values())
    return DataView(
        facts=list(_facts(manifest)),
        response=". ".join(_response(response)),
        factors=[
            {name: _count(row[name]) for name in FACTOR_COLUMNS} for row in data.get("factors", ())
        ],
        counts=[(str(v), f"{n:,} ({100 * n / total:.1f} %)") for v, n in counts.items()],
    )


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    data = manifest.data
    yield "File", str(data["path"])
    yield "Rows read", f"{data['rows_read']:,}"
    yield "Rows used", f"{data['rows_used']:,}"
    reduction = manifest.fit["facts"].get("reduction", {})
    if "cells" in reduction:
        yield "Merged to", f"{reduction['cells']:,} {reduction['method']}, without loss"
    dropped = {column: n for column, n in data["rows_dropped"].items() if n}
    for column, n in dropped.items():
        yield f"Dropped, no {column}", f"{n:,}"
    if not dropped:
        yield "Dropped", "none"


def _response(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences, without their full stops."""
    if "mean" in facts:
        text = f"Mean {_number(facts['mean'])}, sd {_number(facts['sd'])}"
        if facts["min"] is not None:
            text += f", from {_number(facts['min'])} to {_number(facts['max'])}"
        yield text
    if "trials" in facts:
        share = facts["successes"] / facts["trials"] if facts["trials"] else None
        yield (
            f"{_count(facts['successes'])} of {_count(facts['trials'])} trials succeeded "
            f"({_percent(share)})"
        )
        yield (
            f"Rows have {_count(facts['trials_min'])} to {_count(facts['trials_max'])} trials "
            f"and shares of {_percent(facts['share_min'])} to {_percent(facts['share_max'])}"
        )
    if "se_min" in facts:
        yield f"Known standard errors of {_number(facts['se_min'])} to {_number(facts['se_max'])}"
    if "censored" in facts:
        found = facts["censored"]
        yield f"Censored rows: {found['left']:,} from below, {found['right']:,} from above"


def _number(value: float | None) -> str:
    return compact(value, DIGITS)


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.3g} %"


def _count(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
