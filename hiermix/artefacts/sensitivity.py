"""A run directory -> the study of its sensitivity to priors, and such a study as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.study_files import StudyFiles

if TYPE_CHECKING:
    from hiermix.artefacts.read import StoredRun
    from hiermix.listening import Listener
    from hiermix.studies.sensitivity import Asked, Sensitivity

FILES = StudyFiles(("power", "grid", "levels", "level_grid"), "sensitivity.svg", mark="power.csv")


def study_run(
    stored: StoredRun, asked: Asked, listener: Listener, *, data_root: Path | None = None
) -> Sensitivity:
    """Study a finished run.

    Raises
    ------
    EnvironmentFault
        The run is damaged, or its data have changed.
    InputError
        Its data are not there; or a prior cannot be scaled.
    EngineError
        A refit has no posterior.
    """
    from hiermix.artefacts.prepared_again import prepare_again
    from hiermix.studies.sensitivity import sensitivity_of

    again = prepare_again(stored, listener, data_root=data_root)
    return sensitivity_of(
        again.prepared,
        again.fit,
        stored.tables,
        stored.manifest.verdict,
        asked,
        listener,
    )


def write_sensitivity(study: Sensitivity, folder: Path) -> None:
    """Write ``power.csv``, and of refits ``grid.csv``, both tables of levels and the plot.

    Raises
    ------
    EnvironmentFault
        See `StudyFiles.write`.
    """
    from hiermix.artefacts.plots.sensitivity import sensitivity_plot

    tables = {
        "power": study.power,
        "grid": study.grid,
        "levels": study.levels,
        "level_grid": study.level_grid,
    }
    FILES.write(folder, tables, sensitivity_plot(study) if len(study.grid) else "")
