"""Predict rows of new data from a finished run: ``predict``."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hiermix.cli.options import QuietOption, RunArgument, VerboseOption, terminal_of
from hiermix.cli.quiet import libraries
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line
from hiermix.errors import HiermixError, InputError, InputErrors, UsageError, Where

if TYPE_CHECKING:
    from hiermix.artefacts.prediction_files import Format, Table
    from hiermix.data.new_rows import NewRows
    from hiermix.studies.predict import Asked, RowPredictor, StoredDesign

STDOUT = STDIN = "-"

STDIN_NAME = "<stdin>"

SNIFFED = 4096
"""Bytes of standard input that tell CSV from JSON: the first that is no blank."""


def predict(
    context: typer.Context,
    run: RunArgument,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="NEWDATA", help="csv, tsv, parquet, arrow or json; '-' is csv or json on stdin."
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE|-", help="Where to write; '-' is stdout.")
    ] = STDOUT,
    kind: Annotated[
        Literal["expected", "response"],
        typer.Option("--kind", help="The expected response, or a new observation."),
    ] = "expected",
    scale: Annotated[
        Literal["response", "link"],
        typer.Option("--scale", help="Of the response, or the linear predictor."),
    ] = "response",
    new_levels: Annotated[
        Literal["error", "population", "draw"],
        typer.Option("--new-levels", help="What levels get that were not fitted."),
    ] = "error",
    interval: Annotated[
        float | None,
        typer.Option("--interval", metavar="P", help="Posterior probability of the interval."),
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, metavar="N", help="Use N draws only.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="Instead of the run's.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, metavar="N", help="Trials of every row.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COLUMN", help="Pass a column on, too; repeatable."),
    ] = None,
    format: Annotated[
        Literal["csv", "json", "jsonl", "parquet"] | None,
        typer.Option("--format", help="How to write; by default as FILE is called, else csv."),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Predict rows of new data: mean, sd and interval, from the run directory alone."""
    terminal = terminal_of(context, quiet, verbose)
    wanted = _format(output, format)
    _check_options(scale, kind, interval)
    with libraries(terminal):
        from hiermix.artefacts.prediction import read_design
        from hiermix.studies.predict import Asked

        manifest, design = read_design(run)
    _check_output(output, run, data)
    asked = Asked(
        kind,
        scale,
        new_levels,
        design.interval if interval is None else interval,
        design.interval_kind,
        design.seed if seed is None else seed,
        _trials(design, trials),
    )
    if manifest.failed:
        terminal.alert(
            line(
                ("FAILED", "error"),
                f": the gates of this run failed under policy {manifest.policy}; its predictions "
                "rest on draws that cannot be trusted",
            )
        )
    _predict(terminal, run, data, design, asked, draws, keep or [], output, wanted)
    return 3 if manifest.failed else 0


def _predict(
    terminal: Terminal,
    run: Path,
    data: Path,
    design: StoredDesign,
    asked: Asked,
    draws: int | None,
    keep: Sequence[str],
    output: str,
    format: Format,
) -> None:
    from hiermix.artefacts.prediction import open_posterior, read_means
    from hiermix.artefacts.prediction_files import table_of, write_file, write_text
    from hiermix.studies.predict import RowPredictor

    predictor = RowPredictor(design, asked, read_means(run))
    file = STDIN_NAME if str(data) == STDIN else str(data)
    with _on_disk(data) as path, _opened(path, file, design, predictor, keep) as rows:
        terminal.note(*predictor.check(rows, file))
        with open_posterior(run, draws) as posterior:
            counter = _Lost()
            tables = counter.through(table_of(b) for b in predictor.batches(rows, posterior))
            if output == STDOUT:
                write_text(terminal.stream(), tables, format)
            else:
                write_file(Path(output), tables, format, rows.kept_types)
    if counter.lines:
        terminal.alert(
            line(
                ("warning", "warn"),
                f": {counter.lines} predictions have no number: some draws lie outside what the "
                f"family {design.family} allows, or are too large",
            )
        )


