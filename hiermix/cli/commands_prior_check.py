"""What the priors say before any data are seen: ``prior-check``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hiermix.cli.options import (
    DataRootOption,
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
    from hiermix.studies.prior_check import PriorCheck

SEEDS = 2**32


def prior_check(
    context: typer.Context,
    spec: SpecArgument,
    draws: Annotated[
        int | None, typer.Option("--draws", help="Draws from the priors; 2000 unless told.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of the draws, instead of fit.seed.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write the table and the plot here."),
    ] = None,
    overrides: SetOption = None,
    format: TableFormat = "text",
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Draw outcomes from the priors and put them beside the data; nothing is fitted."""
    from hiermix.studies.prior_check import check_draws

    terminal = terminal_of(context, quiet, verbose)
    if draws is not None:
        check_draws(draws)
    _check_seed(seed)
    if out is not None:
        from hiermix.artefacts.prior_check import FILES, write_prior_check

        FILES.check(out)
    with libraries(terminal), display(terminal) as shown:
        shown.stage("spec")
        check = _check(spec, overrides or [], draws, seed, data_root, shown)
        if out is not None:
            shown.stage("write")
            write_prior_check(check, out)
    terminal.note(*check.notes)
    return print_study(
        terminal,
        format,
        lines=_lines(check),
        body=partial(_body, check),
        table=check.table,
        out=out,
    )


def _check_seed(seed: int | None) -> None:
    if seed is not None and not 0 <= seed < SEEDS:
        raise UsageError(
            "usage.prior-seed", f"--seed {seed}: 0 to {SEEDS - 1} are possible", hint="--seed 1"
        )


def _check(
    spec: str,
    overrides: list[str],
    draws: int | None,
    seed: int | None,
    data_root: Path | None,
    shown: Display,
) -> PriorCheck:
    from hiermix.studies.prior_check import DRAWS, check_priors

    # Merged rows have lost the spread of their outcomes.
    prepared, _ = prepare_spec(spec, [*overrides, "data.reduce=off"], shown, data_root)
    return check_priors(prepared, DRAWS if draws is None else draws, seed)


def _lines(check: PriorCheck) -> Iterator[Line]:
    table = check.table.drop(columns=["prior_mean", "data_inside", "prob_below"])
    shares = check.table["quantity"].str.startswith("share_")
    # Of a share the mean over the draws is what counts: that of all prior outcomes.
    table.loc[shares, "prior_median"] = check.table.loc[shares, "prior_mean"]
    table = table.rename(columns={"prior_median": "prior"})
    yield from text_table(*frame_cells(table), indent="")
    yield line("")
    for sentence in check.sentences:
        yield line(sentence)


def _body(check: PriorCheck) -> dict[str, object]:
    return {
        "name": check.name,
        "response": check.response,
        "family": check.family,
        "draws": check.draws,
        "seed": check.seed,
        "rows": check.n_rows,
        "interval": check.interval,
        "sentences": list(check.sentences),
        "notes": list(check.notes),
        "quantities": frame_records(check.table),
    }
