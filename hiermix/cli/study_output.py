"""What the studies have in common when they tell what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.cli.stored_tables import frame_cells
from hiermix.cli.tabulate import as_format, json_text
from hiermix.cli.text import line

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.cli.terminal import Terminal
    from hiermix.cli.text import Line


def say_notes(terminal: Terminal, notes: Iterable[str]) -> None:
    """Tell a person what to mind."""
    terminal.say(*(line(("note", "bold"), f": {note}") for note in notes))


def print_study(
    terminal: Terminal,
    format: str,
    *,
    lines: Iterable[Line],
    document: Callable[[], Mapping[str, object]],
    table: pd.DataFrame,
) -> None:
    """Print a study: ``lines`` as text, the ``document`` as json, one ``table`` as the others."""
    if format == "text":
        terminal.result_lines(lines)
    elif format == "json":
        terminal.result(json_text(document()))
    else:
        terminal.result(as_format(format, *frame_cells(table)))


def say_where(terminal: Terminal, out: Path | None) -> None:
    """Tell a person where the files are."""
    if out is not None:
        terminal.say(f"tables and plot: {out}")
