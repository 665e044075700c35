"""Predictions of held-out rows as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.plots.heldout import heldout_plot
from hiermix.artefacts.study_files import StudyFiles

if TYPE_CHECKING:
    from hiermix.studies.holdout import HoldoutStudy

FILES = StudyFiles(("scores", "levels", "rows"), "holdout.svg", mark="holdout.svg")


def write_holdout(study: HoldoutStudy, folder: Path) -> None:
    """Write ``scores.csv``, ``levels.csv`` (if levels are held out), ``rows.csv`` and the plot.

    Raises
    ------
    EnvironmentFault
        See `StudyFiles.write`.
    """
    tables = {"scores": study.scores, "levels": study.levels, "rows": study.rows}
    FILES.write(folder, tables, heldout_plot(study))
