"""Predictions of held-out rows as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.delimited import write_frame
from hiermix.artefacts.plots.heldout import heldout_plot
from hiermix.artefacts.publish import check_replaceable, faults, replace_text

if TYPE_CHECKING:
    from hiermix.studies.holdout import HoldoutStudy

TABLES = ("scores", "levels", "rows")

PLOT = "holdout.svg"


def check_holdout_folder(folder: Path) -> None:
    """Raise ``EnvironmentFault`` unless predictions can be put into a folder without loss.

    Nothing, an empty folder or older ones may be there.
    """
    check_replaceable(folder, {f"{name}.csv" for name in TABLES} | {PLOT}, PLOT)


def write_holdout(study: HoldoutStudy, folder: Path) -> None:
    """Write ``scores.csv``, ``levels.csv`` (if levels are held out), ``rows.csv`` and the plot.

    Raises
    ------
    EnvironmentFault
        See `check_holdout_folder`; or the disk or its permissions forbid it.
    """
    check_holdout_folder(folder)
    plot = heldout_plot(study)
    with faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            table = getattr(study, name)
            if len(table):
                write_frame(folder / f"{name}.csv", table)
            else:
                (folder / f"{name}.csv").unlink(missing_ok=True)
        replace_text(folder / PLOT, plot)
