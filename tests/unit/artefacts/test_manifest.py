"""The manifest finds damage."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hiermix.artefacts.manifest import (
    Manifest,
    file_entries,
    finished,
    json_text,
    read_manifest,
)
from hiermix.errors import EnvironmentFault


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "plots").mkdir()
    (tmp_path / "summary.csv").write_text("a,b\n")
    (tmp_path / "plots" / "x.svg").write_text("<svg/>")
    manifest = Manifest(
        path=tmp_path,
        name="m",
        fingerprint="0a1b",
        verdict="fail",
        policy="publish",
        started_at="2026-01-01T00:00:00+00:00",
        finished_at="2026-01-01T00:01:00+00:00",
        spec={},
        data={"rows_used": 3},
        model={},
        fit={"facts": {"step": np.float64(0.5), "bad": float("nan"), "all": np.arange(2)}},
        seconds={"sample": 1.5},
        peak_memory_bytes=1,
        versions={},
        python="3",
        platform="x",
        files=file_entries(tmp_path),
    )
    (tmp_path / "manifest.json").write_text(manifest.to_json(), "utf-8")
    return tmp_path


def test_a_sound_run_reads_back(run: Path) -> None:
    manifest = finished(run)
    assert manifest is not None
    assert manifest.failed
    assert manifest.path == run
    assert list(manifest.files) == ["plots/x.svg", "summary.csv"]
    assert manifest.fit["facts"] == {"step": 0.5, "bad": None, "all": [0, 1]}
    assert replace(manifest, path=Path("x")).to_json() == (run / "manifest.json").read_text()


def test_no_manifest_means_not_finished(tmp_path: Path) -> None:
    assert finished(tmp_path) is None
    assert finished(tmp_path / "nowhere") is None
    with pytest.raises(EnvironmentFault, match="not a run directory"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("name", ["summary.csv", "plots/x.svg"])
def test_a_changed_or_missing_file_is_damage(run: Path, name: str) -> None:
    original = (run / name).read_bytes()
    (run / name).write_bytes(original[::-1])
    with pytest.raises(EnvironmentFault, match="does not match its hash"):
        finished(run)
    (run / name).write_bytes(original + b"x")
    with pytest.raises(EnvironmentFault, match="does not match its hash"):
        finished(run)
    (run / name).unlink()
    with pytest.raises(EnvironmentFault, match="missing") as caught:
        finished(run)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"manifest_version": 99}', '{"manifest_version": 1}', "[" * 100_000],
)
def test_a_manifest_that_is_not_one_is_damage(run: Path, text: str) -> None:
    (run / "manifest.json").write_text(text)
    with pytest.raises(EnvironmentFault, match="damaged"):
        finished(run)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "plots/../../x"])
def test_a_manifest_cannot_point_outside_its_run(run: Path, name: str) -> None:
    content = json.loads((run / "manifest.json").read_text())
    content["files"][name] = {"bytes": 1, "sha256": ""}
    (run / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(EnvironmentFault, match="not in the run"):
        finished(run)


def test_json_is_strict_and_keeps_unicode() -> None:
    text = json_text({"é": (1, float("inf")), "p": Path("x"), "t": True})
    assert json.loads(text, parse_constant=pytest.fail) == {"é": [1, None], "p": "x", "t": True}
    assert "é" in text
