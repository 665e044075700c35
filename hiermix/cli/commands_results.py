"""Look at gates and finished runs: ``gates``, ``summary`` and ``report``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import astuple, fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiermix.cli.options import (
    PolicyOption,
    RunArgument,
    TableFormat,
    check_policy_option,
    terminal_of,
)
from hiermix.cli.quiet import libraries
from hiermix.cli.render import finished_document
from hiermix.cli.stored_tables import table_cells, table_names
from hiermix.cli.tabulate import Row, as_format, json_text, text_table
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import Line, line
from hiermix.cli.verdict_view import verdict_lines
from hiermix.errors import UsageError, Where

if TYPE_CHECKING:
    from hiermix.gates import Verdict

LISTED = ("gate", "phase", "limits", "settable", "why", "remedy", "source")
"""Columns of the catalogue for readers."""

CONCERNING = {"what": "measures", "why": "why", "remedy": "remedy", "source": "source"}


def gates(
    context: typer.Context,
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="Judge this run again, without fitting.")
    ] = None,
    policy: PolicyOption = None,
    format: TableFormat = "text",
) -> int:
    """List the gates and the reasons for them, or judge a finished run again."""
    terminal = terminal_of(context)
    check_policy_option(policy)
    if run is None:
        return _list_gates(terminal, policy or "publish", format)
    verdict = _judged_again(run, policy)
    if format == "text":
        terminal.result_lines(verdict_lines(verdict.policy, verdict.status, verdict.findings))
    else:
        _print_verdict(terminal, run, verdict, format)
    return 3 if verdict.failed else 0


def _list_gates(terminal: Terminal, policy: str, format: str) -> int:
    from hiermix.gates.explain import table

    rows = table(policy)
    if format == "json":
        terminal.result(json_text(finished_document({"policy": policy, "gates": rows})))
    elif format == "text":
        terminal.result_lines(_catalogue_lines(policy, rows))
    else:
        cells = [[row[name] for name in LISTED] for row in rows]
        terminal.result(as_format(format, LISTED, cells))
    return 0


def _catalogue_lines(policy: str, rows: list[dict[str, Any]]) -> Iterator[Line]:
    yield line((f"Gates of policy {policy}, in the order in which they are judged", "bold"))
    for phase, members in groupby(rows, key=lambda row: row["phase"]):
        yield line("")
        yield line((phase, "bold"))
        for row in members:
            yield line((f"  {row['gate']}", "bold"), f": {row['limits'] or 'never fails'}")
            for key, title in CONCERNING.items():
                yield line(f"    {title:<9}{row[key]}")


def _judged_again(run: Path, policy: str | None) -> Verdict:
    """Judge stored measurements with the limits and waivers of the run's own spec."""
    from hiermix.artefacts import read_run
    from hiermix.gates import catalogue, judge
    from hiermix.spec import load_spec

    stored = read_run(run)
    resolved = run / "spec.resolved.yaml"
    settings = load_spec(resolved.read_bytes(), str(resolved)).spec.gates
    # What the engine could not measure then, it cannot have now.
    absent = {f.metric: f.message for f in stored.findings if f.status == "not applicable"}
    return judge(
        stored.measurements,
        policy=policy or stored.verdict.policy,
        phases={finding.phase for finding in stored.findings},
        limits=settings.limits,
        waive=settings.waive,
        lacks={gate.lacks: absent[gate.metric] for gate in catalogue() if gate.metric in absent},
    )


def _print_verdict(terminal: Terminal, run: Path, verdict: Verdict, format: str) -> None:
    header = [field.name for field in fields(verdict.findings[0])] if verdict.findings else []
    rows: list[Row] = [astuple(finding) for finding in verdict.findings]
    if format == "json":
        body = {
            "run": str(run),
            "verdict": {"policy": verdict.policy, "status": verdict.status},
            "findings": [dict(zip(header, row, strict=True)) for row in rows],
        }
        terminal.result(json_text(finished_document(body, 3 if verdict.failed else 0)))
    else:
        terminal.result(as_format(format, header, rows))


def summary(
    context: typer.Context,
    run: RunArgument,
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="summary, group_effects, variance, gates...")
    ] = "summary",
    format: TableFormat = "text",
) -> int:
    """Print a table of a run."""
    from hiermix.artefacts import read_run

    terminal = terminal_of(context)
    stored = read_run(run)
    if stored.manifest.failed:
        terminal.alert(line(("FAILED", "fail"), f": a gate failed this run ({run})"))
    names = table_names()
    if table not in names:
        close = difflib.get_close_matches(table, names, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"tables: {', '.join(names)}"
        raise UsageError(
            "usage.unknown-table", f"the run has no table {table!r}", Where(file=str(run)), hint
        )
    raw = stored.path / f"{table}.csv"
    if format == "csv" and raw.is_file():
        terminal.result(raw.read_bytes().decode("utf-8"))
        return 0
    header, rows = table_cells(stored, table)
    if not rows:
        terminal.note(_why_empty(table))
    if format == "text":
        terminal.result_lines(text_table(header, rows, indent=""))
    else:
        terminal.result(as_format(format, header, rows))
    return 0


def _why_empty(table: str) -> str:
    """Return why a run has no rows of a table, which is not the same as nothing to report."""
    if table in ("cre", "questions", "arms"):
        why = f"its spec has no '{table}', the model cannot have one, or an older hiermix wrote it"
    else:
        why = "there is nothing that it could be about, or an older hiermix wrote it"
    return f"the run has no table {table}: {why}"


def report(context: typer.Context, run: RunArgument) -> int:
    """Write the HTML report of a run again, without fitting; print its path."""
    from hiermix.artefacts import read_run, write_report

    terminal = terminal_of(context)
    with libraries(terminal):
        path = write_report(read_run(run))
    terminal.result(str(path))
    return 0
