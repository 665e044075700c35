"""A run directory from a result."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hiermix.artefacts import fingerprint, finished, read_run, run_directory, write_run
from hiermix.artefacts import write as module
from hiermix.errors import EnvironmentFault
from hiermix.spec import load_spec
from hiermix.summary.pooling_words import pooling_sentences
from tests.unit.artefacts import fabric

FILES = {
    "attempts.jsonl",
    "design.json",
    "gates.csv",
    "gates.json",
    "group_effects.csv",
    "identification.csv",
    "log.txt",
    "measurements.csv",
    "plots/chains.svg",
    "plots/forest.svg",
    "plots/group-1.svg",
    "plots/group-2.svg",
    "plots/shrinkage-1.svg",
    "plots/shrinkage-2.svg",
    "plots/predictive.svg",
    "posterior.nc",
    "report.html",
    "spec.resolved.yaml",
    "spec.yaml",
    "summary.csv",
    "targets.json",
    "variance.csv",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def result():
    return fabric.result()


def target_of(result) -> Path:
    return run_directory(None, Path("runs"), "sleepstudy", fingerprint(result.prepared))


def test_every_file_is_there_and_listed(result) -> None:
    target = target_of(result)
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    manifest = write_run(result, target, started_at=started, log="a line\n")
    assert set(manifest.files) == FILES
    on_disk = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
    assert on_disk == FILES | {"manifest.json"}
    assert (target / "spec.yaml").read_text() == fabric.SPEC
    assert (target / "log.txt").read_text() == "a line\n"
    assert os.readlink(target.parent / "latest") == target.name
    found = finished(target)
    assert found is not None
    assert found.verdict == manifest.verdict == "warn"
    assert found.started_at == "2026-01-02T03:04:05+00:00"
    assert found.data["rows_read"] == 183
    assert found.data["rows_dropped"] == {"Reaction": 2, "Days": 1}
    assert found.fit["seed"] == 1
    assert found.fit["refused"] == {"laplace": ["it is not exact"]}
    assert found.model["levels"] == {"Subject": 18}
    assert found.model["notes"] == [fabric.NOTE]
    assert found.seconds["sample"] == 1.3
    assert found.peak_memory_bytes > 2**20
    assert set(found.versions) >= {"hiermix", "bambi", "pymc", "nutpie"}


def test_the_manifest_says_which_engine_gave_way_to_the_one_that_stands(result) -> None:
    (last,) = result.attempts
    gates = ("rhat[common]", "ess_bulk[common]", "ess_bulk[group_sd]")
    first = replace(last, settings={"engine": "exact", "draws": 100, "seed": 1}, failed_gates=gates)
    second = replace(first, settings={"engine": "exact", "draws": 800, "seed": 1})
    told = write_run(replace(result, attempts=(first, second, last)), Path("out"))
    assert told.fit["refused"]["exact"] == ["rhat, ess_bulk failed after 800 draws"]
    # An engine that was tried in vain leaves what stands.
    told = write_run(replace(result, attempts=(last, first)), Path("vain"))
    assert "exact" not in told.fit["refused"]


def test_the_manifest_is_strict_json(result) -> None:
    write_run(result, Path("out"))
    json.loads(Path("out/manifest.json").read_text("utf-8"), parse_constant=pytest.fail)


def test_the_manifest_says_what_the_pooling_weights_say(result) -> None:
    manifest = write_run(result, Path("out"))
    assert manifest.model["pooling"] == pooling_sentences(result.tables)
    assert [said.partition(":")[0] for said in manifest.model["pooling"]] == [
        "Intercept by Subject",
        "Days by Subject",
    ]


def test_out_gets_no_link_beside_it(result, tmp_path: Path) -> None:
    write_run(result, tmp_path / "elsewhere" / "x")
    assert not os.path.lexists(tmp_path / "elsewhere" / "latest")


def test_without_a_report_the_rest_is_written() -> None:
    loaded = load_spec(fabric.SPEC, "sleepstudy.yaml", ["outputs.report=false"])
    manifest = write_run(fabric.result(loaded), Path("out"))
    assert set(manifest.files) == FILES - {"report.html"}


def test_writing_twice_gives_the_same_bytes_where_no_clock_is_read(result) -> None:
    first, second = write_run(result, Path("a")), write_run(result, Path("b"))
    same = FILES - {"report.html", "posterior.nc"}
    assert {n: first.files[n] for n in same} == {n: second.files[n] for n in same}


def test_a_failure_half_way_publishes_nothing(result, monkeypatch, tmp_path: Path) -> None:
    target = target_of(result)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_draws", full)
    with pytest.raises(EnvironmentFault, match="No space left on device") as caught:
        write_run(result, target)
    assert caught.value.exit_code == 5
    assert [p.name for p in target.parent.iterdir() if not p.name.endswith(".lock")] == []


def test_a_forced_run_replaces_the_older_one(result) -> None:
    target = target_of(result)
    write_run(result, target, log="first")
    (target / "summary.csv").write_text("damaged")
    with pytest.raises(EnvironmentFault):
        finished(target)
    write_run(result, target, log="second")
    assert (target / "log.txt").read_text() == "second"
    assert finished(target) is not None


def test_a_failed_run_is_written_like_any_other() -> None:
    result = fabric.result(findings=(fabric.BROKEN,))
    manifest = write_run(result, Path("out"))
    assert manifest.failed
    assert read_run(Path("out")).findings[0].status == "fail"


def test_a_folder_of_the_users_own_is_never_replaced(result) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("x")
    with pytest.raises(EnvironmentFault, match="not a run directory"):
        write_run(result, Path("mine"))
    assert Path("mine/thesis.tex").read_text() == "x"


def test_finished_runs_are_read_without_the_slow_libraries(result) -> None:
    write_run(result, Path("out"))
    code = (
        "import sys; from pathlib import Path; from hiermix.artefacts import *\n"
        "stored = read_run(Path('out')); stored.tables, stored.verdict; write_report(stored)\n"
        "slow = {'bambi', 'pymc', 'pytensor', 'arviz', 'matplotlib', 'xarray', 'scipy'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    root = Path(module.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout == "[]\n"
