"""What a finished or failed command says to programs: JSON, GitHub annotations, JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from hiermix.cli.render import error_document, finished_document
from hiermix.cli.tabulate import json_text
from hiermix.cli.text import visible
from hiermix.errors import HiermixError

if TYPE_CHECKING:
    from hiermix.gates import Finding


@dataclass(frozen=True)
class Outcome:
    """A finished run as the command line tells of it.

    ``notes`` say how the model was fitted where the formula says otherwise; ``reused`` says that
    nothing was fitted, because the same run was on disk already; ``engine`` is a sentence about
    what fitted it, and on what.
    """

    name: str
    path: Path
    policy: str
    status: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reused: bool = False
    engine: str = ""

    @property
    def exit_code(self) -> int:
        """3 if a gate failed, else 0."""
        return 3 if self.status == "fail" else 0


def of_run(outcome: Outcome, format: str) -> str:
    """Return what ``run`` prints to stdout in one of its formats."""
    if format == "json":
        body = {
            "run": str(outcome.path),
            "reused": outcome.reused,
            "verdict": {"policy": outcome.policy, "status": outcome.status},
            "findings": [asdict(finding) for finding in outcome.findings],
            "engine": outcome.engine,
            "notes": list(outcome.notes),
            "warnings": list(outcome.warnings),
        }
        return json_text(finished_document(body, outcome.exit_code))
    if format == "github":
        return "\n".join(_annotations(outcome))
    if format == "junit":
        return _junit(outcome.name, _cases(outcome.findings))
    return str(outcome.path)


def of_error(error: HiermixError, format: str) -> str | None:
    """Return what a failed command prints to stdout; ``None`` where that is nothing."""
    if format == "json":
        return json_text(error_document(error))
    if format == "github":
        return "\n".join(_error_annotation(single) for single in error.flatten())
    if format == "junit":
        case = ElementTree.Element("testcase", classname="hiermix", name="run")
        for single in error.flatten():
            note = ElementTree.SubElement(case, "error", type=single.id)
            note.set("message", visible(single.message))
        return _junit("hiermix", [case])
    return None


def _annotations(outcome: Outcome) -> Iterator[str]:
    """Yield workflow commands: gates that did not pass, notes, warnings, the verdict."""
    kinds = {"fail": "error", "warn": "warning", "waived": "notice"}
    for finding in outcome.findings:
        if finding.status in kinds:
            text = f"{finding.message} Remedy: {finding.remedy}"
            yield _annotation(kinds[finding.status], {"title": f"gate {finding.gate}"}, text)
    for note in outcome.notes:
        yield _annotation("notice", {"title": "hiermix"}, note)
    for warning in outcome.warnings:
        yield _annotation("warning", {"title": "hiermix"}, warning)
    verdict = f"{outcome.status} under policy {outcome.policy}: {outcome.path}"
    yield _annotation("notice", {"title": "verdict"}, verdict)


def _error_annotation(error: HiermixError) -> str:
    where = error.where
    place = {"file": where.file, "line": where.line, "col": where.column, "title": error.id}
    known = {key: str(value) for key, value in place.items() if value is not None}
    hint = f" hint: {error.hint}" if error.hint else ""
    return _annotation("error", known, error.message + hint)


def _annotation(kind: str, properties: dict[str, str], message: str) -> str:
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{kind} {shown}::{visible(message).replace('%', '%25')}"


def _property(value: str) -> str:
    return visible(value).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def _cases(findings: tuple[Finding, ...]) -> Iterator[ElementTree.Element]:
    for finding in findings:
        name = visible(finding.gate)
        case = ElementTree.Element("testcase", classname=f"gates.{finding.phase}", name=name)
        message = visible(finding.message)
        if finding.status == "fail":
            failure = ElementTree.SubElement(case, "failure", type=name, message=message)
            failure.text = visible(f"worst: {finding.where}; remedy: {finding.remedy}")
        elif finding.status == "not applicable":
            ElementTree.SubElement(case, "skipped", message=message)
        elif finding.status != "pass":
            ElementTree.SubElement(case, "system-out").text = f"{finding.status}: {message}"
        yield case


def _junit(name: str, cases: Iterator[ElementTree.Element] | list[ElementTree.Element]) -> str:
    suite = ElementTree.Element("testsuite", name=visible(name))
    suite.extend(cases)
    counts = {"tests": "testcase", "failures": "*/failure", "errors": "*/error"}
    for attribute, path in {**counts, "skipped": "*/skipped"}.items():
        suite.set(attribute, str(len(suite.findall(path))))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(
        suites, encoding="unicode"
    )
