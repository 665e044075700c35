"""The main job: ``run``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hiermix.cli.formats import Outcome, of_run
from hiermix.cli.options import (
    DataRootOption,
    EngineOption,
    ForceOption,
    PolicyOption,
    QuietOption,
    SetOption,
    SpecArgument,
    VerboseOption,
    check_policy_option,
    terminal_of,
)
from hiermix.cli.progress import Display, display
from hiermix.cli.quiet import libraries
from hiermix.cli.specfile import open_spec
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line
from hiermix.cli.verdict_view import verdict_lines
from hiermix.errors import HiermixError

if TYPE_CHECKING:
    from hiermix.artefacts import Manifest, StoredRun
    from hiermix.gates import Verdict
    from hiermix.pipeline import Prepared


def run(
    context: typer.Context,
    spec: SpecArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write exactly this run directory."),
    ] = None,
    overrides: SetOption = None,
    force: ForceOption = False,
    format: Annotated[
        Literal["text", "json", "github", "junit"],
        typer.Option("--format", help="What to print to stdout; text is the run directory."),
    ] = "text",
    engine: EngineOption = None,
    policy: PolicyOption = None,
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Validate, fit, judge and write one spec; print the run directory.

    Nothing is fitted when the same run is on disk already, unless --force is given.
    """
    from hiermix.pipeline import prepare

    terminal = terminal_of(context, quiet, verbose)
    started_at = datetime.now(UTC)
    with libraries(terminal), display(terminal) as shown:
        shown.stage("spec")
        check_policy_option(policy)
        loaded, root = open_spec(spec, [*(overrides or []), *_options(engine, policy)])
        prepared = prepare(loaded, root, shown, data_root=data_root)
        for warning in prepared.warnings:
            # Notes on the plan stand beside the verdict, where nobody misses them.
            if warning not in prepared.plan.notes:
                shown.warn(warning)
        target, chains = _places(prepared, root, out)
        stored = None if force else _on_disk(target)
        if stored is None:
            if force:
                shutil.rmtree(chains, ignore_errors=True)
            log = terminal.logged
            manifest, verdict = _fitted(prepared, target, chains, shown, started_at, log)
        else:
            manifest, verdict = stored.manifest, stored.verdict
    outcome = Outcome(
        name=manifest.name,
        path=manifest.path,
        policy=verdict.policy,
        status=verdict.status,
        findings=verdict.findings,
        notes=(
            *prepared.plan.notes,
            *manifest.model.get("conclusions", ()),
            *manifest.model.get("pooling", ()),
        ),
        warnings=tuple(shown.warnings),
        reused=stored is not None,
        engine=_engine(manifest),
    )
    _tell(terminal, outcome)
    terminal.result(of_run(outcome, format))
    return outcome.exit_code


def _options(engine: str | None, policy: str | None) -> list[str]:
    """Return the options that stand for spec keys: a run by another policy is another run."""
    stated = {"fit.engine": engine, "gates.policy": policy}
    return [f"{key}={value}" for key, value in stated.items() if value is not None]


def _places(prepared: Prepared, root: Path, out: Path | None) -> tuple[Path, Path]:
    """Return the run directory, and where finished chains are kept until it is complete.

    Complaints about ``outputs.dir`` point into the spec.
    """
    from hiermix.artefacts import fingerprint, run_directory

    loaded, mark = prepared.loaded, fingerprint(prepared)
    spec = loaded.spec
    inputs = [root / spec.data.path]
    try:
        target = run_directory(out, Path(spec.outputs.dir), spec.name, mark, inputs)
    except HiermixError as error:
        if (error.where.key or "").startswith("outputs."):
            raise loaded.source.place(error) from error
        raise
    return target, target.parent / f".{mark}.chains"


def _on_disk(target: Path) -> StoredRun | None:
    from hiermix.artefacts import StoredRun, finished

    manifest = finished(target)
    return None if manifest is None else StoredRun(manifest)


def _fitted(
    prepared: Prepared,
    target: Path,
    chains: Path,
    shown: Display,
    started_at: datetime,
    log: Callable[[], str],
) -> tuple[Manifest, Verdict]:
    """Fit and write while holding the lock: nobody else fits the same run meanwhile.

    Chains that were finished before an interruption are taken up again.
    """
    from hiermix.artefacts import locked, write_run
    from hiermix.pipeline import fit

    with locked(target):
        result = fit(prepared, shown, chain_store=chains)
        shown.stage("write")
        manifest = write_run(result, target, started_at=started_at, log=log())
        shutil.rmtree(chains, ignore_errors=True)
    return manifest, result.verdict


def _engine(manifest: Manifest) -> str:
    """Say which engine fitted the model, why not those before it, and which rows were merged."""
    fit = manifest.fit
    pieces = [str(fit.get("engine", ""))]
    pieces += [f"not {name}: {'; '.join(why)}" for name, why in fit.get("refused", {}).items()]
    merged = fit.get("facts", {}).get("reduction", {})
    if "cells" in merged:
        pieces.append(f"{merged['rows']:,} rows merged to {merged['cells']:,} {merged['method']}")
    return "; ".join(pieces)


def _tell(terminal: Terminal, outcome: Outcome) -> None:
    lines = verdict_lines(outcome.policy, outcome.status, outcome.findings, not terminal.quiet)
    if terminal.quiet and outcome.exit_code == 0:
        return
    terminal.alert(*lines)
    terminal.say(line(("engine", "bold"), f": {outcome.engine}"))
    terminal.note(*outcome.notes)
    if outcome.reused:
        terminal.say("nothing was fitted: this run was on disk already (--force fits it again)")
    report = outcome.path / "report.html"
    if report.is_file():
        terminal.say(f"report: {report}")
