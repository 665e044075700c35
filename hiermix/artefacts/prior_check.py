"""A prior check as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.delimited import write_frame
from hiermix.artefacts.plots.prior import prior_plot
from hiermix.artefacts.publish import faults, replace_text
from hiermix.errors import EnvironmentFault

if TYPE_CHECKING:
    from hiermix.studies.prior_check import PriorCheck

TABLE = "prior_check.csv"

PLOT = "prior_check.svg"


def check_prior_folder(folder: Path) -> None:
    """Raise ``EnvironmentFault`` unless a check can be put into a folder without loss.

    Nothing, an empty folder or an older check may be there.
    """
    with faults(folder):
        if not os.path.lexists(folder):
            return
        entries = set(os.listdir(folder)) if folder.is_dir() else {str(folder)}
    if entries and not entries <= {TABLE, PLOT}:
        raise EnvironmentFault(
            "outputs.occupied",
            f"'{folder}' exists and holds something else; nothing in it was touched",
            hint="name a folder that does not exist yet",
        )


def write_prior_check(check: PriorCheck, folder: Path) -> None:
    """Write ``prior_check.csv`` and ``prior_check.svg``.

    Raises
    ------
    EnvironmentFault
        See `check_prior_folder`; or the disk or its permissions forbid it.
    """
    check_prior_folder(folder)
    plot = prior_plot(check)
    with faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_frame(folder / TABLE, check.table)
        replace_text(folder / PLOT, plot)
