"""A comparison of no, complete and partial pooling as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.plots.shrinkage import shrinkage_plot
from hiermix.artefacts.study_files import StudyFiles

if TYPE_CHECKING:
    from hiermix.studies.pooling import PoolingStudy

FILES = StudyFiles(("levels", "accuracy", "truth"), "pooling.svg", mark="pooling.svg")


def write_pooling(study: PoolingStudy, folder: Path) -> None:
    """Write ``levels.csv``, ``accuracy.csv``, ``truth.csv`` (if there is any) and the plot.

    Raises
    ------
    EnvironmentFault
        See `StudyFiles.write`.
    """
    outputs = study.results["partial"].prepared.loaded.spec.outputs
    tables = {"levels": study.levels, "accuracy": study.accuracy, "truth": study.truth}
    FILES.write(folder, tables, shrinkage_plot(study.levels, outputs.interval))
