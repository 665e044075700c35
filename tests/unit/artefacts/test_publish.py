"""A directory appears as a whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hiermix.artefacts.publish import faults, locked, point_latest, replace_text, staged
from hiermix.errors import EnvironmentFault


def a_run(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in {"manifest": "{}", **files}.items():
        (path / f"{name}.json").write_text(text)
    return path


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_target_appears_when_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "m" / "0a1b"
    with staged(target) as folder:
        (folder / "x.txt").write_text("x")
        assert folder.parent == target.parent
        assert not target.exists()
    assert (target / "x.txt").read_text() == "x"
    assert names(target.parent) == {"0a1b"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "0a1b"
    with pytest.raises(error), staged(target) as folder:
        (folder / "x.txt").write_text("x")
        raise error
    assert names(tmp_path) == set()


def test_a_failure_leaves_an_older_run_as_it_was(tmp_path: Path) -> None:
    target = a_run(tmp_path / "0a1b", summary="old")
    with pytest.raises(ValueError, match="x"), staged(target):
        raise ValueError("x")
    assert (target / "summary.json").read_text() == "old"
    assert names(tmp_path) == {"0a1b"}


def test_a_failed_rename_brings_the_older_run_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = a_run(tmp_path / "0a1b", summary="old")
    rename = Path.rename

    def fails_once_in_place(self: Path, to: Path) -> Path:
        if ".tmp-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fails_once_in_place)
    with pytest.raises(EnvironmentFault, match="No space left"), faults(target), staged(target):
        pass
    assert (target / "summary.json").read_text() == "old"
    assert names(tmp_path) == {"0a1b"}


def test_an_older_run_is_replaced_but_for_files_of_the_users_own(tmp_path: Path) -> None:
    target = a_run(tmp_path / "0a1b")
    (target / "report.html").write_text("old")
    (target / "notes.md").write_text("mine")
    (target / "more").mkdir()
    (target / "more" / "a.txt").write_text("mine too")
    with staged(target) as folder:
        (folder / "manifest.json").write_text("new")
    assert names(target) == {"manifest.json", "notes.md", "more"}
    assert (target / "manifest.json").read_text() == "new"
    assert (target / "more" / "a.txt").read_text() == "mine too"
    assert names(tmp_path) == {"0a1b"}


def test_what_a_killed_process_left_is_cleared_and_a_living_ones_is_not(tmp_path: Path) -> None:
    stale = tmp_path / f".0a1b.tmp-{dead_pid()}"
    living = tmp_path / f".0a1b.tmp-{os.getppid()}"
    other = tmp_path / f".ffff.tmp-{dead_pid()}"
    for folder in (stale, living, other):
        folder.mkdir()
    with staged(tmp_path / "0a1b"):
        pass
    assert names(tmp_path) == {"0a1b", living.name, other.name}


def test_a_run_put_aside_by_a_killed_process_is_brought_back(tmp_path: Path) -> None:
    a_run(tmp_path / f".0a1b.old-{dead_pid()}", summary="old")
    target = tmp_path / "0a1b"
    with pytest.raises(ValueError, match="x"), staged(target):
        raise ValueError("x")
    assert (target / "summary.json").read_text() == "old"


def test_latest_is_a_relative_link_that_moves(tmp_path: Path) -> None:
    first, second = a_run(tmp_path / "m" / "a"), a_run(tmp_path / "m" / "b")
    point_latest(first)
    assert os.readlink(tmp_path / "m" / "latest") == "a"
    point_latest(second)
    assert os.readlink(tmp_path / "m" / "latest") == "b"
    assert names(tmp_path / "m") == {"a", "b", "latest"}


def test_something_else_called_latest_is_left_alone(tmp_path: Path) -> None:
    target = a_run(tmp_path / "a")
    (tmp_path / "latest").mkdir()
    point_latest(target)
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()


def test_two_processes_do_not_write_the_same_run(tmp_path: Path) -> None:
    target = tmp_path / "0a1b"
    code = (
        "import sys; from pathlib import Path; from hiermix.artefacts.publish import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(target)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentFault, match="another hiermix process"), locked(target):
            pass
        child.communicate("")
    with locked(target), locked(target):
        pass


def test_replacing_a_text_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    replace_text(path, "old")
    replace_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert names(tmp_path) == {"x.html"}
