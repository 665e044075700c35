"""Contextual effects as the report and the terminal show them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.texts import DASH, compact, decimals, fixed
from hiermix.summary.tables import ALL_TERMS, DO_NOT_MATTER, MATTER, MUNDLAK_TEST

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary import Tables

SAID = {MATTER: MATTER, DO_NOT_MATTER: f"{DO_NOT_MATTER}, as far as these data show,"}
"""Conclusions in a sentence: no evidence of an effect is no evidence of none."""


@dataclass(frozen=True)
class ContextualView:
    """Texts of the section: sentences, effects by term, joint tests, and other estimators."""

    sentences: list[str]
    effects: list[dict[str, str]]
    tests: list[dict[str, str]]
    estimators: list[dict[str, str]]


def contextual_view(tables: Tables) -> ContextualView | None:
    """Return the section on contextual effects, or ``None`` for a run without them."""
    table = tables.cre
    if not len(table):
        return None
    rows = table.to_dict("records")
    by_effect = {(r["group"], r["term"], r["effect"]): r for r in rows}
    terms = [(r["group"], r["term"]) for r in rows if r["effect"] == "contextual"]
    return ContextualView(
        contextual_sentences(table),
        [_effects(group, term, by_effect) for group, term in terms],
        [_test(r) for r in rows if r["effect"] == MUNDLAK_TEST],
        _estimators(rows),
    )


def contextual_sentences(table: pd.DataFrame) -> list[str]:
    """Return what the group means say, a sentence for each factor: jointly, then by term.

    A term with several columns is judged by its joint test.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"group": "g", "effect": "contextual", "tail_probability": 0.001, "term": "x"}
    >>> contextual_sentences(pd.DataFrame([{**row, "conclusion": "group means matter"}]))
    ['By g: group means matter for x (tail probability 0.001).']
    """
    sentences = []
    tested = table[table["conclusion"] != ""]
    joint = tested[tested["effect"] == MUNDLAK_TEST]
    for group in dict.fromkeys(tested.loc[tested["effect"] == "contextual", "group"]):
        tests = joint[joint["group"] == group].set_index("term")
        own = tested[(tested["group"] == group) & (tested["effect"] == "contextual")]
        by_term = {str(r["term"]): r for r in own.to_dict("records")}
        for term in [t for t in tests.index if t != ALL_TERMS]:
            columns = [c for c in by_term if c.startswith(f"{term}[")]
            by_term = {c: r for c, r in by_term.items() if c not in columns}
            by_term[str(term)] = {"term": term, **tests.loc[term].to_dict()}
        parts = []
        if ALL_TERMS in tests.index:
            whole = tests.loc[ALL_TERMS].to_dict()
            said = SAID[str(whole["conclusion"])]
            parts.append(f"{said} taken together{_probability(whole)}")
        for conclusion, said in SAID.items():
            named = [
                f"{term}{_probability(row)}"
                for term, row in by_term.items()
                if row["conclusion"] == conclusion
            ]
            if named:
                parts.append(f"{said} for {_listed(named)}")
        sentences.append(f"By {group}: {'; '.join(parts)}.")
    return sentences


def _probability(row: dict[Any, Any]) -> str:
    return f" (tail probability {compact(_number(row['tail_probability']), 2)})"


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _effects(group: str, term: str, by_effect: dict[Any, Any]) -> dict[str, str]:
    row = {"term": term, "group": group}
    for name in ("within", "between", "contextual"):
        found = by_effect[group, term, name]
        digits = decimals(_number(found["mcse_mean"]), _number(found["sd"]))
        row[name] = fixed(_number(found["mean"]), digits)
        row[f"{name}_interval"] = (
            f"{fixed(_number(found['lower']), digits)} to {fixed(_number(found['upper']), digits)}"
        )
    contextual = by_effect[group, term, "contextual"]
    row["prob_positive"] = fixed(_number(contextual["prob_positive"]), 3)
    row["tail_probability"] = compact(_number(contextual["tail_probability"]), 2)
    row["conclusion"] = _short(contextual["conclusion"])
    return row


def _short(conclusion: str) -> str:
    """Return the conclusion for a column that is headed "group means"."""
    return conclusion.removeprefix("group means ") or DASH


def _test(row: dict[Any, Any]) -> dict[str, str]:
    return {
        "term": str(row["term"]),
        "group": str(row["group"]),
        "tail_probability": compact(_number(row["tail_probability"]), 2),
        "wald_chi2": fixed(_number(row["wald_chi2"]), 2),
        "wald_df": fixed(_number(row["wald_df"]), 0),
        "wald_p": compact(_number(row["wald_p"]), 2),
        "conclusion": _short(row["conclusion"]),
    }


def _estimators(rows: list[dict[Any, Any]]) -> list[dict[str, str]]:
    """Return within estimates by three estimators; none if there is only one."""
    found: dict[str, dict[str, dict[Any, Any]]] = {}
    for row in rows:
        if row["effect"] in ("random", "within", "fixed"):
            found.setdefault(str(row["term"]), {}).setdefault(str(row["effect"]), row)
    if not any(len(of) > 1 for of in found.values()):
        return []
    return [
        {
            "term": term,
            **{name: _estimate(of.get(name)) for name in ("random", "within", "fixed")},
        }
        for term, of in found.items()
    ]


def _estimate(row: dict[Any, Any] | None) -> str:
    if row is None:
        return DASH
    digits = decimals(math.nan, _number(row["sd"]))
    return f"{fixed(_number(row['mean']), digits)} ({fixed(_number(row['sd']), digits)})"


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
