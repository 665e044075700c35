import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hiermix.cli.formats import Outcome, of_error, of_run
from hiermix.errors import InputErrors, SpecError, Where
from hiermix.gates.verdict import Finding


def finding(gate, status, where="x", value=1.02):
    return Finding(
        gate, "sampler", status, "rhat", value, 1.005, 1.01, where, f"{where} is bad", "do this"
    )


FINDINGS = (
    finding("rhat-common", "fail", where="x\x1b[31m<&>"),
    finding("ess-common", "pass"),
    finding("mcse", "warn"),
    finding("energy", "not applicable", value=None),
    finding("divergences", "waived", value=float("nan")),
)
FAILED = Outcome("demo", Path("runs/demo/abc"), "publish", "fail", FINDINGS, warnings=("50% lost",))
PASSED = Outcome("demo", Path("runs/demo/abc"), "publish", "pass", FINDINGS[1:2], reused=True)


def test_text_is_the_run_directory_alone():
    assert of_run(PASSED, "text") == "runs/demo/abc"


def test_a_failed_gate_makes_the_exit_code_3():
    assert (FAILED.exit_code, PASSED.exit_code) == (3, 0)


def test_json_holds_directory_verdict_and_findings():
    document = json.loads(of_run(FAILED, "json"))
    assert document["run"] == "runs/demo/abc"
    assert document["verdict"] == {"policy": "publish", "status": "fail"}
    assert document["exit_code"] == 3
    assert [f["status"] for f in document["findings"]] == [f.status for f in FINDINGS]
    assert document["findings"][4]["value"] is None
    assert document["errors"] == []


def test_github_has_an_annotation_for_each_gate_that_did_not_pass():
    rows = of_run(FAILED, "github").split("\n")
    assert [row.split(" ")[0] for row in rows] == [
        "::error",
        "::warning",
        "::notice",
        "::warning",
        "::notice",
    ]
    assert rows[3] == "::warning title=hiermix::50%25 lost"
    assert "\x1b" not in rows[0]


def test_github_shows_notes_as_notices():
    told = replace(PASSED, notes=("levels with 1 - w > 0.5: 0 of 6",))
    assert of_run(told, "github").split("\n")[0] == (
        "::notice title=hiermix::levels with 1 - w > 0.5: 0 of 6"
    )


def test_github_annotations_of_errors_point_into_the_file():
    where = Where("a,b:c.yaml", 3, 17)
    text = of_error(SpecError("spec.x", "bad\nvalue", where, "fix it"), "github")
    assert text == (
        "::error file=a%2Cb%3Ac.yaml,line=3,col=17,title=spec.x::bad\\nvalue hint: fix it"
    )


def test_junit_has_a_testcase_for_each_gate():
    suite = ElementTree.fromstring(of_run(FAILED, "junit")).find("testsuite")
    assert suite.attrib == {
        "name": "demo",
        "tests": "5",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    failure = suite.find("testcase[@name='rhat-common']/failure")
    assert failure.get("message") == "x\\x1b[31m<&> is bad"


def test_junit_of_an_error_is_a_testcase_in_error():
    error = InputErrors([SpecError("spec.a", "one"), SpecError("spec.b", "two")])
    suite = ElementTree.fromstring(of_error(error, "junit")).find("testsuite")
    assert suite.get("errors") == "2"


def test_json_of_an_error_has_its_exit_code():
    assert json.loads(of_error(SpecError("spec.a", "one"), "json"))["exit_code"] == 2


@pytest.mark.parametrize("format", ["text", "xml", "csv"])
def test_other_formats_leave_errors_to_stderr(format):
    assert of_error(SpecError("spec.a", "one"), format) is None
