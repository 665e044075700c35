"""A verdict as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hiermix.cli.tabulate import cell_text
from hiermix.cli.text import Line, Span, line, pad, visible, width

if TYPE_CHECKING:
    from hiermix.gates import Finding

STATUS_STYLE = {"pass": "pass", "warn": "warn", "waived": "warn", "fail": "fail"}

LOUD = ("fail", "warn", "waived")


def verdict_lines(
    policy: str, status: str, findings: tuple[Finding, ...], all_rows: bool = True
) -> Iterator[Line]:
    """Yield the verdict table, what failed and why, and the verdict itself last.

    Parameters
    ----------
    policy, status, findings
        The verdict.
    all_rows
        Show the gates that passed too; those that do not apply are only counted.
    """
    shown = [f for f in findings if f.status in LOUD or (all_rows and f.status != "not applicable")]
    if shown:
        yield from _table(shown)
    yield from loud_lines(findings)
    counts = Counter(str(f.status) for f in findings)
    order = ("fail", "warn", "waived", "pass", "not applicable")
    tally = ", ".join(f"{counts[name]} {name}" for name in order if counts[name])
    yield line(
        ("verdict: ", "bold"),
        (status, STATUS_STYLE.get(status, "")),
        f" (policy {policy}; {tally or 'no gates'})",
    )


def loud_lines(findings: tuple[Finding, ...]) -> Iterator[Line]:
    """Yield what did not simply pass, and what to do about it."""
    for finding in findings:
        if finding.status in LOUD:
            style = STATUS_STYLE[finding.status]
            yield line((f"{finding.status}: {finding.gate}", style), f": {finding.message}")
            if finding.remedy:
                yield line(("   = ", "place"), ("remedy", "bold"), f": {finding.remedy}")


def _table(findings: list[Finding]) -> Iterator[Line]:
    header = ("gate", "status", "value", "warn at", "fail at", "worst")
    rows = [
        (f.gate, f.status, cell_text(f.value), cell_text(f.warn), cell_text(f.fail), f.where)
        for f in findings
    ]
    texts = [header, *(tuple(visible(cell) for cell in row) for row in rows)]
    columns = [max(width(row[i]) for row in texts) for i in range(len(header))]
    for number, row in enumerate(texts):
        cells = [pad(cell, columns[i]) for i, cell in enumerate(row)]
        style = "bold" if number == 0 else ""
        status = "bold" if number == 0 else STATUS_STYLE.get(row[1], "")
        spans: list[Span] = [(f"  {cells[0]}  ", style), (cells[1], status)]
        yield line(*spans, ("  " + "  ".join(cells[2:]).rstrip(), style))
