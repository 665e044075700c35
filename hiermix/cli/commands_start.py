"""Start from nothing: ``init`` writes a spec, ``schema`` describes one to editors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hiermix.cli.options import ForceOption, QuietOption, terminal_of
from hiermix.cli.tabulate import json_text
from hiermix.errors import UsageError, Where


def init(
    context: typer.Context,
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="The data file.")],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Writes NAME.yaml; the data file's name by default."),
    ] = None,
    response: Annotated[
        str | None, typer.Option("--response", metavar="COL", help="What to model; else a guess.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="COL", help="The grouping factor; else a guess."),
    ] = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write a commented spec that runs, from the data's own columns; print its path."""
    from hiermix.cli.starter import choose_start
    from hiermix.cli.starter_columns import read_columns
    from hiermix.cli.starter_text import spec_name, starter_text

    terminal = terminal_of(context, quiet)
    target = _target(name, data)
    if target.exists() and not force:
        raise UsageError(
            "usage.exists",
            "there is such a file already",
            Where(file=str(target)),
            "choose another NAME, or --force to overwrite it",
        )
    columns = read_columns(data)
    start = choose_start(columns.facts, str(data), response, group, columns.repeats)
    path = data if data.is_absolute() else Path(os.path.relpath(data, target.parent))
    text = starter_text(start, spec_name(target.stem), path.as_posix(), str(target))
    target.write_text(text, encoding="utf-8")
    for reason in start.reasons:
        terminal.say(f"  {reason}")
    terminal.say(f"next: hiermix validate {target}")
    terminal.result(str(target))
    return 0


def _target(name: str | None, data: Path) -> Path:
    from hiermix.cli.starter_text import spec_name

    if name is None:
        return Path(f"{spec_name(data.stem)}.yaml")
    path = Path(name)
    if not path.name or not path.parent.is_dir():
        raise UsageError(
            "usage.no-folder",
            "NAME is not a file name in a folder that exists",
            Where(file=name),
            "NAME.yaml is written to the current folder",
        )
    return path if path.suffix in {".yaml", ".yml"} else path.with_name(f"{path.name}.yaml")


def schema(context: typer.Context) -> int:
    """Print the JSON Schema of the spec, for editors."""
    from hiermix.spec import json_schema

    terminal_of(context).result(json_text(json_schema()))
    return 0
