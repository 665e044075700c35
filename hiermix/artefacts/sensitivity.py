"""A run directory -> the study of its sensitivity to priors, and such a study as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.delimited import write_frame
from hiermix.artefacts.publish import check_replaceable, faults, replace_text

if TYPE_CHECKING:
    from hiermix.artefacts.read import StoredRun
    from hiermix.listening import Listener
    from hiermix.studies.sensitivity import Asked, Sensitivity

TABLES = ("power", "grid", "levels", "level_grid")

PLOT = "sensitivity.svg"

ALWAYS = "power.csv"
"""The file that every study has."""


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
        stored.tables.summary,
        stored.manifest.verdict,
        asked,
        listener,
    )


def check_folder(folder: Path) -> None:
    """Raise ``EnvironmentFault`` unless a study can be put into a folder without loss.

    Nothing, an empty folder or an older study may be there.
    """
    check_replaceable(folder, {f"{name}.csv" for name in TABLES} | {PLOT}, ALWAYS)


def write_sensitivity(study: Sensitivity, folder: Path) -> None:
    """Write ``power.csv``, and of refits ``grid.csv``, both tables of levels and the plot.

    Raises
    ------
    EnvironmentFault
        See `check_folder`; or the disk or its permissions forbid it.
    """
    from hiermix.artefacts.plots.sensitivity import sensitivity_plot

    check_folder(folder)
    plot = sensitivity_plot(study) if len(study.grid) else ""
    with faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            table = getattr(study, name)
            if len(table):
                write_frame(folder / f"{name}.csv", table)
            else:
                (folder / f"{name}.csv").unlink(missing_ok=True)
        if plot:
            replace_text(folder / PLOT, plot)
        else:
            (folder / PLOT).unlink(missing_ok=True)