class _Lost:
    """Counts lines without a prediction."""

    def __init__(self) -> None:
        self.lines = 0

    def through(self, tables: Iterable[Table]) -> Iterable[Table]:
        """Pass tables on."""
        for table in tables:
            self.lines += sum(value is None for value in table["mean"])
            yield table


@contextmanager
def _on_disk(data: Path) -> Iterator[Path]:
    """Put standard input into a file for as long as it is needed: rows are read twice."""
    if str(data) != STDIN:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="hiermix-") as folder:
        stream = io.BytesIO() if sys.stdin is None else sys.stdin.buffer
        start = stream.read(SNIFFED)
        is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
        path = Path(folder, "stdin.json" if is_json else "stdin.csv")
        with path.open("wb") as file:
            file.write(start)
            shutil.copyfileobj(stream, file)
        yield path


@contextmanager
def _opened(
    data: Path, file: str, design: StoredDesign, predictor: RowPredictor, keep: Sequence[str]
) -> Iterator[NewRows]:
    """Open the new data; errors name its file, not a key of a spec."""
    from hiermix.data import Source
    from hiermix.data.new_rows import open_new_rows, replaced
    from hiermix.studies.predict import column_role, column_types

    source = Source(path=str(data), types=dict(column_types(design)), na_values=design.na_values)
    kept = tuple(dict.fromkeys([*predictor.key_columns, *keep]))
    try:
        with open_new_rows(
            source,
            Path.cwd(),
            {name: column_role(design, name) for name in predictor.needed_columns},
            {name: column_role(design, name) for name in predictor.welcome_columns},
            kept,
        ) as rows:
            yield rows
    except HiermixError as error:
        if not isinstance(error, InputError) or error.where.file is not None:
            raise
        errors = replaced(error, file, data.name if file == STDIN_NAME else "")
        raise errors[0] if len(errors) == 1 else InputErrors(errors) from error


def _format(output: str, stated: Format | None) -> Format:
    from hiermix.artefacts.prediction_files import FORMATS

    suffix = Path(output).suffix.lower()
    if output == STDOUT and stated == "parquet":
        raise UsageError(
            "usage.parquet-to-stdout", "Parquet needs a file", hint="name one with -o FILE.parquet"
        )
    if stated is not None or output == STDOUT:
        return stated or "csv"
    if suffix not in FORMATS:
        raise UsageError(
            "usage.output-format",
            f"-o {output}: unknown kind of file",
            hint=f"known: {', '.join(FORMATS)}; or say --format",
        )
    return FORMATS[suffix]


def _check_options(scale: str, kind: str, interval: float | None) -> None:
    if scale == "link" and kind == "response":
        raise UsageError(
            "usage.link-of-response",
            "a new observation has no linear predictor",
            hint="leave out --scale link, or --kind response",
        )
    if interval is not None and not 0 < interval < 1:
        raise UsageError(
            "usage.interval", f"--interval {interval:g}: between 0 and 1", hint="for example 0.9"
        )


def _check_output(output: str, run: Path, data: Path) -> None:
    """Refuse to write over the data, into the run, or into what is no file."""
    if output == STDOUT:
        return
    target = Path(output).resolve()
    what = ""
    if str(data) != STDIN and target in _files(data):
        what = "the new data"
    elif target.is_relative_to(run.resolve()):
        what = "in the folder of the run"
    elif target.exists() and not target.is_file():
        what = "no regular file"
    if what:
        raise UsageError(
            "usage.output-taken",
            f"-o {output} is {what}",
            Where(file=output),
            "choose another file, or '-' for stdout",
        )


def _files(data: Path) -> list[Path]:
    from hiermix.data.files import find_files
    from hiermix.data.new_rows import replaced

    try:
        return [path.resolve() for path in find_files(str(data), Path.cwd(), None).paths]
    except InputError as error:
        (named,) = replaced(error, str(data))
        raise named from error


def _trials(design: StoredDesign, trials: int | None) -> int | None:
    if trials is not None and design.response.kind != "proportion":
        raise UsageError(
            "usage.trials",
            f"--trials: the response {design.response.name} has no trials",
            hint="it is for families of p(successes, trials)",
        )
    return trials
