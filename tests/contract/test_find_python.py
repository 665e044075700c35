"""The interpreter search behind `make`: it runs candidates instead of trusting their names."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "find-python"


def find(tmp_path: Path, path: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(tmp_path), **extra}
    return subprocess.run(["/bin/sh", SCRIPT], env=environment, capture_output=True, text=True)


def program(directory: Path, name: str, text: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{text}\n")
    (directory / name).chmod(0o755)


def test_a_shim_that_exits_127_is_passed_over(tmp_path: Path) -> None:
    shims, good = tmp_path / "shims", tmp_path / "good"
    program(shims, "python3.13", "exit 127")
    program(shims, "python3.12", "exit 127")
    program(good, "python3.14", f'exec "{sys.executable}" "$@"')
    result = find(tmp_path, f"{shims}:{good}")
    assert result.returncode == 0, result.stderr
    assert os.path.samefile(result.stdout.strip(), sys._base_executable)  # type: ignore[attr-defined]


def test_an_interpreter_without_venv_or_of_another_version_is_passed_over(tmp_path: Path) -> None:
    shims, good = tmp_path / "shims", tmp_path / "good"
    program(shims, "python3.13", "echo AssertionError >&2; exit 1")
    program(good, "python3", f'exec "{sys.executable}" "$@"')
    result = find(tmp_path, f"{shims}:{good}")
    assert result.returncode == 0, result.stderr


def test_an_interpreter_that_the_user_names_is_not_replaced_silently(tmp_path: Path) -> None:
    good = tmp_path / "good"
    program(good, "python3.13", f'exec "{sys.executable}" "$@"')
    result = find(tmp_path, str(good), PYTHON="/nowhere/python")
    assert result.returncode == 1
    assert "PYTHON=/nowhere/python" in result.stderr
    assert result.stdout == ""


def test_a_version_manager_s_interpreter_is_found_off_the_path(tmp_path: Path) -> None:
    kept = tmp_path / ".pyenv" / "versions" / "3.13.9" / "bin"
    kept.parent.mkdir(parents=True)
    program(kept, "python", f'exec "{sys.executable}" "$@"')
    bad = tmp_path / "bad"
    for name in ["python3.13", "python3.12", "python3.14", "python3", "python"]:
        program(bad, name, "exit 127")
    result = find(tmp_path, str(bad))
    assert result.returncode == 0, result.stderr


def test_when_there_is_none_the_message_says_what_to_install(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for name in ["python3.13", "python3.12", "python3.14", "python3", "python"]:
        program(bad, name, "exit 127")
    result = find(tmp_path, str(bad), PYENV_ROOT=str(tmp_path / "none"))
    assert result.returncode == 1
    assert result.stdout == ""
    assert "no Python 3.12, 3.13 or 3.14" in result.stderr
    assert "make demo PYTHON=" in result.stderr
