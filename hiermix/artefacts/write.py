"""A result -> a run directory, complete or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.artefacts.describe import describe
from hiermix.artefacts.draws import write_draws
from hiermix.artefacts.judgement import write_attempts, write_measurements, write_verdict
from hiermix.artefacts.location import MANIFEST, check_vacant
from hiermix.artefacts.manifest import Manifest, file_entries
from hiermix.artefacts.plots import figures
from hiermix.artefacts.prediction import DESIGN, design_text
from hiermix.artefacts.publish import faults, locked, point_latest, staged
from hiermix.artefacts.report import REPORT, render_report
from hiermix.artefacts.resolve import RESOLVED, resolved_spec
from hiermix.artefacts.tables import write_level_means, write_tables
from hiermix.artefacts.targets import TARGETS, targets_text

if TYPE_CHECKING:
    from hiermix.pipeline import RunResult

SPEC = "spec.yaml"
LOG = "log.txt"
PLOTS = "plots"


def write_run(
    result: RunResult, target: Path, *, started_at: datetime | None = None, log: str = ""
) -> Manifest:
    """Write a run directory and return its manifest.

    Everything is built in a temporary directory beside ``target``, the manifest last, and
    renamed into place; an older run there is replaced. On an error or a signal nothing of it is
    left. In the default layout ``<name>/<fingerprint>`` the symlink ``latest`` follows.

    Parameters
    ----------
    result
        What was fitted and judged.
    target
        From ``run_directory``.
    started_at
        When the command began.
    log
        Text of ``log.txt``.

    Raises
    ------
    EnvironmentFault
        If another process writes the same run, something that is not a run is in the way, or the
        disk or its permissions forbid it.
    """
    with faults(target), locked(target):
        check_vacant(target)
        manifest = describe(result, target, started_at)
        with staged(target) as folder:
            manifest = _fill(folder, result, manifest, log)
        if target.name == manifest.fingerprint and target.parent.name == manifest.name:
            point_latest(target)
    return manifest


def _fill(folder: Path, result: RunResult, manifest: Manifest, log: str) -> Manifest:
    loaded = result.prepared.loaded
    _write_text(folder / SPEC, loaded.text)
    _write_text(folder / RESOLVED, resolved_spec(result))
    _write_text(folder / DESIGN, design_text(result))
    write_tables(folder, result.tables)
    contextual = result.prepared.design.contextual
    if contextual is not None and contextual.means:
        write_level_means(folder, contextual.means)
    write_verdict(folder, result.verdict)
    write_measurements(folder, result.measurements)
    write_attempts(folder, result.attempts)
    write_draws(folder, result.fit.tree)
    _write_text(folder / TARGETS, targets_text(result))
    drawings = figures(result)
    (folder / PLOTS).mkdir()
    for name, svg in drawings.items():
        _write_text(folder / PLOTS / name, svg)
    if loaded.spec.outputs.report:
        page = render_report(manifest, result.tables, result.verdict, drawings, result.attempts)
        _write_text(folder / REPORT, page)
    _write_text(folder / LOG, log)
    complete = replace(manifest, files=file_entries(folder))
    _write_text(folder / MANIFEST, complete.to_json())
    return complete


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "replace"))
