"""Look at specs without fitting them: ``validate`` and ``explain``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hiermix.cli.options import (
    CheckFormat,
    DataRootOption,
    EngineOption,
    PolicyOption,
    QuietOption,
    SetOption,
    SpecArgument,
    VerboseOption,
    check_policy_option,
    terminal_of,
)
from hiermix.cli.progress import display
from hiermix.cli.quiet import libraries
from hiermix.cli.render import code_of, error_document, error_lines, finished_document
from hiermix.cli.specfile import open_spec
from hiermix.cli.tabulate import json_text
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line
from hiermix.cli.verdict_view import loud_lines
from hiermix.errors import EngineError, HiermixError, InputError

if TYPE_CHECKING:
    from hiermix.design import Design
    from hiermix.pipeline import Prepared


def validate(
    context: typer.Context,
    specs: Annotated[
        list[str], typer.Argument(metavar="SPEC...", help="Specs; '-' is standard input.")
    ],
    overrides: SetOption = None,
    format: CheckFormat = "text",
    engine: EngineOption = None,
    policy: PolicyOption = None,
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Check specs against their data; nothing is compiled or sampled."""
    terminal = terminal_of(context, quiet, verbose)
    check_policy_option(policy)
    checks = []
    for spec in specs:
        try:
            prepared = _prepared(terminal, spec, overrides, data_root, engine, policy)
            terminal.say(*loud_lines(prepared.verdict.findings))
            check = _passed(spec, prepared)
        except (InputError, EngineError) as error:
            terminal.alert(*error_lines(error))
            check = _refused(spec, error)
        checks.append(check)
        if format == "text":
            terminal.result_lines([line(_verdict_text(check))])
    code = max(int(check["exit_code"]) for check in checks)
    if format == "json":
        errors = [error for check in checks for error in check["errors"]]
        terminal.result(json_text(finished_document({"specs": checks}, code, errors)))
    return code


def _prepared(
    terminal: Terminal,
    spec: str,
    overrides: list[str] | None,
    data_root: Path | None,
    engine: str | None,
    policy: str | None,
    on_design: Callable[[Design], None] | None = None,
) -> Prepared:
    from hiermix.pipeline import prepare

    with libraries(terminal), display(terminal, stages=False) as shown:
        loaded, root = open_spec(spec, overrides or [])
        prepared = prepare(
            loaded,
            root,
            shown,
            data_root=data_root,
            engine=engine,
            policy=policy,
            on_design=on_design,
        )
        for warning in prepared.warnings:
            shown.warn(warning)
    return prepared


def _passed(spec: str, prepared: Prepared) -> dict[str, Any]:
    design = prepared.plan.design
    parts = (design.main, *design.components.values())
    factors = {factor.name: factor.n_groups for part in parts for factor in part.factors}
    return {
        "spec": spec,
        "exit_code": 0,
        "rows": prepared.frame.n_rows,
        "factors": factors,
        "findings": [asdict(finding) for finding in prepared.verdict.findings],
        "warnings": list(prepared.warnings),
        "errors": [],
    }


def _refused(spec: str, error: HiermixError) -> dict[str, Any]:
    return {
        "spec": spec,
        "exit_code": code_of(error),
        "rows": None,
        "factors": {},
        "findings": [],
        "warnings": [],
        "errors": error_document(error)["errors"],
    }


def _verdict_text(check: dict[str, Any]) -> str:
    if check["errors"]:
        count = len(check["errors"])
        return f"error  {check['spec']}  {count} error{'s' if count > 1 else ''}"
    levels = [f"{count} levels of {name}" for name, count in check["factors"].items()]
    return f"ok  {check['spec']}  {', '.join([f'{check["rows"]} rows', *levels])}"


def explain(
    context: typer.Context,
    spec: SpecArgument,
    overrides: SetOption = None,
    format: CheckFormat = "text",
    engine: EngineOption = None,
    policy: PolicyOption = None,
    data_root: DataRootOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Tell the model in words: design, priors with their numbers, pooling, engine, checks."""
    from hiermix.cli.explain_text import audit_lines, explain_document, explain_lines

    terminal = terminal_of(context, quiet, verbose)
    check_policy_option(policy)
    designs: list[Design] = []
    try:
        prepared = _prepared(terminal, spec, overrides, data_root, engine, policy, designs.append)
    except InputError as error:
        # What the data cannot identify is why a gate refuses it, more often than not.
        if designs and format == "text" and error.id.startswith("gate."):
            terminal.result_lines(audit_lines(designs[-1]))
        raise
    if format == "json":
        terminal.result(json_text(finished_document(explain_document(prepared))))
    else:
        terminal.result_lines(explain_lines(prepared))
    return 0
