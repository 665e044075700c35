"""A run directory -> its tables, findings and draws."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.draws import read_draws
from hiermix.artefacts.judgement import read_attempts, read_measurements, read_verdict
from hiermix.artefacts.location import MANIFEST
from hiermix.artefacts.manifest import Manifest, damaged, finished, read_manifest, sha256_of
from hiermix.artefacts.publish import faults, locked, replace_text
from hiermix.artefacts.report import REPORT, render_report
from hiermix.artefacts.tables import read_tables
from hiermix.gates import Verdict
from hiermix.gates.verdict import Finding
from hiermix.measurement import Measurement
from hiermix.summary import Tables

if TYPE_CHECKING:
    import xarray as xr

    from hiermix.escalation import Attempt


@dataclass(frozen=True)
class StoredRun:
    """A finished run on disk; what is not in the manifest is read when asked for.

    Every property raises ``EnvironmentFault`` if its file is missing or damaged.
    """

    manifest: Manifest

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.manifest.path

    @cached_property
    def tables(self) -> Tables:
        """The tables ``summary``, ``group_effects`` and ``variance``."""
        return self._read(read_tables)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict that was given."""
        return self._read(read_verdict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the verdict."""
        return self.verdict.findings

    @cached_property
    def measurements(self) -> tuple[Measurement, ...]:
        """All measurements, so that they can be judged again without a fit."""
        return self._read(read_measurements)

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All fitting attempts; the last one with draws is the run."""
        return self._read(read_attempts)

    @cached_property
    def tree(self) -> xr.DataTree:
        """The draws."""
        return self._read(read_draws)

    @cached_property
    def figures(self) -> dict[str, str]:
        """SVG text of the figures by file name, in the order of the manifest."""
        names = [name for name in self.manifest.files if name.startswith("plots/")]
        return self._read(
            lambda folder: {Path(n).name: (folder / n).read_text("utf-8") for n in names}
        )

    def _read[T](self, read: Callable[[Path], T]) -> T:
        try:
            return read(self.path)
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise damaged(self.path, f"{type(error).__name__}: {error}") from error


def read_run(directory: Path) -> StoredRun:
    """Open a finished run; ``latest`` and other symlinks are followed.

    Raises
    ------
    EnvironmentFault
        If there is no run, or its files do not match the manifest.
    """
    manifest = finished(directory)
    if manifest is None:
        manifest = read_manifest(directory)
    return StoredRun(manifest)


def write_report(stored: StoredRun) -> Path:
    """Render ``report.html`` of a finished run again, from its files, and return its path.

    Raises
    ------
    EnvironmentFault
        If the run is damaged or cannot be written to.
    """
    page = render_report(
        stored.manifest, stored.tables, stored.verdict, stored.figures, stored.attempts
    )
    path = stored.path / REPORT
    with faults(stored.path), locked(stored.path.resolve()):
        replace_text(path, page)
        entry = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        files = dict(sorted({**stored.manifest.files, REPORT: entry}.items()))
        replace_text(stored.path / MANIFEST, replace(stored.manifest, files=files).to_json())
    return path
