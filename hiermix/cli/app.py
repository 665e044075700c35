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
    epilog="Exit codes: 0 done, 1 a defect in hiermix, 2 wrong input, 3 a gate failed, 4 no "
    "posterior, 5 environment, 130 interrupted, 143 terminated.",
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


COMMANDS = (
    commands_run.run,
    commands_check.validate,
    commands_check.explain,
    commands_start.init,
    commands_start.schema,
    commands_results.gates,
    commands_results.summary,
    commands_results.report,
    commands_prior_check.prior_check,
    commands_pooling.pooling,
    commands_holdout.holdout,
    commands_compare.compare,
    commands_sensitivity.sensitivity,
    commands_predict.predict,
    commands_ask.ask,
)
"""In the order of ``hiermix --help``."""

for _command in COMMANDS:
    # Stated, a summary is wrapped; left out, the library cuts it after one line.
    _summary = (_command.__doc__ or "").split("\n\n")[0]
    app.command(_command.__name__.replace("_", "-"), short_help=_summary)(_command)
