"""What the studies have in common when they tell what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.cli.render import finished_document
from hiermix.cli.stored_tables import frame_cells
from hiermix.cli.tabulate import as_format, json_text

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.cli.terminal import Terminal
    from hiermix.cli.text import Line


def print_study(
    terminal: Terminal,
    format: str,
    *,
    lines: Iterable[Line],
    body: Callable[[], Mapping[str, object]],
    table: pd.DataFrame,
    out: Path | None,
    failed: bool = False,
) -> int:
    """Print a study, tell where its files are, and return the exit code.

    Text has the ``lines``, json a document with this ``body``, the other formats one ``table``.
    """
    code = 3 if failed else 0
    if format == "text":
        terminal.result_lines(lines)
    elif format == "json":
        terminal.result(json_text(finished_document(body(), code)))
    else:
        terminal.result(as_format(format, *frame_cells(table)))
    if out is not None:
        terminal.say(f"tables and plot: {out}")
    return code
