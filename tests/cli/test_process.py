"""The command as a process: exit codes, streams, start-up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hiermix as package

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}

HEAVY = {"numpy", "pandas", "bambi", "pymc", "pytensor", "arviz", "duckdb", "matplotlib", "rich"}

COMMANDS = ("run", "validate", "explain", "init", "schema", "gates", "summary", "report")


def hiermix(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "hiermix", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
        **more,
    )


def imported(*arguments):
    """Return the top-level packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "hiermix", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = (row for row in done.stderr.split("\n") if row.startswith("import time:"))
    return {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}


def test_help_names_every_command():
    done = hiermix("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = hiermix(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: hiermix {command}" in done.stdout


def test_the_version_is_one_line():
    done = hiermix("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("hiermix ")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(arguments):
    assert not imported(*arguments) & (HEAVY | {"yaml"})


@pytest.mark.parametrize("command", ["schema", "gates"])
def test_commands_that_describe_import_nothing_heavy(command):
    assert not imported(command) & HEAVY


@pytest.mark.parametrize(
    ("arguments", "id", "hint"),
    [
        (["rnu"], "usage.arguments", "did you mean 'run'?"),
        (["run"], "usage.missing-argument", "'hiermix run --help' shows what it takes"),
        (["run", "x", "--ste", "y"], "usage.unknown-option", "did you mean '--set'?"),
        (["run", "x", "--format", "xml"], "usage.bad-value", "'hiermix run --help'"),
        (["summary"], "usage.missing-argument", "'hiermix summary --help'"),
        ([], "usage.missing-command", "'hiermix --help' shows what it takes"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_hint(arguments, id, hint):
    done = hiermix(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error[{id}]: ")
    assert hint in done.stderr


def test_wrong_usage_is_json_when_that_was_asked_for():
    done = hiermix("run", "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"][0]["id"] == "usage.missing-argument"


def test_a_missing_spec_names_the_nearest_file(tmp_path):
    (tmp_path / "sleepstudy.yaml").write_text("")
    done = hiermix("run", "sleepstdy.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[spec.not-found]" in done.stderr
    assert "did you mean 'sleepstudy.yaml'?" in done.stderr


def test_a_folder_is_no_spec(tmp_path):
    (tmp_path / "a.yaml").write_text("")
    done = hiermix("explain", tmp_path)
    assert done.returncode == 2
    assert "error[spec.directory]" in done.stderr
    assert "a.yaml" in done.stderr


def test_a_spec_from_standard_input_is_named_in_its_errors():
    done = hiermix("run", "-", input="modle: 1\n")
    assert done.returncode == 2
    assert "--> <stdin>:1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endless_spec_is_refused():
    done = hiermix("run", "/dev/zero")
    assert done.returncode == 2
    assert "error[spec.too-large]: more than 1048576 bytes" in done.stderr


def test_validate_reports_every_spec(tmp_path):
    (tmp_path / "a.yaml").write_text("modle: 1\n")
    done = hiermix("validate", "a.yaml", "b.yaml", "--format", "json", cwd=tmp_path)
    assert done.returncode == 2
    assert [check["exit_code"] for check in json.loads(done.stdout)["specs"]] == [2, 2]


def test_validate_goes_on_after_a_spec_that_its_engine_refuses(tmp_path):
    rows = "".join(f"{i % 2},{i % 3},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "d.csv").write_text("y,x,g\n" + rows)
    text = "data: {path: d.csv}\nmodel: {formula: y ~ x, family: bernoulli}\n"
    (tmp_path / "a.yaml").write_text(text + "fit: {engine: exact, seed: 1}\n")
    (tmp_path / "b.yaml").write_text("modle: 1\n")
    done = hiermix("validate", "a.yaml", "b.yaml", "--format", "json", cwd=tmp_path)
    assert done.returncode == 4
    checks = json.loads(done.stdout)["specs"]
    assert [check["exit_code"] for check in checks] == [4, 2]
    assert checks[0]["errors"][0]["id"] == "engine.refused"
    assert checks[0]["errors"][0]["where"]["line"] == 3
    for command in ("explain", "run"):
        assert hiermix(command, "a.yaml", cwd=tmp_path).returncode == 4
    for command in ("validate", "explain", "run"):
        assert hiermix(command, "a.yaml", "--engine", "magic", cwd=tmp_path).returncode == 2


def test_a_spec_that_cannot_be_read_is_a_fault_of_the_environment(tmp_path):
    done = hiermix("run", "x" * 5000, cwd=tmp_path)
    assert done.returncode == 5
    assert "error[environment.system]" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_a_signal_ends_a_waiting_command(number, code):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "hiermix", "validate", "-"],
        stdin=subprocess.PIPE,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The spec package is the last that is imported before standard input is read.
    for row in process.stderr:
        if row.rstrip().endswith("hiermix.spec"):
            break
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "error[signal." in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "hiermix", "schema"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=ENVIRONMENT,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_a_fault_of_the_environment():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hiermix", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=ENVIRONMENT,
        )
    assert done.returncode == 5
    assert "error[environment.no-space]" in done.stderr


def test_level_means_by_crossed_factors_are_checked_in_a_process_of_its_own(tmp_path):
    rows = "".join(f"{i * 7 % 11},{i * i % 13},g{i % 6},h{i * i // 3 % 5}\n" for i in range(60))
    (tmp_path / "d.csv").write_text("y,x,g,h\n" + rows)
    (tmp_path / "a.yaml").write_text(
        "data: {path: d.csv}\nmodel: {formula: y ~ x + (1 | g) + (1 | h)}\n"
        "cre: [{group: g}, {group: h}]\nfit: {seed: 1}\n"
    )
    done = hiermix("validate", "a.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
