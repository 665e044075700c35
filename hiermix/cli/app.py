"""The commands and their options."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hiermix import __version__
from hiermix.cli import (
    commands_ask,
    commands_check,
    commands_compare,
    commands_holdout,
    commands_pooling,
    commands_predict,
    commands_prior_check,
    commands_results,
    commands_run,
    commands_sensitivity,
    commands_start,
)

app = typer.Typer(
    name="hiermix",
    help="Hierarchical (mixed) Bayesian models: from one YAML spec to a judged posterior on disk.",
    epilog="Exit codes: 0 done, 2 wrong input, 3 a gate failed, 4 no posterior, 5 environment.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"hiermix {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Hierarchical (mixed) Bayesian models: from one YAML spec to a judged posterior on disk."""


app.command()(commands_run.run)
app.command()(commands_check.validate)
app.command()(commands_check.explain)
app.command("init")(commands_start.init)
app.command()(commands_start.schema)
app.command()(commands_results.gates)
app.command()(commands_results.summary)
app.command()(commands_results.report)
app.command("prior-check")(commands_prior_check.prior_check)
app.command()(commands_pooling.pooling)
app.command()(commands_holdout.holdout)
app.command()(commands_compare.compare)
app.command()(commands_sensitivity.sensitivity)
app.command()(commands_predict.predict)
app.command()(commands_ask.ask)
