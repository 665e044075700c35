"""Tables as a report shows them: ordered, cut, with as many digits as mean something."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.texts import DASH, compact, decimals, fixed, seconds_text

if TYPE_CHECKING:
    from hiermix.escalation import Attempt
    from hiermix.gates import Verdict
    from hiermix.gates.verdict import Finding
    from hiermix.summary import Tables

ESTIMATES = ("mean", "sd", "median", "lower", "upper")

SEVERITY = ("fail", "warn", "waived", "pass", "not applicable")

ROLES = {
    "common": "common effect",
    "group_sd": "group sd",
    "correlation": "correlation",
    "residual": "residual",
    "auxiliary": "auxiliary",
}

QUANTITIES = {
    "sd": "sd",
    "correlation": "correlation",
    "icc": "ICC",
    "r2_conditional": "R\N{SUPERSCRIPT TWO} conditional",
    "r2_marginal": "R\N{SUPERSCRIPT TWO} marginal",
    "pooling_factor": "pooling factor",
}


def ordered_findings(verdict: Verdict) -> list[Finding]:
    """Return the findings, what failed first."""
    return sorted(verdict.findings, key=lambda f: SEVERITY.index(f.status))


def population_rows(tables: Tables) -> list[dict[str, str]]:
    """Return the rows of the population-level table as texts."""
    rows = []
    for row in tables.summary.to_dict("records"):
        digits = decimals(_number(row["mcse_mean"]), _number(row["sd"]))
        shown = {name: fixed(_number(row[name]), digits) for name in ESTIMATES}
        rows.append(
            {
                "parameter": str(row["parameter"]),
                "role": ROLES.get(str(row["role"]), str(row["role"])),
                **shown,
                "mcse_mean": compact(_number(row["mcse_mean"]), 2),
                "ess_bulk": fixed(_number(row["ess_bulk"]), 0),
                "ess_tail": fixed(_number(row["ess_tail"]), 0),
                "rhat": fixed(_number(row["rhat"]), 3),
            }
        )
    return rows


INTERCEPT = re.compile(r"(^|_)Intercept(\[|$)")
"""An intercept of a linear predictor, or of one of its categories."""

MAX_BRIEF = 6
"""Common effects, and group sds, that the page begins with."""


def brief_sentences(tables: Tables) -> list[str]:
    """Return the common effects and how much levels differ, in a sentence each, a few of them."""
    common = tables.summary[tables.summary["role"] == "common"]
    effects = [r for r in population_rows(tables) if r["parameter"] in set(common["parameter"])]
    # An intercept is told where nothing else is.
    effects = [r for r in effects if not INTERCEPT.search(r["parameter"])] or effects
    spreads = [r for r in variance_rows(tables) if r["quantity"] == "sd" and r["group"]]
    said = [f"{r['parameter']}: {_with_interval(r)}" for r in effects[:MAX_BRIEF]]
    said += [
        f"{r['term']} differs between levels of {r['group']} by an sd of {_with_interval(r)}"
        for r in spreads[:MAX_BRIEF]
    ]
    hidden = max(len(effects) - MAX_BRIEF, 0) + max(len(spreads) - MAX_BRIEF, 0)
    verb = "is" if hidden == 1 else "are"
    return [*said, f"{hidden} more {verb} in the tables below"] if hidden else said


def _with_interval(row: dict[str, str]) -> str:
    return f"{row['mean']} ({row['lower']} to {row['upper']})"


def attempt_rows(attempts: Sequence[Attempt]) -> list[dict[str, str]]:
    """Return what every attempt changed, what it found and how long it took."""
    return [
        {
            "number": f"{attempt.number}{' (stands)' if attempt.stands else ''}",
            "reason": attempt.reason,
            "divergences": DASH if attempt.divergences is None else f"{attempt.divergences:,}",
            "failed": attempt.error or ", ".join(attempt.failed_gates) or "nothing",
            "seconds": seconds_text(attempt.seconds),
        }
        for attempt in attempts
    ]


WORST = 10
"""Parameters that are listed as the worst."""


def worst_rows(tables: Tables) -> list[dict[str, str]]:
    """Return the parameters, those of levels included, whose chains agree least.

    Sorted by R-hat, a missing one first, then by bulk ESS.
    """
    found = [
        (str(row["parameter"]), _number(row["rhat"]), _number(row["ess_bulk"]))
        for row in tables.summary.to_dict("records")
    ]
    effects = tables.group_effects
    if len(effects):
        # Of many levels only those that can be among the worst.
        ranked = effects.sort_values(
            ["rhat", "ess_bulk"], ascending=[False, True], na_position="first"
        ).head(WORST)
        found += [
            (
                f"{row['term']} by {row['group']}: {row['level']}",
                _number(row["rhat"]),
                _number(row["ess_bulk"]),
            )
            for row in ranked.to_dict("records")
        ]
    found.sort(key=lambda f: (-f[1] if f[1] == f[1] else -math.inf, f[2]))
    return [
        {"parameter": name, "rhat": fixed(rhat, 4), "ess_bulk": fixed(ess, 0)}
        for name, rhat, ess in found[:WORST]
    ]


def variance_rows(tables: Tables) -> list[dict[str, str]]:
    """Return the rows of the variance table as texts, without variances and covariances."""
    rows = []
    for row in tables.variance.to_dict("records"):
        if row["quantity"] in ("variance", "covariance"):
            continue
        sd = _number(row["sd"])
        digits = decimals(math.nan, sd)
        of = " of ".join(t for t in (str(row["term"]), str(row["group"])) if t)
        rows.append(
            {
                "of": of or "the model",
                "term": str(row["term"]),
                "group": str(row["group"]),
                "component": str(row["component"]),
                "quantity": QUANTITIES.get(str(row["quantity"]), str(row["quantity"])),
                **{name: fixed(_number(row[name]), digits) for name in ESTIMATES},
            }
        )
    return rows


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
