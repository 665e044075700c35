"""Bad specs and bad data: refused with an exit code, an id, words and a place, and no run."""

import json
import os
from pathlib import Path

import pytest
import yaml

from hiermix.cli import main
from tests.effort_support import at_most

TABLE = Path(__file__).parents[1] / "cases" / "bad_specs.yaml"
CASES = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
NAMES = [case["name"] for case in CASES]

SPEC = """\
data: {path: data.csv}
model:
  formula: "y ~ x + z + (1|g)"
  family: gaussian
fit: {draws: 500, tune: 500, chains: 4, seed: 1}
gates: {policy: publish}
outputs: {dir: out}
"""

COLUMNS = ("y", "x", "z", "g", "w", "k", "s", "successes", "trials")
N_ROWS = 60
CALLS = 50_000_000  # generous: what must not happen is an explosion


def rows():
    """Return 60 rows in 6 groups: w is constant in a group, k a count, s 0 or 1."""
    return [
        {
            "y": f"{((i * 37) % 61) / 20 - 1.5:.3f}",
            "x": f"{((i * 17) % 59) / 30 - 0.9:.3f}",
            "z": f"{((i * 29) % 53) / 25 - 1.1:.3f}",
            "g": f"g{i // 10:02d}",
            "w": f"{0.5 + (i // 10) * 0.7 % 1.1:.3f}",
            "k": str(1 + i * 7 % 5),
            "s": str(i * 3 % 7 % 2),
            "successes": str(i % 5),
            "trials": "5",
        }
        for i in range(N_ROWS)
    ]


def data_bytes(change):
    """Return the data file, with what a case changes in it; rows count from 1."""
    if "text" in change:
        return change["text"].encode(change.get("encoding", "utf-8"))
    table = rows()
    for column, text in change.get("columns", {}).items():
        for row in table:
            row[column] = text.format(**row)
    for row, column, text in change.get("cells", []):
        table[row - 1][column] = text
    lines = [change.get("header", ",".join(COLUMNS))]
    lines += [",".join(row[name] for name in COLUMNS) for row in table]
    text = "\n".join([*lines, ""])
    for old, new in change.get("replace", []):
        text = text.replace(old, new)
    return text.encode(change.get("encoding", "utf-8"))


def spec_bytes(case):
    text = case.get("spec", SPEC)
    for old, new in case.get("change", []):
        assert old in text
        text = text.replace(old, new)
    return (text + case.get("append", "")).encode(case.get("encoding", "utf-8"))


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Return a function that runs a case and returns exit code, JSON document and all output."""

    def check(case):
        (tmp_path / "data.csv").write_bytes(data_bytes(case.get("data", {})))
        (tmp_path / "data.pkl").write_bytes(b"cos\nsystem\n.")
        (tmp_path / "data.csv.gz").write_bytes(b"\x1f\x8b")
        (tmp_path / "folder.csv").mkdir()
        os.mkfifo(tmp_path / "pipe.csv")
        (tmp_path / "loop.csv").symlink_to("loop.csv")
        (tmp_path / "outside").symlink_to(tmp_path.parent)
        (tmp_path / "spec.yaml").write_bytes(spec_bytes(case))
        monkeypatch.chdir(tmp_path)
        before = sorted(tmp_path.rglob("*"))
        arguments = [case.get("command", "validate"), "spec.yaml", *case.get("options", [])]
        code = main([*arguments, "--format", "json"])
        out, err = capsys.readouterr()
        assert sorted(tmp_path.rglob("*")) == before
        return code, json.loads(out), out + err

    return check


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_bad_spec_is_refused_and_leaves_nothing(case, checked):
    with at_most(CALLS):
        code, document, output = checked(case)
    assert code == document["exit_code"] == case.get("exit", 2)
    assert "Traceback" not in output
    assert "SECRETVALUE" not in output
    specs = document.get("specs", [document])
    errors = specs[0]["errors"]
    found = [error for error in errors if error["id"] == case["id"]]
    assert found, [error["id"] for error in errors]
    said = f"{found[0]['message']} | {found[0]['hint']}"
    assert [word for word in case["words"] if word not in said] == []
    where = found[0]["where"]
    assert where["file"] == "spec.yaml"
    assert [where.get("line"), where.get("column")] == case["at"]


def test_what_the_cases_start_from_is_accepted(checked):
    code, document, _ = checked({})
    assert (code, document["specs"][0]["rows"]) == (0, N_ROWS)
    assert document["specs"][0]["factors"] == {"g": 6}


ODD_BUT_GOOD = {
    "byte-order-mark": {"data": {"encoding": "utf-8-sig"}},
    "html-labels": {"data": {"replace": [["g00", "<script>alert(1)</script>"]]}},
    "spreadsheet-labels": {"data": {"replace": [["g00", "=1+1"], ["g01", "@cmd"]]}},
    "markdown-labels": {"data": {"replace": [["g00", "a|b"], ["g01", "[x](javascript:)"]]}},
    "terminal-labels": {"data": {"replace": [["g00", "\x1b[2Jred"]]}},
    "path-labels": {"data": {"replace": [["g00", "../../etc/x"]]}},
    "column-named-class": {
        "data": {"header": "y,x,__class__,g,mean,self,s,successes,trials"},
        "change": [["x + z", "x + mean + `__class__`"]],
    },
    "windows-line-ends": {"data": {"replace": [["\n", "\r\n"]]}},
}


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_what_only_looks_odd_is_accepted(name, checked):
    code, document, output = checked(ODD_BUT_GOOD[name])
    assert (code, document["specs"][0]["errors"]) == (0, [])
    assert "\x1b" not in output


def test_labels_that_differ_by_case_and_few_levels_are_warned_about(tmp_path, monkeypatch, capsys):
    lines = data_bytes({"cells": [[1, "g", "G01"]]}).decode().splitlines()
    (tmp_path / "data.csv").write_text("\n".join(lines[:21]))
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "spec.yaml"]) == 0
    err = capsys.readouterr().err
    assert "'G01' and 'g01' differ only by case" in err
    assert "warn: levels: g: 3 levels" in err
