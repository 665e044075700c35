"""Which of several runs predicts best: ``compare``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiermix.cli.options import (
    DataRootOption,
    QuietOption,
    TableFormat,
    VerboseOption,
    terminal_of,
)
from hiermix.cli.progress import display
from hiermix.cli.quiet import libraries
from hiermix.cli.stored_tables import frame_cells, frame_records
from hiermix.cli.study_output import print_study
from hiermix.cli.tabulate import text_table
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import Line, line
from hiermix.errors import UsageError, Where

if TYPE_CHECKING:
    from hiermix.studies.compare import Comparison

SHOWN = (
    *("rank", "run", "verdict", "elpd", "elpd_se", "elpd_diff", "diff_se"),
    *("weight", "p", "high_k", "worst_k", "note"),
)
"""Columns for people."""

OF_SEVERAL = ("rank", "elpd_diff", "diff_se", "weight")
"""Those that say nothing of a single run."""


def compare(
    context: typer.Context,
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run directories; of one its own accuracy."),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="GROUP", help="Leave out levels of a grouping factor, not rows."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write the table and the plot here."),
    ] = None,
    format: TableFormat = "text",
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Compare runs on the same data by how well they predict rows or levels that are left out."""
    from hiermix.artefacts.compare import (
        FILES,
        compare_runs,
        compare_runs_by_level,
        write_comparison,
    )

    terminal = terminal_of(context, quiet, verbose)
    _check_runs(runs)
    if out is not None:
        FILES.check(out)
    with libraries(terminal), display(terminal) as shown:
        if by is None:
            found = compare_runs(runs)
        else:
            found = compare_runs_by_level(runs, by, shown, data_root=data_root)
        if out is not None:
            write_comparison(found, out)
    terminal.note(*found.notes)
    _alert(terminal, found)
    return print_study(
        terminal,
        format,
        lines=_lines(found),
        body=partial(_body, found),
        table=found.table,
        out=out,
        failed=found.failed,
    )


def _check_runs(runs: list[Path]) -> None:
    seen: dict[Path, Path] = {}
    for run in runs:
        place = run.resolve()
        if place in seen:
            raise UsageError(
                "usage.same-run",
                f"'{seen[place]}' and '{run}' are the same run",
                Where(file=str(run)),
                "name each run once",
            )
        seen[place] = run


def _alert(terminal: Terminal, found: Comparison) -> None:
    for row in found.table.to_dict("records"):
        if row["verdict"] == "FAILED":
            what = "a gate failed, do not rely on its numbers nor on what is compared with it"
            terminal.alert(line(("FAILED", "fail"), f": {row['run']}: {what}"))
        if row["high_k"]:
            what = f"Pareto k is above {row['k_limit']:.2f} for {row['high_k']} of {row['pieces']}"
            grave = "" if row["reliable"] else "; its elpd, differences and weight may be far off"
            tell = terminal.say if row["reliable"] else terminal.alert
            tell(line(("warning", "warn"), f": {row['run']}: {what}{grave}"))


def _lines(found: Comparison) -> Iterator[Line]:
    pieces = int(found.table["pieces"].iloc[0])
    what = f"{pieces} levels of {found.group}" if found.group else str(pieces)
    title = f"Expected log predictive density of {found.response}, {what} left out one at a time"
    yield line((title, "bold"))
    left = {"worst_k"} if len(found.table) > 1 else set(OF_SEVERAL)
    if not (found.table["note"] != "").any():
        left.add("note")
    shown = [name for name in SHOWN if name not in left]
    yield from text_table(*frame_cells(found.table[shown]))


def _body(found: Comparison) -> dict[str, object]:
    return {
        "response": found.response,
        "group": found.group,
        "notes": list(found.notes),
        "runs": frame_records(found.table),
    }
