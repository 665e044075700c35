"""The tables of a run as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hiermix.artefacts.delimited import read_frame, write_csv, write_frame
from hiermix.summary import Tables
from hiermix.summary.arms.table import ARMS_TEXTS, empty_arms
from hiermix.summary.predictive.table import PREDICTIVE_TEXTS, empty_checks
from hiermix.summary.questions.table import QUESTION_TEXTS, empty_questions
from hiermix.summary.tables import CRE_TEXTS, empty_cre

if TYPE_CHECKING:
    from hiermix.design.cre import LevelMeans

CSV_ROWS = 100_000
"""Rows of ``group_effects`` above which it is written as Parquet."""

SUMMARY = "summary.csv"
GROUP_EFFECTS = "group_effects.csv"
GROUP_EFFECTS_PARQUET = "group_effects.parquet"
VARIANCE = "variance.csv"
CRE = "cre.csv"
CRE_MEANS = "cre_means.csv"
IDENTIFICATION = "identification.csv"
QUESTIONS = "questions.csv"
ARMS = "arms.csv"
ARMS_PARQUET = "arms.parquet"
IDENTIFICATION_PARQUET = "identification.parquet"
PREDICTIVE_CHECKS = "predictive_checks.csv"
PREDICTIVE_CHECKS_PARQUET = "predictive_checks.parquet"


def write_tables(folder: Path, tables: Tables) -> None:
    """Write every table; those that a spec asks for, and checks, only where there is any row."""
    write_frame(folder / SUMMARY, tables.summary)
    write_frame(folder / VARIANCE, tables.variance)
    _write_large(folder / GROUP_EFFECTS, tables.group_effects)
    _write_large(folder / IDENTIFICATION, tables.identification)
    if len(tables.cre):
        write_frame(folder / CRE, tables.cre)
    if len(tables.questions):
        write_frame(folder / QUESTIONS, tables.questions)
    if len(tables.arms):
        _write_large(folder / ARMS, tables.arms)
    if len(tables.predictive_checks):
        _write_large(folder / PREDICTIVE_CHECKS, tables.predictive_checks)


def _write_large(path: Path, table: pd.DataFrame) -> None:
    """Write a table with a row for each level: as Parquet beyond ``CSV_ROWS``."""
    if len(table) > CSV_ROWS:
        table.to_parquet(path.with_suffix(".parquet"), index=False)
    else:
        write_frame(path, table)


def write_level_means(folder: Path, means: Sequence[LevelMeans]) -> None:
    """Write the level means that contextual effects were fitted with, a row for each mean.

    Columns ``group``, ``level``, ``column`` (of the design), ``mean``, ``weight`` (summed over the
    level's rows as the likelihood weighs them) and ``n_rows``. The level of the mean over all
    rows is empty. Predictions for a level that was fitted use its stored mean.
    """
    rows = [row for of_factor in means for row in _mean_rows(of_factor)]
    write_csv(folder / CRE_MEANS, ("group", "level", "column", "mean", "weight", "n_rows"), rows)


def _mean_rows(means: LevelMeans) -> Iterator[tuple[str, str, str, float, float, int]]:
    total, n_obs = float(means.weight.sum()), int(means.n_rows.sum())
    for k, column in enumerate(means.columns):
        yield means.group, "", column, float(means.overall[k]), total, n_obs
        for j, level in enumerate(means.levels):
            mean, weight = float(means.values[j, k]), float(means.weight[j])
            yield means.group, level, column, mean, weight, int(means.n_rows[j])


def read_level_means(folder: Path) -> tuple[LevelMeans, ...]:
    """Read the level means of a run, one for each factor; none without contextual effects.

    Raises
    ------
    OSError, ValueError, csv.Error
        If the file is not such a table.
    """
    from hiermix.design.cre import LevelMeans

    path = folder / CRE_MEANS
    if not path.is_file():
        return ()
    table = read_frame(path, ("group", "level", "column"))
    found = []
    for group, rows in table.groupby("group", sort=False):
        columns = tuple(rows["column"].unique())
        wide = rows.pivot(index="level", columns="column", values="mean")[list(columns)]
        first = rows[(rows["column"] == columns[0]) & (rows["level"] != "")]
        levels = tuple(first["level"])
        found.append(
            LevelMeans(
                str(group),
                levels,
                columns,
                wide.loc[list(levels)].to_numpy(),
                first["weight"].to_numpy(dtype=float),
                first["n_rows"].to_numpy(),
                wide.loc[""].to_numpy(),
            )
        )
    return tuple(found)


def group_effects_name(folder: Path) -> str:
    """Return the name of the file that holds the group effects of a run."""
    parquet = (folder / GROUP_EFFECTS_PARQUET).is_file()
    return GROUP_EFFECTS_PARQUET if parquet else GROUP_EFFECTS


def read_tables(folder: Path) -> Tables:
    """Read the tables of a run.

    Raises
    ------
    OSError, ValueError, csv.Error
        If a file is missing or is not such a table.
    """
    level = ("group", "level", "term")
    cre, questions = folder / CRE, folder / QUESTIONS
    return Tables(
        summary=read_frame(folder / SUMMARY, ("parameter", "role")),
        group_effects=_read_large(folder / GROUP_EFFECTS, level, ("identified",)),
        variance=read_frame(folder / VARIANCE, ("component", "group", "term", "quantity")),
        cre=read_frame(cre, (*CRE_TEXTS, "conclusion")) if cre.is_file() else empty_cre(),
        identification=_read_large(
            folder / IDENTIFICATION, (*level, "status", "kind", "partners"), ()
        ),
        questions=(
            read_frame(questions, QUESTION_TEXTS) if questions.is_file() else empty_questions()
        ),
        arms=_read_if_there(folder / ARMS, ARMS_TEXTS, empty_arms()),
        predictive_checks=_read_if_there(
            folder / PREDICTIVE_CHECKS, PREDICTIVE_TEXTS, empty_checks()
        ),
    )


def _read_if_there(path: Path, texts: Sequence[str], empty: pd.DataFrame) -> pd.DataFrame:
    there = path.is_file() or path.with_suffix(".parquet").is_file()
    return _read_large(path, texts, ()) if there else empty


def _read_large(path: Path, texts: Sequence[str], booleans: Sequence[str]) -> pd.DataFrame:
    parquet = path.with_suffix(".parquet")
    if parquet.is_file():
        return pd.read_parquet(parquet)
    return read_frame(path, texts, booleans)
