"""Where data come from: which files, and whether they may be read."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hiermix.errors import DataError, Where

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".duckdb": "duckdb",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
SUPPORTED = "csv, tsv, parquet, arrow or feather, json lines, .duckdb, .sqlite"
COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz"})
MAGIC = "*?["


@dataclass(frozen=True)
class Source:
    """What the spec says about its data.

    ``path`` is a file or a glob; ``types`` maps columns to ``category``, ``text``, ``numeric``,
    ``integer`` or ``boolean``; ``na_values`` are texts that mean "missing" besides the empty
    cell, ``None`` for the defaults.
    """

    path: str
    query: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Literal["error", "drop"] = "error"
    na_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Files:
    """Existing regular files of one format, in the order in which they are read."""

    paths: tuple[Path, ...]
    format: str


def path_error(id: str, message: str, hint: str = "") -> DataError:
    """Return an error that points at ``data.path``."""
    return DataError(id, message, Where(key="data.path"), hint)


def find_files(path: str, root: Path, data_root: Path | None) -> Files:
    """Resolve a path or a glob to files.

    Parameters
    ----------
    path
        As in the spec; relative paths start from ``root``.
    root
        Directory of the spec.
    data_root
        If given, files outside it, after following symbolic links, are refused.

    Raises
    ------
    DataError
        Nothing there, not a regular file, outside ``data_root`` or of an unknown format.
    """
    if "://" in path:
        raise path_error(
            "data.url", "data.path: URLs are not allowed", "download the file, or use a local copy"
        )
    # A glob is only looked for inside the allowed directory: it must not tell what exists outside.
    _check_inside(Path(_fixed_part(path)), root, data_root)
    if any(character in path for character in MAGIC) and not (root / path).exists():
        found = sorted(glob.glob(path, root_dir=root))
        if not found:
            raise path_error("data.no-files", f"no file matches {path}", f"looked in {root}")
        paths = tuple(root / name for name in found)
    else:
        paths = (root / path,)
    for file in paths:
        _check_inside(file, root, data_root)
        _check_regular(file)
    formats = {_format(file) for file in paths}
    if len(formats) > 1:
        raise path_error(
            "data.mixed-formats",
            f"{path} matches files of several formats: {', '.join(sorted(formats))}",
            "use a glob that matches one format",
        )
    (format,) = formats
    if format in ("duckdb", "sqlite") and len(paths) > 1:
        raise path_error("data.several-databases", f"{path} matches {len(paths)} databases")
    return Files(paths, format)


def _fixed_part(path: str) -> str:
    parts = []
    for part in Path(path).parts:
        if any(character in part for character in MAGIC):
            break
        parts.append(part)
    return str(Path(*parts)) if parts else "."


def _check_inside(path: Path, root: Path, data_root: Path | None) -> None:
    if data_root is None:
        return
    allowed = data_root.resolve()
    try:
        real = (root / path).resolve()
    except (OSError, RuntimeError):
        return  # a loop of links: told by the check of the file itself
    if not real.is_relative_to(allowed):
        raise path_error(
            "data.outside-root",
            "data.path leaves the allowed data directory",
            "only files below --data-root can be read",
        )


def _check_regular(path: Path) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.*"))[:5])
        raise path_error(
            "data.not-found",
            f"no file {path}",
            f"files there: {near}" if near else "paths are relative to the spec",
        ) from None
    except OSError as error:
        words = error.strerror
        if error.errno == errno.ELOOP:
            words = "too many levels of symbolic links"
        raise path_error("data.unreadable", f"{path}: {words}") from None
    if stat.S_ISDIR(mode):
        raise path_error(
            "data.directory", f"{path} is a directory", f"name a file, or a glob: {path.name}/*.csv"
        )
    if not stat.S_ISREG(mode):
        raise path_error("data.not-regular", f"{path} is not a regular file")
    if not os.access(path, os.R_OK):
        raise path_error("data.unreadable", f"{path}: permission denied")


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return FORMATS[suffix]
    if suffix in COMPRESSED:
        raise path_error(
            "data.compressed",
            f"{path.name}: {suffix[1:]} not supported",
            "decompress the file first; parquet is small and fast",
        )
    raise path_error(
        "data.unknown-format",
        f"{path.name}: format not known; supported: {SUPPORTED}",
        "the format is told by the file name's ending",
    )
