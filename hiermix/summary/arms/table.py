"""The columns of ``arms.csv``."""

from __future__ import annotations

import numpy as np
import pandas as pd

ARMS_TEXTS = ("group", "level", "scale")

ARMS_COLUMNS = (
    "group",
    "level",
    "trials_control",
    "trials_treatment",
    "rate_control",
    "rate_treatment",
    "scale",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "mcse_mean",
    "prob_above",
    "raw_estimate",
    "raw_se",
    "draws",
)
"""Columns of ``arms.csv``, in order."""

SCALES = ("difference", "ratio", "log_odds")
"""Scales of the effect, in the order of the rows of a level."""

ALL_ROWS = "(all)"
"""Level of the effect over all rows; its group is empty."""


def empty_arms() -> pd.DataFrame:
    """Return the table of a run without two arms."""
    table = pd.DataFrame({name: np.empty(0) for name in ARMS_COLUMNS})
    return table.astype(dict.fromkeys(ARMS_TEXTS, object))
