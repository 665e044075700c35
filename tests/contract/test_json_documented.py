"""Every key of the JSON documents that commands print is on the page about them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hiermix.cli import main
from hiermix.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
ENVELOPE = {"hiermix", "exit_code", "errors"}

PRINTED_AS_ROWS = {"summary", "ask", "predict", "schema", "init", "report"}
"""Commands whose json is no document of keys; the page says so in a sentence."""

ROWS = {
    *("pooling.levels", "pooling.accuracy", "pooling.truth", "compare.runs"),
    *("prior-check.quantities", "holdout.scores", "holdout.levels", "holdout.rows"),
    *("sensitivity.power", "sensitivity.grid", "sensitivity.levels", "sensitivity.level_grid"),
    *("run.findings", "gates.findings", "validate.specs.findings", "explain.checks.findings"),
}
"""Lists of rows whose columns are in the table of a file, which other tests hold."""

NAMED_BY_DATA = {
    *("explain.design", "explain.model.links", "explain.data.dropped", "explain.engine.refused"),
    "validate.specs.factors",
}
"""Objects whose keys are names of the user's."""

COMMANDS = (
    "validate radon_cre.yaml",
    "explain radon_cre.yaml --engine nuts",
    "run eight_schools.yaml --out run",
    "gates run",
    "gates",
    "pooling eight_schools.yaml",
    "compare run",
    "prior-check eight_schools.yaml --draws 100",
    "holdout eight_schools.yaml --by school",
    "sensitivity run",
)


def described(command: str) -> dict[str, str]:
    """Return the rows of a command's tables by each key that their first cells name."""
    section = re.search(rf"^## `{command}`\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert section is not None, f"docs/json.md says nothing about {command}"
    rows = re.findall(r"^\|(.*?)(?<!\\)\|(.*)\|$", section[1], re.M)
    return {key: words for cell, words in rows for key in re.findall(r"`([^`]+)`", cell)}


def unnamed(place: str, value: Any, words: str) -> list[str]:
    """Return the keys below a value that ``words`` do not name."""
    if place in ROWS:
        return []
    if isinstance(value, list):
        return [key for item in value[:1] for key in unnamed(place, item, words)]
    if not isinstance(value, dict):
        return []
    if place in NAMED_BY_DATA:
        return [key for inner in value.values() for key in unnamed(f"{place}.*", inner, words)]
    missing = [f"{place}.{key}" for key in value if f"`{key}`" not in words]
    return missing + [
        key for name, inner in value.items() for key in unnamed(f"{place}.{name}", inner, words)
    ]


def undocumented(command: str, document: dict[str, Any]) -> list[str]:
    rows = described(command)
    own = {key: value for key, value in document.items() if key not in ENVELOPE}
    missing = [key for key in own if key not in rows]
    return missing + [
        found for key in own for found in unnamed(f"{command}.{key}", own[key], rows.get(key, ""))
    ]


@pytest.mark.slow
def test_keys_of_every_document_are_on_the_page(tmp_path, monkeypatch, capsys) -> None:
    for spec in ("radon_cre", "eight_schools"):
        text = (ROOT / "specs" / f"{spec}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{spec}.yaml").write_text(text.replace("../examples", f"{ROOT}/examples"))
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        code = main([*shlex.split(command), "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        assert set(document) >= ENVELOPE
        assert (code, document["exit_code"], document["errors"]) == (0, 0, []), command
        assert undocumented(command.split()[0], document) == [], command


def test_keys_of_errors_are_on_the_page(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(
        "data: {path: x.csv}\nmodel: {formula: 'y ~ sqrtt(x)'}\nfit: {drws: 1}\n"
    )
    assert main(["run", "bad.yaml", "--format", "json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert set(document) == ENVELOPE
    assert len(document["errors"]) == 3
    named = PAGE.partition("## Errors")[2].partition("## `run`")[0]
    for error in document["errors"]:
        assert [key for key in (*error, *error["where"]) if f"`{key}`" not in named] == []


def test_a_list_of_specs_has_the_errors_of_all(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "a.yaml", "b.yaml", "--format", "json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [error["where"]["file"] for error in document["errors"]] == ["a.yaml", "b.yaml"]


def test_every_command_with_documents_has_a_section() -> None:
    commands = set(get_command(app).commands)
    assert commands >= PRINTED_AS_ROWS
    for command in commands - PRINTED_AS_ROWS:
        assert described(command)
    listed = PAGE.partition("## Errors")[0]
    assert [command for command in PRINTED_AS_ROWS if f"`{command}" not in listed] == []


def test_a_key_without_words_would_be_found() -> None:
    document = {"name": "a", "brand_new": 1, "checks": {"policy": "p", "brand_new": 2}}
    assert undocumented("explain", document) == ["brand_new", "explain.checks.brand_new"]
