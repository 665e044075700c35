"""How much the conclusions of a run hang on its priors: ``sensitivity``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hiermix.cli.options import (
    DataRootOption,
    JobsOption,
    OutOption,
    QuietOption,
    RunArgument,
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
from hiermix.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.studies.sensitivity import Sensitivity

TABLES = ("power", "grid", "levels", "level_grid")

SHOWN = 20
"""Rows of a table that people see at most; files and other formats have all."""

POWER_TITLE = "Power-scaling: sensitivity to the priors and to the likelihood"
GRID_TITLE = "Refits with the priors of group sds scaled"
LEVELS_TITLE = "Coefficients of levels over all refits"


def sensitivity(
    context: typer.Context,
    run: RunArgument,
    scales: Annotated[
        str | None,
        typer.Option("--scales", metavar="LIST", help="Factors of the group-sd priors."),
    ] = None,
    no_refit: Annotated[
        bool, typer.Option("--no-refit", help="Power-scaling only, from the draws of the run.")
    ] = False,
    jobs: JobsOption = 1,
    table: Annotated[
        Literal["power", "grid", "levels", "level_grid"] | None,
        typer.Option("--table", help="Which table csv and markdown print; json has all."),
    ] = None,
    out: OutOption = None,
    format: TableFormat = "text",
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Ask how much the conclusions of a run hang on its priors: power-scaling, and refits."""
    from hiermix.artefacts import read_run
    from hiermix.artefacts.sensitivity import FILES, study_run, write_sensitivity
    from hiermix.studies.sensitivity import Asked
    from hiermix.studies.sensitivity.study import SCALES, check_scales

    terminal = terminal_of(context, quiet, verbose)
    _check_options(scales, no_refit, table)
    factors = SCALES if scales is None else _factors(scales)
    check_scales(factors)
    if out is not None:
        FILES.check(out)
    stored = read_run(run)
    if stored.manifest.failed:
        terminal.alert(line(("FAILED", "fail"), f": a gate failed this run ({run})"))
    with libraries(terminal), display(terminal) as shown:
        asked = Asked(factors, not no_refit, jobs)
        study = study_run(stored, asked, shown, data_root=data_root)
        if out is not None:
            shown.stage("write")
            write_sensitivity(study, out)
    terminal.note(*study.notes)
    _alert(terminal, study)
    return print_study(
        terminal,
        format,
        lines=_lines(study),
        body=partial(_body, study),
        table=getattr(study, table or "power"),
        out=out,
        failed=study.failed,
    )


def _check_options(scales: str | None, no_refit: bool, table: str | None) -> None:
    if no_refit and scales is not None:
        raise UsageError(
            "usage.scales",
            "--scales and --no-refit: one or the other",
            hint="the scales are those of the refits",
        )
    if no_refit and table not in (None, "power"):
        raise UsageError(
            "usage.no-refit",
            f"--table {table}: without refits there is only the table power",
            hint="leave out --no-refit",
        )


def _factors(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(piece) for piece in text.split(","))
    except ValueError as error:
        raise UsageError(
            "usage.scales",
            f"--scales: numbers with commas between them are expected, got {text!r}",
            hint="--scales 0.25,0.5,2,4",
        ) from error


def _alert(terminal: Terminal, study: Sensitivity) -> None:
    for worrying, sentence in study.sentences:
        word, colon, rest = sentence.partition(":")
        if not worrying:
            terminal.say(line(("sensitivity", "bold"), f": {sentence}"))
        elif word == "FAILED":
            terminal.alert(line((word, "fail"), colon + rest))
        else:
            terminal.alert(line(("sensitivity", "warn"), f": {sentence}"))


def _lines(study: Sensitivity) -> Iterator[Line]:
    mark = "FAILED: " if study.failed else ""
    for _, sentence in study.sentences:
        yield line(sentence)
    yield line("")
    yield line((f"{mark}{POWER_TITLE}", "bold"))
    of_levels = study.power["role"] == "group_specific"
    columns = ["parameter", "role", "prior", "likelihood", "diagnosis"]
    yield from text_table(*frame_cells(study.power.loc[~of_levels, columns]))
    yield from _first(study.power.loc[of_levels, columns], "prior")
    if not len(study.grid):
        return
    yield line("")
    yield line((f"{mark}{GRID_TITLE}", "bold"))
    yield from _first(_side_by_side(study.grid), "shift")
    yield line("")
    yield line((f"{mark}{LEVELS_TITLE}", "bold"))
    yield from _first(study.levels, "shift")


def _side_by_side(grid: pd.DataFrame) -> pd.DataFrame:
    """Return the grid for people: means at all factors in a row, and the largest move."""
    import pandas as pd

    rows = []
    for (scaled, parameter), own in grid.groupby(["scaled", "parameter"], sort=False):
        means = {f"x {r['factor']:g}": r["mean"] for r in own.to_dict("records")}
        rows.append(
            {
                "scaled": scaled,
                "parameter": parameter,
                **means,
                "shift": max(own["shift"], key=abs),
                "prior_sensitive": bool(own["prior_sensitive"].any()),
                "failed": ", ".join(
                    f"x {f:g}" for f in own.loc[own["verdict"] == "FAILED", "factor"]
                ),
            }
        )
    table = pd.DataFrame(rows)
    return table if table["failed"].any() else table.drop(columns="failed")


def _first(table: pd.DataFrame, by: str) -> Iterator[Line]:
    """Yield the rows that move most, and how many are left out."""
    ranked = table.sort_values(by, key=abs, ascending=False, kind="stable")
    shown = table.loc[sorted(ranked.index[:SHOWN])]
    if len(shown):
        yield from text_table(*frame_cells(shown))
    if len(table) > len(shown):
        yield line(f"  ({len(table) - len(shown)} more that move less: --format csv, or -o DIR)")


def _body(study: Sensitivity) -> dict[str, object]:
    return {
        "name": study.name,
        "run_failed": study.run_failed,
        "interval": study.interval,
        "sentences": [sentence for _, sentence in study.sentences],
        "worrying": [sentence for worrying, sentence in study.sentences if worrying],
        "notes": list(study.notes),
        **{name: frame_records(getattr(study, name)) for name in TABLES},
    }
