"""``manifest.json``: what a run was made of, and the hashes of its files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hiermix.artefacts.location import MANIFEST
from hiermix.errors import EnvironmentFault

MANIFEST_VERSION = 1

HASHED_UP_TO = 4 * 2**20
"""Bytes up to which ``finished`` compares hashes; of larger files it compares the size."""


@dataclass(frozen=True)
class Manifest:
    """The facts of a finished run.

    Attributes
    ----------
    path
        The run directory; not written.
    name, fingerprint, verdict, policy
        Names of the run, and ``pass``, ``warn`` or ``fail`` under which policy.
    started_at, finished_at
        ISO 8601, UTC.
    spec, data, model, fit
        Plain JSON values; see ``describe.py``.
    seconds
        Wall time by stage.
    peak_memory_bytes
        Largest resident set of the process.
    versions, python, platform
        What it ran on.
    files
        Path below the run directory -> ``{"sha256": ..., "bytes": ...}``.
    """

    path: Path
    name: str
    fingerprint: str
    verdict: str
    policy: str
    started_at: str
    finished_at: str
    spec: Mapping[str, Any]
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    fit: Mapping[str, Any]
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    versions: Mapping[str, str]
    python: str
    platform: str
    files: Mapping[str, Mapping[str, Any]]

    @property
    def failed(self) -> bool:
        """Whether a gate failed (exit code 3)."""
        return self.verdict == "fail"

    def to_json(self) -> str:
        """Return the text of ``manifest.json``; a number that is not finite is ``null``."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "path"}
        return json_text({"manifest_version": MANIFEST_VERSION, **values})


def json_text(value: Any) -> str:
    """Return strict JSON: readable, UTF-8, numbers that are not finite as ``null``."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value - value == 0 else None
    return str(value)


def finished(directory: Path) -> Manifest | None:
    """Return the manifest of a finished run, ``None`` where there is none.

    Every file must be there with its recorded size; the hashes of files up to ``HASHED_UP_TO``
    bytes are compared too.

    Raises
    ------
    EnvironmentFault
        If the run is damaged.
    """
    path = directory / MANIFEST
    if not path.is_file():
        return None
    manifest = read_manifest(directory)
    for name, entry in manifest.files.items():
        _check_file(directory, name, entry)
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """Read ``manifest.json`` without looking at the other files.

    Raises
    ------
    EnvironmentFault
        If it is missing, unreadable, or not a manifest of this kind.
    """
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_found(directory) from error
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(directory, f"{MANIFEST} cannot be read: {error}") from error
    return _of_json(directory, content)


def _not_found(directory: Path) -> EnvironmentFault:
    if directory.is_dir():
        why = f"it has no {MANIFEST}"
    else:
        why = "it is a file" if directory.exists() else "there is no such folder"
    latest = directory / "latest"
    if (latest / MANIFEST).is_file():
        hint = f"did you mean '{latest}'?"
    else:
        hint = "a run directory is what 'hiermix run SPEC' prints: runs/NAME/FINGERPRINT"
    return EnvironmentFault(
        "run.not-found", f"'{directory}' is not a run directory: {why}", hint=hint
    )


def _of_json(directory: Path, content: Any) -> Manifest:
    if not isinstance(content, dict) or content.get("manifest_version") != MANIFEST_VERSION:
        raise damaged(directory, f"{MANIFEST} is not of version {MANIFEST_VERSION}")
    names = [f.name for f in fields(Manifest) if f.name != "path"]
    texts = ("name", "fingerprint", "verdict", "policy", "started_at", "finished_at")
    sections = ("spec", "data", "model", "fit", "seconds", "versions", "files")
    for name in names:
        wrong = (
            name not in content
            or (name in texts and not isinstance(content[name], str))
            or (name in sections and not isinstance(content[name], dict))
        )
        if wrong:
            raise damaged(directory, f"{MANIFEST} has no valid '{name}'")
    return Manifest(path=directory, **{name: content[name] for name in names})


def _check_file(directory: Path, name: str, entry: Any) -> None:
    path = directory / name
    if not _is_inside(name):
        raise damaged(directory, f"{MANIFEST} lists '{name}', which is not in the run")
    try:
        size = path.stat().st_size
        same = size == entry["bytes"]
        if same and size <= HASHED_UP_TO:
            same = sha256_of(path) == entry["sha256"]
    except FileNotFoundError as error:
        raise damaged(directory, f"'{name}' is missing") from error
    except (OSError, KeyError, TypeError) as error:
        raise damaged(directory, f"'{name}' cannot be checked") from error
    if not same:
        raise damaged(directory, f"'{name}' does not match its hash")


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and os.sep.join(path.parts) == name


def check_hashes(manifest: Manifest, names: Iterable[str]) -> None:
    """Raise ``EnvironmentFault`` unless some files of a run are there and what was written.

    Opening a run compares only the sizes of large files.
    """
    for name in names:
        if name not in manifest.files:
            raise damaged(manifest.path, f"'{name}' is missing")
        if sha256_of(manifest.path / name) != manifest.files[name]["sha256"]:
            raise damaged(manifest.path, f"'{name}' does not match its hash")


def damaged(directory: Path, what: str) -> EnvironmentFault:
    """Return the error for a run that is not what was written."""
    return EnvironmentFault(
        "run.damaged",
        f"the run '{directory}' is damaged: {what}",
        hint="fit it again with 'hiermix run --force', or name another run",
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_entries(directory: Path, skip: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return size and hash of every file below a directory, by relative path, sorted."""
    left_out = {MANIFEST, *skip}
    paths = sorted(p for p in directory.rglob("*") if p.is_file())
    return {
        name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in paths
        if (name := path.relative_to(directory).as_posix()) not in left_out
    }
