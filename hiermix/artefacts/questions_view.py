"""Answers to questions as the report shows them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.texts import DASH, MINUS, decimals, fixed, shown
from hiermix.summary.questions.words import SCALES

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary import Tables

SHOWN = 40
"""Rows of one question that the report has; all are in ``questions.csv``."""

RIGHT_TO_LEFT = ("R", "AL", "AN")
"""Bidirectional types of characters around which a minus sign is read from the right."""

Column = tuple[str, str, str]
"""Key of a row, head of the column, and its CSS class."""


@dataclass(frozen=True)
class QuestionView:
    """One question: its title, how it was asked, columns and rows of its table as texts.

    ``left_out`` counts the rows that are not shown, ``what_left_out`` says which they are.
    """

    name: str
    words: str
    columns: list[Column]
    rows: list[dict[str, str]]
    left_out: int
    notes: list[str]
    what_left_out: str = ""


def question_views(tables: Tables) -> list[QuestionView]:
    """Return the questions in the order of the spec."""
    table = tables.questions
    if not len(table):
        return []
    return [
        _view(str(name), rows.to_dict("records"))
        for name, rows in table.groupby("question", sort=False)
    ]


def question_sentences(table: pd.DataFrame) -> list[str]:
    """Return a sentence about answers that other draws could turn over, if there are any.

    Examples
    --------
    >>> import pandas as pd
    >>> question_sentences(pd.DataFrame({"unstable": ["", "direction, best", "best"]}))
    ['2 of 3 answers could flip with other draws (direction, best): take more of them.']
    """
    marked = [str(words) for words in table["unstable"] if words]
    if not marked:
        return []
    words = dict.fromkeys(word for words in marked for word in words.split(", "))
    return [
        f"{len(marked)} of {len(table)} answers could flip with other draws "
        f"({', '.join(words)}): take more of them."
    ]


def _view(name: str, rows: list[dict[Any, Any]]) -> QuestionView:
    first = rows[0]
    left_out = max(len(rows) - SHOWN, 0)
    ranked = bool(left_out) and any(row["choice"] for row in rows)
    if ranked:
        # What to choose is the answer: it is never among the rows that are left out.
        rows = sorted(rows, key=lambda row: (not row["choice"], _number(row["expected_loss"])))
    kept = rows[:SHOWN]
    notes = dict.fromkeys(str(row["note"]) for row in rows if row["note"])
    return QuestionView(
        name,
        _words(first),
        _columns(first, kept),
        [_row(row) for row in kept],
        left_out,
        list(notes),
        ", of larger expected losses," if ranked else "",
    )


def _words(row: Mapping[Any, Any]) -> str:
    words = f"{row['of']}: {SCALES[str(row['scale'])]}; decided from a probability of "
    words += f"{_number(row['decide']):g} on"
    if not math.isnan(_number(row["rope_lower"])):
        low, high = _number(row["rope_lower"]), _number(row["rope_upper"])
        words += f"; as good as none between {low:g} and {high:g}"
    return words + "."


def _columns(row: Mapping[Any, Any], rows: list[dict[Any, Any]]) -> list[Column]:
    threshold = f"{_number(row['threshold']):g}"
    columns = [("label", "effect", "name")]
    if any(r["by"] for r in rows):
        columns.append(("by", "by", "text"))
    columns += [(n, n, "number") for n in ("mean", "sd", "lower", "upper")]
    columns += [("prob_above", f"P(> {threshold})", "number"), ("direction", "direction", "text")]
    if not math.isnan(_number(row["rope_lower"])):
        columns += [("prob_rope", "P(in ROPE)", "number"), ("rope", "ROPE", "text")]
    if any(r["choice"] for r in rows) or not math.isnan(_number(row["prob_best"])):
        columns += [
            ("prob_best", "P(best)", "number"),
            ("expected_loss", "expected loss", "number"),
            ("choice", "choice", "text"),
        ]
    if not math.isnan(_number(row["top"])):
        top = f"{_number(row['top']):g}"
        columns += [("prob_top", f"P(top {top})", "number"), ("in_top", f"in top {top}", "text")]
    return [*columns, ("unstable", "unstable", "text")]


def _row(row: Mapping[Any, Any]) -> dict[str, str]:
    digits = decimals(_number(row["mcse_mean"]), _number(row["sd"]))
    shown = {name: fixed(_number(row[name]), digits) for name in ("mean", "sd", "lower", "upper")}
    for name, mcse in (
        ("prob_above", "mcse_above"),
        ("prob_rope", "mcse_rope"),
        ("prob_best", "mcse_best"),
        ("prob_top", "mcse_top"),
    ):
        shown[name] = fixed(_number(row[name]), decimals(_number(row[mcse]), math.nan))
    loss = decimals(_number(row["mcse_loss"]), _number(row["sd"]))
    expected_loss = fixed(_number(row["expected_loss"]), loss)
    level, against = str(row["level"]), str(row["against"])
    label = _difference(level, against) if against else level
    texts = {name: str(row[name]) for name in ("by", "direction", "rope", "choice", "in_top")}
    return {
        **shown,
        **texts,
        "expected_loss": expected_loss,
        "label": label or str(row["of"]),
        "unstable": str(row["unstable"]) or DASH,
    }


def _difference(level: str, against: str) -> str:
    """Return a difference of levels that reads from left to right, whatever their script is."""
    text = f"{level} {MINUS} {against}"
    if not any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text):
        return text
    from markupsafe import Markup

    between = f"\N{LEFT-TO-RIGHT MARK} {MINUS} \N{LEFT-TO-RIGHT MARK}"
    return Markup("{}{}{}").format(shown(level), between, shown(against))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
