"""A study as files of a folder: its tables as CSV and its plot, in place of an older study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.delimited import write_frame
from hiermix.artefacts.publish import check_replaceable, faults, replace_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StudyFiles:
    """Names of the files that a study of one kind may have.

    ``tables`` are names without ``.csv``; ``mark`` is the file that every such folder has.
    """

    tables: tuple[str, ...]
    plot: str
    mark: str

    def check(self, folder: Path) -> None:
        """Raise ``EnvironmentFault`` unless a study can be put into a folder without loss.

        Nothing, an empty folder or an older study of this kind may be there.
        """
        check_replaceable(folder, {*(f"{name}.csv" for name in self.tables), self.plot}, self.mark)

    def write(self, folder: Path, tables: Mapping[str, pd.DataFrame], plot: str) -> None:
        """Write the tables that have rows, and the plot if there is one; nothing else stays.

        Raises
        ------
        EnvironmentFault
            See `check`; or the disk or its permissions forbid it.
        """
        self.check(folder)
        with faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in self.tables:
                if len(tables[name]):
                    write_frame(folder / f"{name}.csv", tables[name])
                else:
                    (folder / f"{name}.csv").unlink(missing_ok=True)
            if plot:
                replace_text(folder / self.plot, plot)
            else:
                (folder / self.plot).unlink(missing_ok=True)
