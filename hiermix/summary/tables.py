"""The tidy tables of a run as one value."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Tables:
    """Tables of a run; columns as the README documents them.

    ``summary`` has one row per population-level scalar, ``group_effects`` one per group, level
    and term, ``variance`` one per variance component or ratio, ``cre`` one per contextual effect
    (none without group means), ``identification`` one per group, level and term.
    """

    summary: pd.DataFrame
    group_effects: pd.DataFrame
    variance: pd.DataFrame
    cre: pd.DataFrame
    identification: pd.DataFrame
