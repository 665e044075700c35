"""A prior check as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.plots.prior import prior_plot
from hiermix.artefacts.study_files import StudyFiles

if TYPE_CHECKING:
    from hiermix.studies.prior_check import PriorCheck

FILES = StudyFiles(("prior_check",), "prior_check.svg", mark="prior_check.svg")


def write_prior_check(check: PriorCheck, folder: Path) -> None:
    """Write ``prior_check.csv`` and ``prior_check.svg``.

    Raises
    ------
    EnvironmentFault
        See `StudyFiles.write`.
    """
    FILES.write(folder, {"prior_check": check.table}, prior_plot(check))
