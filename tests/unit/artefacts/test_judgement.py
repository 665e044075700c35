"""Gates, measurements and attempts as files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hiermix.artefacts.judgement import (
    read_attempts,
    read_measurements,
    read_verdict,
    write_attempts,
    write_measurements,
    write_verdict,
)
from hiermix.escalation import Attempt
from hiermix.gates import Verdict
from hiermix.measurement import Measurement
from tests.unit.artefacts import fabric

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Measurement, TEXTS, TEXTS, TEXTS, st.floats(), TEXTS)))
def test_measurements_read_back(tmp_path: Path, measured: list[Measurement]) -> None:
    write_measurements(tmp_path, measured)
    found = read_measurements(tmp_path)
    assert len(found) == len(measured)
    for one, other in zip(found, measured, strict=True):
        assert (one.metric, one.scope, one.variable, one.note) == (
            other.metric,
            other.scope,
            other.variable,
            other.note,
        )
        assert one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "measurements.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="unexpected columns"):
        read_measurements(tmp_path)


def test_a_verdict_reads_back_with_null_for_what_is_missing(tmp_path: Path) -> None:
    write_verdict(tmp_path, Verdict("publish", (fabric.BROKEN, *fabric.FINDINGS)))
    found = read_verdict(tmp_path)
    assert found.status == "fail"
    assert found.findings[0].value is None
    assert found.findings[1:] == fabric.FINDINGS
    text = (tmp_path / "gates.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["policy"] == "publish"
    header, first, *_ = (tmp_path / "gates.csv").read_text().splitlines()
    assert header == "gate,phase,status,metric,value,warn,fail,where,message,remedy"
    assert first.startswith("sampler-divergences,sampler,fail,divergences,,,0.0,all chains,")


def test_attempts_read_back(tmp_path: Path) -> None:
    settings = {"draws": 500, "parameterization": {"1|g": "centered"}}
    made = (
        Attempt(1, settings, "first\u2028attempt\x85", ("rhat[common]", "mcse"), 1.5, 7),
        Attempt(2, settings, "é", (), 0.25, None, "no draws"),
    )
    write_attempts(tmp_path, made)
    assert read_attempts(tmp_path) == made


def test_attempts_are_one_line_of_json_each(tmp_path: Path) -> None:
    settings = {"draws": np.int64(5), "note": "two\nlines"}
    write_attempts(
        tmp_path, [Attempt(1, settings, "é", ("rhat",), 1.5), Attempt(2, {}, "", (), 0.0)]
    )
    lines = (tmp_path / "attempts.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == {
        "number": 1,
        "settings": {"draws": 5, "note": "two\nlines"},
        "reason": "é",
        "failed_gates": ["rhat"],
        "seconds": 1.5,
        "divergences": None,
        "error": "",
        "stands": False,
    }
