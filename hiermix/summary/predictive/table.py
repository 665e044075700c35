"""The table of posterior predictive checks."""

from __future__ import annotations

import numpy as np
import pandas as pd

PREDICTIVE_TEXTS = ("group", "level", "statistic")

PREDICTIVE_COLUMNS = (
    *PREDICTIVE_TEXTS,
    "n_rows",
    "observed",
    "replicated_mean",
    "replicated_sd",
    "lower",
    "upper",
    "p_value",
    "p_two_sided",
    "p_adjusted",
    "replicates",
)
"""Columns of ``predictive_checks.csv``, in order."""

WARN_BELOW = 0.01
"""Adjusted p-values below are worth a look: the limit of the gates under ``publish``."""


def empty_checks() -> pd.DataFrame:
    """Return the table of a run without posterior predictive checks."""
    table = pd.DataFrame({name: np.empty(0) for name in PREDICTIVE_COLUMNS})
    return table.astype(dict.fromkeys(PREDICTIVE_TEXTS, object))
