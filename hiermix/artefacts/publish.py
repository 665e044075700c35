"""Put a directory in place as a whole: built beside it, renamed when complete."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hiermix.artefacts.location import is_run
from hiermix.errors import EnvironmentFault

LATEST = "latest"

OWN = frozenset(
    {
        "manifest.json",
        "spec.yaml",
        "spec.resolved.yaml",
        "design.json",
        "summary.csv",
        "group_effects.csv",
        "group_effects.parquet",
        "variance.csv",
        "measurements.csv",
        "gates.json",
        "gates.csv",
        "attempts.jsonl",
        "posterior.nc",
        "report.html",
        "plots",
        "log.txt",
    }
)
"""Entries of a run directory that hiermix writes; everything else in one is the user's."""


@contextmanager
def faults(target: Path) -> Iterator[None]:
    """Turn errors of the operating system into ``EnvironmentFault``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentFault("run.write", f"cannot write the run '{target}': {reason}") from error


def check_replaceable(folder: Path, own: AbstractSet[str], mark: str) -> None:
    """Raise ``EnvironmentFault`` unless files can be put into a folder without loss.

    Nothing, an empty folder, or one that holds only ``own`` files, ``mark`` among them, may be
    there.
    """
    with faults(folder):
        if not os.path.lexists(folder):
            return
        entries = set(os.listdir(folder)) if folder.is_dir() else {str(folder)}
    if entries and not (entries <= own and mark in entries):
        raise EnvironmentFault(
            "outputs.occupied",
            f"'{folder}' exists and holds something else; nothing in it was touched",
            hint="name a folder that does not exist yet",
        )


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of a run directory; a process may take it again while it holds it.

    Raises
    ------
    EnvironmentFault
        If another process holds it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.parent / f".{target.name}.lock", timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise EnvironmentFault(
            "run.locked",
            f"another hiermix process is working on '{target}'",
            hint="wait for it, or choose another directory with --out",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty temporary directory that takes the place of ``target`` on success.

    On any exception, signals included, the temporary directory is removed and ``target`` is as
    before. Files of the user's own in an older run at ``target`` are kept. What a process that
    was killed has left behind is cleared first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _recover(target)
    folder = _beside(target, "tmp")
    try:
        folder.mkdir()
        yield folder
        _keep_foreign_files(target, folder)
        _sync_tree(folder)
        _swap(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def point_latest(target: Path) -> None:
    """Let the symlink ``latest`` beside ``target`` point to it, in one step.

    Something else of that name is left alone.
    """
    link = target.parent / LATEST
    if os.path.lexists(link) and not link.is_symlink():
        return
    fresh = target.parent / f".{LATEST}.tmp-{os.getpid()}"
    with suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(target.name, target_is_directory=True)
    fresh.replace(link)


def replace_text(path: Path, text: str) -> None:
    """Write a text file, so that readers see the old or the new one and nothing between."""
    fresh = path.parent / f".{path.name}.tmp-{os.getpid()}"
    try:
        fresh.write_bytes(text.encode("utf-8"))
        _sync(fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _beside(target: Path, kind: str) -> Path:
    return target.parent / f".{target.name}.{kind}-{os.getpid()}"


def _swap(folder: Path, target: Path) -> None:
    if not os.path.lexists(target):
        folder.rename(target)
        _sync(target.parent)
        return
    aside = _beside(target, "old")
    target.rename(aside)
    try:
        folder.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _recover(target: Path) -> None:
    for path, kind in _left_behind(target):
        if kind == "old" and is_run(path) and not os.path.lexists(target):
            path.rename(target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _left_behind(target: Path) -> list[tuple[Path, str]]:
    """Return temporary directories of dead processes, the newest old run first."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.(tmp|old)-(\d{{1,10}})")
    found = []
    for path in target.parent.iterdir():
        match = pattern.fullmatch(path.name)
        if match and not _is_alive(int(match[2])):
            found.append((path, match[1]))
    return sorted(found, key=lambda pair: -pair[0].stat().st_mtime)


def _is_alive(pid: int) -> bool:
    # The lock is ours, so a directory with our own number is from an older process.
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _keep_foreign_files(target: Path, folder: Path) -> None:
    if not is_run(target):
        return
    for entry in target.iterdir():
        if entry.name in OWN or (folder / entry.name).exists():
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, folder / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, folder / entry.name, follow_symlinks=False)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
