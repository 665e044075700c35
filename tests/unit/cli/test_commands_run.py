"""The command around the stages; the stages themselves are stood in for."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hiermix import artefacts, pipeline
from hiermix.cli.boundary import execute
from hiermix.cli.signals import Signalled
from hiermix.errors import EngineError
from hiermix.gates import Finding, Verdict

SPEC = 'name: demo\ndata: {path: in/d.csv}\nmodel: {formula: "y ~ x + (1 | g)"}\nfit: {seed: 1}\n'

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(pipeline.__file__).parents[1])}

MARK = "abcdef012345"


def verdict(status):
    finding = Finding("rhat", "sampler", status, "rhat", 1.0, 1.005, 1.01, "x", "told", "do this")
    return Verdict("publish", (finding,))


class Stages:
    """Stands in for preparing, fitting and writing; remembers what was asked of it."""

    def __init__(self, folder, stored_run):
        self.folder, self.stored_run = folder, stored_run
        self.fits = 0
        self.asked = {}
        self.verdict = verdict("pass")
        self.error = None

    def prepare(self, loaded, root, listener, **options):
        self.asked = {"root": root, **options}
        self.spec = loaded.spec
        listener.stage("data")
        print("a library prints while it reads")
        plan = SimpleNamespace(notes=("fitted as independent",))
        return SimpleNamespace(loaded=loaded, plan=plan, warnings=("odd label \x1b[31m",))

    def fit(self, prepared, listener, chain_store):
        self.fits += 1
        chain_store.mkdir(parents=True)
        sys.stderr.write("a library complains\n")
        if self.error is not None:
            raise self.error
        return SimpleNamespace(verdict=self.verdict)

    def write_run(self, result, target, *, started_at, log):
        self.log = log
        shutil.copytree(self.stored_run, target)
        artefacts.judgement.write_verdict(target, self.verdict)
        manifest = artefacts.manifest.read_manifest(target)
        files = artefacts.manifest.file_entries(target)
        manifest = replace(manifest, verdict=self.verdict.status, files=files)
        (target / "manifest.json").write_text(manifest.to_json())
        return manifest


@pytest.fixture
def stages(tmp_path, stored_run, monkeypatch):
    stages = Stages(tmp_path, stored_run)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.setattr(pipeline, "prepare", stages.prepare)
    monkeypatch.setattr(pipeline, "fit", stages.fit)
    monkeypatch.setattr(artefacts, "write_run", stages.write_run)
    monkeypatch.setattr(artefacts, "fingerprint", lambda prepared: MARK)
    return stages


@pytest.fixture
def command(capsys):
    """Return a function that runs a command and returns exit code, stdout and stderr."""

    def run(*arguments):
        code = execute([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run


def test_stdout_is_the_run_directory_and_nothing_else(command, stages):
    code, out, err = command("run", "spec.yaml")
    assert (code, out) == (0, f"runs/demo/{MARK}\n")
    assert "library" not in err
    assert "verdict: pass" in err
    assert "note: fitted as independent" in err
    assert "warning: odd label \\x1b[31m" in err
    assert "a library prints" in stages.log
    assert "a library complains" in stages.log


def test_verbose_shows_the_libraries_on_stderr(command, stages):
    _, out, err = command("run", "spec.yaml", "-v")
    assert out == f"runs/demo/{MARK}\n"
    assert "a library prints" in err


def test_quiet_leaves_stderr_empty_when_all_is_well(command, stages):
    assert command("run", "spec.yaml", "-q") == (0, f"runs/demo/{MARK}\n", "")


def test_a_failed_gate_is_exit_3_and_the_directory_is_printed(command, stages):
    stages.verdict = verdict("fail")
    code, out, err = command("run", "spec.yaml", "--quiet")
    assert (code, out) == (3, f"runs/demo/{MARK}\n")
    assert "fail: rhat: told" in err


@pytest.mark.parametrize(("status", "code"), [("pass", 0), ("fail", 3)])
def test_the_same_run_again_fits_nothing_and_has_the_same_exit_code(command, stages, status, code):
    stages.verdict = verdict(status)
    first, second = command("run", "spec.yaml"), command("run", "spec.yaml")
    assert stages.fits == 1
    assert first[:2] == second[:2] == (code, f"runs/demo/{MARK}\n")
    assert "nothing was fitted" in second[2]


def test_force_fits_again(command, stages):
    command("run", "spec.yaml")
    shutil.rmtree(stages.folder / "runs" / "demo" / MARK)
    command("run", "spec.yaml", "--force")
    assert stages.fits == 2


def test_finished_chains_are_kept_until_the_run_is_complete(command, stages):
    chains = stages.folder / "runs" / "demo" / f".{MARK}.chains"
    stages.error = EngineError("engine.crashed", "no draws")
    assert command("run", "spec.yaml")[0] == 4
    assert chains.is_dir()
    chains.rmdir()
    stages.error = None
    assert command("run", "spec.yaml")[0] == 0
    assert not chains.exists()


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_a_signal_while_fitting_publishes_nothing(command, stages, number, code):
    stages.error = Signalled(number)
    assert command("run", "spec.yaml")[:2] == (code, "")
    assert not (stages.folder / "runs" / "demo" / MARK).exists()


def test_a_damaged_run_is_told_and_not_fitted_over(command, stages):
    command("run", "spec.yaml")
    (stages.folder / "runs" / "demo" / MARK / "summary.csv").write_text("parameter\n")
    code, out, err = command("run", "spec.yaml")
    assert (code, out) == (5, "")
    assert "--force" in err


def test_json_has_directory_verdict_and_notes(command, stages):
    code, out, _ = command("run", "spec.yaml", "--format", "json")
    document = json.loads(out)
    assert code == document["exit_code"] == 0
    assert document["run"] == f"runs/demo/{MARK}"
    assert document["notes"] == ["fitted as independent"]
    assert document["reused"] is False


def test_out_is_exactly_the_run_directory(command, stages, tmp_path):
    code, out, _ = command("run", "spec.yaml", "--out", tmp_path / "here")
    assert (code, out) == (0, f"{tmp_path / 'here'}\n")


def test_options_reach_the_stages(command, stages):
    arguments = ["--engine", "nuts", "--policy", "strict", "--data-root", "/data"]
    command("run", "spec.yaml", *arguments)
    asked = {name: str(value) for name, value in stages.asked.items()}
    assert asked == {"root": ".", "data_root": "/data"}
    # As spec keys: a run by another policy is another run, and the resolved spec tells it.
    assert (stages.spec.fit.engine, stages.spec.gates.policy) == ("nuts", "strict")


def test_the_data_root_can_come_from_the_environment(command, stages, monkeypatch):
    monkeypatch.setenv("HIERMIX_DATA_ROOT", "/data")
    command("run", "spec.yaml")
    assert str(stages.asked["data_root"]) == "/data"


def test_an_unknown_policy_is_refused_before_the_spec_is_read(command, stages):
    code, _, err = command("run", "missing.yaml", "--policy", "publsh")
    assert code == 2
    assert "error[usage.policy]" in err


def test_an_output_among_the_data_is_refused_with_its_place_in_the_spec(command, stages):
    (stages.folder / "spec.yaml").write_text(SPEC + "outputs: {dir: in}\n")
    code, _, err = command("run", "spec.yaml")
    assert code == 2
    assert "--> spec.yaml:5:" in err
    assert stages.fits == 0


def test_two_processes_do_not_fit_the_same_run(command, stages):
    script = (
        "import sys, time; from pathlib import Path; from hiermix.artefacts import locked\n"
        f"with locked(Path('runs/demo/{MARK}')): print('ready', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=stages.folder, env=ENVIRONMENT
    )
    other.stdout.readline()
    try:
        code, _, err = command("run", "spec.yaml")
    finally:
        other.kill()
        other.communicate()
    assert code == 5
    assert "error[run.locked]" in err
    assert stages.fits == 0
