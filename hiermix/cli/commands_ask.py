"""Ask a finished run: ``ask``."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hiermix.cli.options import RunArgument, TableFormat, terminal_of
from hiermix.cli.stored_tables import frame_cells
from hiermix.cli.tabulate import as_format, text_table
from hiermix.cli.text import line
from hiermix.errors import HiermixError, InputError, InputErrors, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.artefacts import StoredRun
    from hiermix.spec import QuestionSpec, SourceMap

STDIN = "-"

NO_FILE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a name that is no file's."""

KEY = re.compile(
    r"`(of|name|scale|levels|contrast|reference|threshold|decide|rope|best|top)(?::( [^`]*))?`"
)
"""A key of a question that is an option of ``ask``, and its value, as hints have them."""

MINIMAL = ("question", "level", "against", "mean", "sd", "lower", "upper", "mcse_mean")
"""Columns that a person always gets; of the others those that are not empty."""

CONSTANT = ("of", "scale", "decide", "rope_lower", "rope_upper", "top", "mcse_below")
"""Columns that repeat the question, or its other columns: left out for people."""


def ask(
    context: typer.Context,
    run: RunArgument,
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="NAME", help="'1|g', 'x|g', a factor, or a parameter."),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            "--question", metavar="FILE", help="Questions as in a spec; '-' is standard input."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the question.")] = None,
    scale: Annotated[
        Literal["coefficient", "deviation", "response"] | None,
        typer.Option("--scale", help="Common effect plus deviation, or the deviation alone."),
    ] = None,
    levels: Annotated[
        list[str] | None,
        typer.Option("--level", metavar="LEVEL", help="Only these levels; repeatable."),
    ] = None,
    contrast: Annotated[
        Literal["pairwise", "mean", "reference"] | None,
        typer.Option("--contrast", help="Compare the levels with each other, or with --reference."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="LEVEL", help="The level to compare with.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="P(effect > threshold); 0 by default.")
    ] = None,
    decide: Annotated[
        float | None, typer.Option("--decide", help="Probability to decide from; 0.95 by default.")
    ] = None,
    rope: Annotated[
        tuple[float, float] | None,
        typer.Option("--rope", metavar="LOW HIGH", help="Effects between are as good as none."),
    ] = None,
    best: Annotated[
        Literal["max", "min"] | None, typer.Option("--best", help="P(best) and expected loss.")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", help="P(among that many best); with --best.")
    ] = None,
    format: TableFormat = "text",
) -> int:
    """Answer a question from the draws of a run, without fitting anything."""
    from hiermix.artefacts import ask_run, read_run

    terminal = terminal_of(context)
    stated = {
        "of": of,
        "name": name,
        "scale": scale,
        "levels": levels or None,
        "contrast": contrast,
        "reference": reference,
        "threshold": threshold,
        "decide": decide,
        "rope": None if rope is None else list(rope),
        "best": best,
        "top": top,
    }
    given = {key: value for key, value in stated.items() if value is not None}
    stored = read_run(run)
    if question is not None:
        _refuse_both(given)
        questions, source = _read(question)
        try:
            table = ask_run(stored, questions)
        except InputError as error:
            raise source.place(error) from error
    else:
        table = _ask_options(stored, given)
    if format == "text":
        shown = _for_people(table)
        terminal.result_lines(text_table(*frame_cells(shown), indent=""))
    else:
        terminal.result(as_format(format, *frame_cells(table)))
    if stored.manifest.failed:
        terminal.alert(line(("FAILED", "fail"), ": a gate failed, do not rely on these answers"))
    return 3 if stored.manifest.failed else 0


def _refuse_both(given: dict[str, Any]) -> None:
    if given:
        option = "level" if "levels" in given else next(iter(given))
        raise UsageError(
            "usage.question",
            f"--question and --{option}: one or the other",
            hint="put everything into the file, or leave out --question",
        )


def _read(argument: str) -> tuple[tuple[QuestionSpec, ...], SourceMap]:
    from hiermix.spec.characters import MAX_BYTES
    from hiermix.spec.questions import read_questions

    limit = MAX_BYTES + 1
    if argument == STDIN:
        text = b"" if sys.stdin is None else sys.stdin.buffer.read(limit)
        return read_questions(text, "<stdin>")
    try:
        with Path(argument).open("rb") as file:
            return read_questions(file.read(limit), argument)
    except (OSError, ValueError) as error:
        # Permissions and disks are faults of the machine; a name is the user's.
        if isinstance(error, OSError) and error.errno not in NO_FILE:
            raise
        raise UsageError(
            "usage.question",
            f"--question: there is no file '{argument}'",
            hint="name a YAML file, or '-' for standard input",
        ) from error


def _ask_options(stored: StoredRun, given: dict[str, Any]) -> pd.DataFrame:
    from hiermix.artefacts import ask_run
    from hiermix.spec.questions import stated_question

    if "of" not in given:
        raise UsageError(
            "usage.question",
            "a question is missing",
            hint="for example --of '1|g' --contrast pairwise, or --question FILE",
        )
    try:
        return ask_run(stored, stated_question(given))
    except InputError as error:
        raise InputErrors([_of_option(single) for single in error.flatten()]) from error


def _of_option(error: HiermixError) -> UsageError:
    """Return a complaint about a key of the question as one about the option that gave it."""
    message = re.sub(r"questions\.0\.levels(\.\d+)?", "--level", error.message)
    message = message.replace("questions.0.", "--").replace("questions.0: ", "")
    return UsageError(error.id, message, hint=KEY.sub(_option, error.hint))


def _option(key: re.Match[str]) -> str:
    """Write a key of the spec, with its value if there is one, as it is typed.

    Examples
    --------
    >>> KEY.sub(_option, "leave out `levels`, or write `best: max`")
    'leave out --level, or write --best max'
    """
    return f"--{'level' if key[1] == 'levels' else key[1]}{key[2] or ''}"


def _for_people(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that are empty or that the question says already."""
    kept = [
        name
        for name in table.columns
        if name in MINIMAL or (name not in CONSTANT and not _is_empty(table[name]))
    ]
    return table[kept]


def _is_empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column == "")).all())
