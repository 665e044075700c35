"""Gates, measurements and attempts of a run as files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from hiermix.artefacts.delimited import write_csv
from hiermix.artefacts.manifest import json_text
from hiermix.escalation import Attempt
from hiermix.gates import Verdict
from hiermix.gates.verdict import Finding
from hiermix.measurement import Measurement

GATES_JSON = "gates.json"
GATES_CSV = "gates.csv"
MEASUREMENTS = "measurements.csv"
ATTEMPTS = "attempts.jsonl"

FINDING_FIELDS = tuple(f.name for f in fields(Finding))
MEASUREMENT_FIELDS = tuple(f.name for f in fields(Measurement))


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Write ``gates.json`` and ``gates.csv``; a value that is not finite is ``null`` in JSON."""
    findings = [asdict(f) for f in verdict.findings]
    document = {"policy": verdict.policy, "status": verdict.status, "findings": findings}
    (folder / GATES_JSON).write_text(json_text(document), "utf-8", newline="\n")
    write_csv(folder / GATES_CSV, FINDING_FIELDS, (tuple(f.values()) for f in findings))


def read_verdict(folder: Path) -> Verdict:
    """Read ``gates.json``.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If it is missing or not what was written.
    """
    document = json.loads((folder / GATES_JSON).read_text("utf-8"))
    findings = tuple(Finding(**finding) for finding in document["findings"])
    return Verdict(str(document["policy"]), findings)


def write_measurements(folder: Path, measurements: Iterable[Measurement]) -> None:
    """Write ``measurements.csv``: all that the gates judged, so that they can judge again."""
    rows = ((m.metric, m.scope, m.variable, repr(float(m.value)), m.note) for m in measurements)
    write_csv(folder / MEASUREMENTS, MEASUREMENT_FIELDS, rows)


def read_measurements(folder: Path) -> tuple[Measurement, ...]:
    """Read ``measurements.csv``.

    Raises
    ------
    OSError, ValueError, TypeError, csv.Error
        If it is missing or not what was written.
    """
    with (folder / MEASUREMENTS).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    if tuple(header) != MEASUREMENT_FIELDS:
        raise ValueError(f"unexpected columns {header}")
    return tuple(Measurement(m, s, v, float(value), note) for m, s, v, value, note in rows)


def write_attempts(folder: Path, attempts: Iterable[Attempt]) -> None:
    """Write ``attempts.jsonl``, one line per fitting attempt."""
    lines = (json.dumps(json.loads(json_text(_plain(a))), ensure_ascii=False) for a in attempts)
    text = "".join(f"{line}\n" for line in lines)
    (folder / ATTEMPTS).write_text(text, "utf-8", newline="\n")


def read_attempts(folder: Path) -> tuple[Attempt, ...]:
    """Read ``attempts.jsonl``.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If it is missing or not what was written.
    """
    # Not splitlines: texts from the spec may hold other separators of lines.
    lines = (folder / ATTEMPTS).read_text("utf-8").split("\n")
    stored = [json.loads(line) for line in lines if line]
    return tuple(Attempt(**{**s, "failed_gates": tuple(s["failed_gates"])}) for s in stored)


def _plain(attempt: Attempt) -> dict[str, Any]:
    return {f.name: getattr(attempt, f.name) for f in fields(attempt)}
