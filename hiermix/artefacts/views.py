"""Tables as a report shows them: ordered, cut, with as many digits as mean something."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.plots.forest import EACH_END, ends
from hiermix.artefacts.texts import DASH, compact, decimals, fixed, seconds_text
from hiermix.summary.pooling_words import term_sentences

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.artefacts.manifest import Manifest
    from hiermix.escalation import Attempt
    from hiermix.gates import Verdict
    from hiermix.gates.verdict import Finding
    from hiermix.summary import Tables

ESTIMATES = ("mean", "sd", "median", "lower", "upper")

DAGGER = " \N{DAGGER}"
"""Marks levels whose effect the likelihood does not tell from others."""

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


@dataclass(frozen=True)
class LevelsView:
    """Rows of one group term; ``left_out`` levels in the middle are not shown.

    ``unidentified`` counts the levels, shown or not, that the likelihood does not tell apart;
    ``pooling`` is a sentence about their pooling weights.
    """

    group: str
    term: str
    n_levels: int
    left_out: int
    rows: list[dict[str, str]]
    unidentified: int
    pooling: str = ""


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


LONG_NUMBER = re.compile(r"\d+\.\d{4,}(?:e[-+]?\d+)?")
"""Numbers that the report shortens to six digits; `spec.resolved.yaml` has all of them."""


def prior_rows(manifest: Manifest) -> list[dict[str, str]]:
    """Return the priors with their numbers and where they come from."""
    return [
        {
            "parameter": str(row["parameter"]),
            "prior": LONG_NUMBER.sub(lambda m: f"{float(m[0]):.6g}", str(row["prior"])),
            "source": "default" if row["default"] else "spec",
        }
        for row in manifest.model["priors"]
    ]


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
                "component": str(row["component"]),
                "quantity": QUANTITIES.get(str(row["quantity"]), str(row["quantity"])),
                **{name: fixed(_number(row[name]), digits) for name in ESTIMATES},
            }
        )
    return rows


def level_views(tables: Tables) -> list[LevelsView]:
    """Return the group effects, a view for each group term, sorted by coefficient."""
    effects = tables.group_effects
    if not len(effects):
        return []
    said = dict(term_sentences(tables))
    return [
        _levels(str(group), str(term), rows, said.get((str(group), str(term)), ""))
        for (group, term), rows in effects.groupby(["group", "term"], sort=False)
    ]


def _levels(group: str, term: str, rows: pd.DataFrame, pooling: str) -> LevelsView:
    ranked = rows.sort_values(["coefficient_mean", "level"], kind="stable")
    picked = ends(ranked, EACH_END)
    return LevelsView(
        group=group,
        term=term,
        n_levels=len(rows),
        left_out=len(rows) - len(picked),
        rows=[_level(row) for row in picked.to_dict("records")],
        unidentified=int((~rows["identified"].fillna(True).astype(bool)).sum()),
        pooling=pooling,
    )


def _level(row: dict[Any, Any]) -> dict[str, str]:
    sd, ess = _number(row["coefficient_sd"]), _number(row["ess_bulk"])
    # The table has no MCSE; that of a mean is about sd / sqrt(ESS).
    mcse = sd / math.sqrt(ess) if ess > 0 else math.nan
    digits = decimals(mcse, sd)
    names = (
        "deviation_mean",
        "deviation_sd",
        "coefficient_mean",
        "coefficient_sd",
        "lower",
        "upper",
        "raw_estimate",
        "raw_se",
    )
    shares = ("pooling", "shrinkage", "prob_best")
    mark = DAGGER if row["identified"] is False else ""
    return {
        "level": f"{row['level']}{mark}",
        "n_rows": str(row["n_rows"]),
        **{name: fixed(_number(row[name]), digits) for name in names},
        **{name: fixed(_number(row[name]), 2) for name in shares},
        "rank": fixed(_number(row["rank"]), 1),
        "ess_bulk": fixed(_number(row["ess_bulk"]), 0),
        "rhat": fixed(_number(row["rhat"]), 3),
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
