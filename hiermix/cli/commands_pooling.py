"""No, complete and partial pooling side by side: ``pooling``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hiermix.cli.options import (
    DataRootOption,
    EngineOption,
    JobsOption,
    OutOption,
    QuietOption,
    SetOption,
    SpecArgument,
    TableFormat,
    VerboseOption,
    terminal_of,
)
from hiermix.cli.progress import Display, display
from hiermix.cli.quiet import libraries
from hiermix.cli.specfile import prepare_spec
from hiermix.cli.stored_tables import frame_cells, frame_records
from hiermix.cli.study_output import print_study
from hiermix.cli.tabulate import Cell, text_table
from hiermix.cli.text import Line, line
from hiermix.errors import UsageError

if TYPE_CHECKING:
    from hiermix.gates import Finding
    from hiermix.studies.pooling import PoolingStudy

TITLES = {
    "levels": "Levels",
    "accuracy": "Expected accuracy for rows and for levels that are left out",
    "truth": "Against the true effects",
}


def pooling(
    context: typer.Context,
    spec: SpecArgument,
    table: Annotated[
        Literal["levels", "accuracy", "truth"],
        typer.Option("--table", help="Which table csv and markdown print; text and json have all."),
    ] = "levels",
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="NAME", help="Grouping factor, if there are several."),
    ] = None,
    truth: Annotated[
        list[str] | None,
        typer.Option(
            "--truth",
            metavar="[TERM=]COLUMN",
            help="Column of the data with the true effect of each level; repeatable.",
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit", help="Leave out by a refit what importance sampling cannot leave out."
        ),
    ] = False,
    jobs: JobsOption = 1,
    out: OutOption = None,
    overrides: SetOption = None,
    format: TableFormat = "text",
    engine: EngineOption = None,
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Fit a model with its levels pooled partially, completely and not at all; compare them."""
    from hiermix.artefacts.pooling import FILES, write_pooling

    if table == "truth" and not truth:
        raise UsageError(
            "usage.pooling-table",
            "--table truth: no true effects are known without --truth",
            hint="add --truth COLUMN, or take --table levels",
        )
    terminal = terminal_of(context, quiet, verbose)
    if out is not None:
        FILES.check(out)
    with libraries(terminal), display(terminal) as shown:
        shown.stage("spec")
        stated = [*(overrides or []), *([f"fit.engine={engine}"] if engine else [])]
        study = _study(spec, stated, group, truth or [], data_root, shown, refit=refit, jobs=jobs)
        if out is not None:
            shown.stage("write")
            write_pooling(study, out)
    terminal.note(*study.notes)
    for method, result in study.results.items():
        if result.verdict.status != "pass":
            verdict = f"{method}: gates {result.verdict.status}: {_gates(result.verdict.findings)}"
            tell = terminal.alert if result.verdict.failed else terminal.say
            tell(line(("verdict", "warn"), f": {verdict}"))
    if study.failed:
        terminal.alert(line(("FAILED", "fail"), ": a gate failed one of the three fits"))
    return print_study(
        terminal,
        format,
        lines=_lines(study),
        body=partial(_body, study),
        table=getattr(study, table),
        out=out,
        failed=study.failed,
    )


def _study(
    spec: str,
    overrides: list[str],
    group: str | None,
    truth: list[str],
    data_root: Path | None,
    shown: Display,
    *,
    refit: bool,
    jobs: int,
) -> PoolingStudy:
    from hiermix.studies.pooling import compare_pooling, factor_of
    from hiermix.studies.truth import read_truth

    prepared, root = prepare_spec(spec, overrides, shown, data_root)
    factor = factor_of(prepared, group)
    known = read_truth(prepared, factor, truth, root, data_root)
    return compare_pooling(prepared, factor.name, shown, known, refit=refit, jobs=jobs)


def _gates(findings: tuple[Finding, ...]) -> str:
    return ", ".join(f.gate for f in findings if f.status in ("fail", "warn"))


def _lines(study: PoolingStudy) -> Iterator[Line]:
    mark = "FAILED: " if study.failed else ""
    yield line((f"{mark}{TITLES['levels']}", "bold"))
    yield from text_table(*_side_by_side(study))
    for name in ("accuracy", "truth"):
        table = getattr(study, name)
        if len(table):
            yield line("")
            yield line((f"{mark}{TITLES[name]}", "bold"))
            yield from text_table(*frame_cells(table.dropna(axis="columns", how="all")))


def _side_by_side(study: PoolingStudy) -> tuple[list[str], list[list[Cell]]]:
    """Return the table of levels for a person: an estimate and its interval in one cell."""
    from hiermix.studies.pooling import METHODS

    rows: list[list[Cell]] = []
    for row in study.levels.to_dict("records"):
        cells: list[Cell] = [str(row["level"]), str(row["term"]), int(row["n_rows"])]
        for method in METHODS:
            numbers = [row[f"{method}_{name}"] for name in ("estimate", "lower", "upper")]
            missing = any(number != number for number in numbers)
            cells.append("" if missing else "{:.4g} ({:.4g} to {:.4g})".format(*numbers))
        cells += [None if row[name] != row[name] else row[name] for name in ("pooling", "truth")]
        rows.append(cells)
    header = [study.group, "term", "rows", *METHODS, "w", "truth"]
    known = len(header) if study.levels["truth"].notna().any() else len(header) - 1
    return header[:known], [row[:known] for row in rows]


def _body(study: PoolingStudy) -> dict[str, object]:
    return {
        "name": study.name,
        "group": study.group,
        "notes": list(study.notes),
        **{name: frame_records(getattr(study, name)) for name in TITLES},
    }
