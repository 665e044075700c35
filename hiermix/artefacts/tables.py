"""The tables of a run as files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hiermix.artefacts.delimited import read_frame, write_frame
from hiermix.summary import Tables

CSV_ROWS = 100_000
"""Rows of ``group_effects`` above which it is written as Parquet."""

SUMMARY = "summary.csv"
GROUP_EFFECTS = "group_effects.csv"
GROUP_EFFECTS_PARQUET = "group_effects.parquet"
VARIANCE = "variance.csv"


def write_tables(folder: Path, tables: Tables) -> None:
    """Write ``summary``, ``group_effects`` and ``variance``."""
    write_frame(folder / SUMMARY, tables.summary)
    write_frame(folder / VARIANCE, tables.variance)
    if len(tables.group_effects) > CSV_ROWS:
        tables.group_effects.to_parquet(folder / GROUP_EFFECTS_PARQUET, index=False)
    else:
        write_frame(folder / GROUP_EFFECTS, tables.group_effects)


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
    name = group_effects_name(folder)
    if name == GROUP_EFFECTS_PARQUET:
        effects = pd.read_parquet(folder / name)
    else:
        effects = read_frame(folder / name, ("group", "level", "term"), ("identified",))
    return Tables(
        summary=read_frame(folder / SUMMARY, ("parameter", "role")),
        group_effects=effects,
        variance=read_frame(folder / VARIANCE, ("component", "group", "term", "quantity")),
    )
