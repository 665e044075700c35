"""The columns of ``questions.csv``."""

from __future__ import annotations

import numpy as np
import pandas as pd

LABELS = ("question", "of", "scale", "by", "level", "against")
"""Columns that say what a row is about."""

VERDICTS = ("direction", "rope", "choice", "in_top", "unstable", "note")
"""Columns that hold words."""

QUESTION_TEXTS = (*LABELS, *VERDICTS)

QUESTION_COLUMNS = (
    *LABELS,
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "mcse_mean",
    "threshold",
    "prob_above",
    "mcse_above",
    "prob_below",
    "mcse_below",
    "decide",
    "direction",
    "rope_lower",
    "rope_upper",
    "prob_rope",
    "mcse_rope",
    "rope",
    "prob_best",
    "mcse_best",
    "expected_loss",
    "mcse_loss",
    "choice",
    "top",
    "prob_top",
    "mcse_top",
    "in_top",
    "unstable",
    "note",
)
"""Columns of ``questions.csv``, in order; what a question does not ask for is empty."""

FAILED = "FAILED: a gate failed, do not rely on this"
"""Note on every answer of a run whose verdict is `fail`."""


def empty_questions() -> pd.DataFrame:
    """Return the table of a run without questions."""
    table = pd.DataFrame({name: np.empty(0) for name in QUESTION_COLUMNS})
    return table.astype(dict.fromkeys(QUESTION_TEXTS, object))


def with_note(table: pd.DataFrame, note: str) -> pd.DataFrame:
    """Return the table with a sentence before the note of every row."""
    noted = table.copy()
    noted["note"] = [f"{note}; {text}" if text else note for text in table["note"]]
    return noted
