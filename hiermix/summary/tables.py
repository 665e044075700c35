"""The tidy tables of a run as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hiermix.summary.arms.table import empty_arms
from hiermix.summary.predictive.table import empty_checks
from hiermix.summary.questions.table import empty_questions

CRE_TEXTS = ("group", "term", "effect")

CRE_COLUMNS = (
    *CRE_TEXTS,
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "mcse_mean",
    "prob_positive",
    "tail_probability",
    "wald_chi2",
    "wald_df",
    "wald_p",
    "conclusion",
)
"""Columns of ``cre.csv``, in order."""

MUNDLAK_TEST = "mundlak-test"
"""Effect of the rows that hold a joint test of several contextual effects."""

ALL_TERMS, ALL_GROUPS = "all terms", "all groups"

MATTER, DO_NOT_MATTER = "group means matter", "group means do not matter"
"""Conclusions of a Mundlak test."""


@dataclass(frozen=True)
class Tables:
    """Tables of a run; columns as the README documents them.

    ``summary`` has one row per population-level scalar, ``group_effects`` one per group, level
    and term, ``variance`` one per variance component or ratio, ``cre`` one per contextual effect
    (none without group means), ``identification`` one per group, level and term, ``questions`` one
    per answer (none without questions in the spec), ``arms`` one per level and scale of the effect
    (none without two arms), ``predictive_checks`` one per statistic of all rows or of a level.
    """

    summary: pd.DataFrame
    group_effects: pd.DataFrame
    variance: pd.DataFrame
    cre: pd.DataFrame
    identification: pd.DataFrame
    questions: pd.DataFrame = field(default_factory=empty_questions)
    arms: pd.DataFrame = field(default_factory=empty_arms)
    predictive_checks: pd.DataFrame = field(default_factory=empty_checks)


def empty_cre() -> pd.DataFrame:
    """Return the table of a run without contextual effects."""
    table = pd.DataFrame({name: np.empty(0) for name in CRE_COLUMNS})
    return table.astype(dict.fromkeys((*CRE_TEXTS, "conclusion"), object))
