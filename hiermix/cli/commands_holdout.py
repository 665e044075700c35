"""Predicted against actual, of rows and levels that are held out: ``holdout``."""

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
from hiermix.cli.tabulate import text_table
from hiermix.cli.text import Line, line
from hiermix.errors import UsageError

if TYPE_CHECKING:
    from hiermix.pipeline import Prepared
    from hiermix.studies.holdout import HoldoutStudy

TITLES = {
    "scores": "How well held-out responses are predicted",
    "levels": "Held-out levels",
    "rows": "Held-out rows",
}

SHOWN = 40
"""Lines of the table of levels that text shows."""


def holdout(
    context: typer.Context,
    spec: SpecArgument,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="GROUP", help="Hold out the levels of a grouping factor or column."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds", metavar="K", help="Deal levels or rows into K folds, by the spec's seed."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="NAME", help="Factor that is not pooled for comparison."),
    ] = None,
    jobs: JobsOption = 1,
    table: Annotated[
        Literal["scores", "levels", "rows"],
        typer.Option("--table", help="Which table csv and markdown print; json has all."),
    ] = "scores",
    out: OutOption = None,
    overrides: SetOption = None,
    format: TableFormat = "text",
    engine: EngineOption = None,
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Fit without some of the responses, predict them, and compare no and complete pooling."""
    from hiermix.artefacts.holdout import FILES, write_holdout

    if table == "levels" and by is None:
        raise UsageError(
            "usage.holdout-table",
            "--table levels: levels are held out only with --by",
            hint="add --by, or take --table rows",
        )
    terminal = terminal_of(context, quiet, verbose)
    if out is not None:
        FILES.check(out)
    with libraries(terminal), display(terminal) as shown:
        shown.stage("spec")
        stated = [*(overrides or []), *([f"fit.engine={engine}"] if engine else [])]
        study = _study(spec, stated, by, folds, group, jobs, data_root, shown)
        if out is not None:
            shown.stage("write")
            write_holdout(study, out)
    terminal.note(*study.notes)
    for problem in study.problems:
        terminal.alert(line(("FAILED", "fail"), f": {problem}"))
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
    by: str | None,
    folds: int | None,
    group: str | None,
    jobs: int,
    data_root: Path | None,
    shown: Display,
) -> HoldoutStudy:
    from hiermix.studies.folds import deal_levels, deal_rows, factor_to_hold
    from hiermix.studies.holdout import check_holdout, hold_out

    prepared, root = prepare_spec(spec, overrides, shown, data_root)
    check_holdout(prepared)
    seed = prepared.loaded.spec.fit.seed
    if by is None:
        division = deal_rows(prepared.design.n_obs, folds, seed)
    else:
        division = deal_levels(factor_to_hold(prepared, by, root, data_root), folds, seed)
    return hold_out(prepared, division, _compared(prepared, by, group), shown, jobs=jobs)


def _compared(prepared: Prepared, by: str | None, group: str | None) -> str | None:
    """Return the factor whose pooling is compared; ``None`` where there is none."""
    from hiermix.studies.pooling import factor_of

    names = [factor.name for factor in prepared.design.main.factors]
    if group is None and not names:
        return None
    return factor_of(prepared, by if group is None and by in names else group).name


def _lines(study: HoldoutStudy) -> Iterator[Line]:
    mark = "FAILED: " if study.failed else ""
    yield line((f"{mark}{TITLES['scores']}", "bold"))
    yield from text_table(*frame_cells(study.scores.dropna(axis="columns", how="all")))
    best = study.scores["method"].iloc[-1]
    levels = study.levels[study.levels["method"] == best].drop(columns=["method", "note"])
    if not len(levels):
        return
    if (levels["fold"] == levels["level"]).all():
        levels = levels.drop(columns="fold")
    yield line("")
    yield line((f"{mark}{TITLES['levels']}: {best}", "bold"))
    yield from text_table(*frame_cells(levels.head(SHOWN)))
    if len(levels) > SHOWN:
        yield line(f"  ... {len(levels) - SHOWN} more: --table levels --format csv")


def _body(study: HoldoutStudy) -> dict[str, object]:
    return {
        "name": study.name,
        "by": study.by,
        "group": study.group,
        "notes": list(study.notes),
        "problems": list(study.problems),
        **{name: frame_records(getattr(study, name)) for name in TITLES},
    }
