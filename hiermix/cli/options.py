"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hiermix.cli.terminal import Terminal
from hiermix.errors import SpecError, UsageError

SpecArgument = Annotated[
    str, typer.Argument(metavar="SPEC", help="The spec, or '-' for standard input.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the spec; repeatable."),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        envvar="HIERMIX_DATA_ROOT",
        help="Refuse data outside this folder: for specs that others wrote.",
    ),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", metavar="NAME", help="Engine, instead of fit.engine.")
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help="explore, publish or strict."),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show errors and failed gates only.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show what the libraries say, too.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Do it though it was done before.")]

JobsOption = Annotated[
    int,
    typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes that fit at the same time."),
]

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Write tables and the plot here."),
]

TableFormat = Annotated[
    Literal["text", "csv", "json", "markdown"], typer.Option("--format", help="How to print.")
]
CheckFormat = Annotated[
    Literal["text", "json"], typer.Option("--format", help="What to print to stdout.")
]


def terminal_of(context: typer.Context, quiet: bool = False, verbose: bool = False) -> Terminal:
    """Return the terminal of a command, set to how much a person wants to see."""
    terminal = context.obj
    assert isinstance(terminal, Terminal)
    terminal.quiet = quiet and not verbose
    terminal.verbose = verbose
    return terminal


def check_policy_option(policy: str | None) -> None:
    """Raise ``UsageError`` for a ``--policy`` that no catalogue knows."""
    if policy is None:
        return
    from hiermix.gates import check_policy

    try:
        check_policy(policy)
    except SpecError as error:
        raise UsageError("usage.policy", f"--policy: {error.message}", hint=error.hint) from error
