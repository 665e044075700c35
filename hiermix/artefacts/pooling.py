"""A comparison of no, complete and partial pooling as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.delimited import write_frame
from hiermix.artefacts.plots.shrinkage import shrinkage_plot
from hiermix.artefacts.publish import check_replaceable, faults, replace_text

if TYPE_CHECKING:
    from hiermix.studies.pooling import PoolingStudy

TABLES = ("levels", "accuracy", "truth")

PLOT = "pooling.svg"


def check_folder(folder: Path) -> None:
    """Raise ``EnvironmentFault`` unless a comparison can be put into a folder without loss.

    Nothing, an empty folder or an older comparison may be there.
    """
    check_replaceable(folder, {f"{name}.csv" for name in TABLES} | {PLOT}, PLOT)


def write_pooling(study: PoolingStudy, folder: Path) -> None:
    """Write ``levels.csv``, ``accuracy.csv``, ``truth.csv`` (if there is any) and ``pooling.svg``.

    Raises
    ------
    EnvironmentFault
        See `check_folder`; or the disk or its permissions forbid it.
    """
    check_folder(folder)
    outputs = study.results["partial"].prepared.loaded.spec.outputs
    plot = shrinkage_plot(study.levels, outputs.interval)
    with faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            table = getattr(study, name)
            if len(table):
                write_frame(folder / f"{name}.csv", table)
            else:
                (folder / f"{name}.csv").unlink(missing_ok=True)
        replace_text(folder / PLOT, plot)
