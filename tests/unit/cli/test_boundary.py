import errno
import io
import json

import pytest

from hiermix.cli.boundary import format_in, guarded
from hiermix.cli.signals import Signalled
from hiermix.cli.terminal import Terminal
from hiermix.errors import EngineError, HiermixError, Interrupted, SpecError


@pytest.fixture
def terminal():
    return Terminal(io.StringIO(), io.StringIO(), {})


def raising(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "id"),
    [
        (SpecError("spec.x", "m"), 2, "spec.x"),
        (EngineError("engine.x", "m"), 4, "engine.x"),
        (MemoryError(), 5, "environment.memory"),
        (OSError(errno.ENOSPC, "No space left on device", "f"), 5, "environment.no-space"),
        (PermissionError(errno.EACCES, "Permission denied", "f"), 5, "environment.permission"),
        (OSError(errno.EIO, "Input/output error"), 5, "environment.system"),
        (OSError("no number"), 5, "environment.system"),
        (Interrupted("signal.x", "m", signal_number=15), 143, "signal.x"),
        (Signalled(2), 130, "signal.interrupted"),
        (Signalled(15), 143, "signal.terminated"),
        (KeyboardInterrupt(), 130, "signal.interrupted"),
    ],
)
def test_every_exception_has_its_exit_code_and_id(terminal, error, code, id):
    assert guarded(raising(error), terminal) == code
    assert f"error[{id}]" in terminal.err.getvalue()
    assert terminal.out.getvalue() == ""


@pytest.mark.parametrize(
    "error", [ValueError("secret"), RecursionError(), HiermixError("internal.x", "secret")]
)
def test_a_defect_is_one_line_with_the_path_of_a_log(terminal, error, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    terminal.log.write("said by a library\n")
    assert guarded(raising(error), terminal) == 1
    shown = terminal.err.getvalue()
    assert shown.count("\n") == 1
    (log,) = (tmp_path / "hiermix").iterdir()
    assert str(log) in shown
    assert "Traceback" in log.read_text()
    assert "said by a library" in log.read_text()
    assert "Traceback" not in shown


def test_a_defect_is_told_also_where_no_log_can_be_written(terminal, tmp_path, monkeypatch):
    (tmp_path / "hiermix").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert guarded(raising(ValueError()), terminal) == 1
    assert "no log could be written" in terminal.err.getvalue()


def test_debugging_shows_the_traceback(terminal, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HIERMIX_DEBUG", "1")
    guarded(raising(ValueError("details")), terminal)
    assert "Traceback" in terminal.err.getvalue()


def test_an_error_is_json_on_stdout_when_that_was_asked_for(terminal):
    terminal.format = "json"
    assert guarded(raising(SpecError("spec.x", "m")), terminal) == 2
    assert json.loads(terminal.out.getvalue())["errors"][0]["id"] == "spec.x"
    assert "error[spec.x]" in terminal.err.getvalue()


def test_a_defect_is_json_too(terminal, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    terminal.format = "json"
    assert guarded(raising(ValueError()), terminal) == 1
    document = json.loads(terminal.out.getvalue())
    assert (document["exit_code"], document["errors"][0]["id"]) == (1, "internal.defect")


def test_a_result_passes_through(terminal):
    assert guarded(lambda: 3, terminal) == 3


def test_a_reader_that_left_is_no_error(terminal):
    assert guarded(raising(BrokenPipeError()), terminal) == 0


@pytest.mark.parametrize(
    ("arguments", "format"),
    [
        ([], "text"),
        (["run", "--format", "json"], "json"),
        (["run", "--format=junit", "x"], "junit"),
        (["run", "--format"], "text"),
    ],
)
def test_the_format_is_known_before_arguments_are_parsed(arguments, format):
    assert format_in(arguments) == format
