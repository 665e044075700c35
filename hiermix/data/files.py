"""Spec paths to regular files of one known kind."""

from __future__ import annotations

import difflib
import errno
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hiermix.data.words import PATH
from hiermix.errors import DataError, EnvironmentFault

Format = Literal["csv", "tsv", "parquet", "arrow", "json", "duckdb", "sqlite"]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".duckdb": "duckdb",
    ".db": "duckdb",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz"})
SUPPORTED = "csv, tsv, parquet, arrow, feather, json lines, duckdb and sqlite files are read"

SQLITE_MAGIC = b"SQLite format 3\0"
DUCKDB_MAGIC = b"DUCK"
"""At byte 8 of the file."""

MOST_FILES = 10_000
"""Files that one glob may stand for."""

GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class DataFiles:
    """Files of one kind.

    ``paths`` are free of symbolic links; ``names`` are what messages call the files.
    """

    format: Format
    paths: tuple[Path, ...]
    names: tuple[str, ...]


def find_files(path: str | Sequence[str], root: Path, data_root: Path | None) -> DataFiles:
    """Resolve the path of a source.

    Parameters
    ----------
    path
        File, glob, or several of them, relative to ``root`` or absolute.
    root
        Directory that relative paths start from.
    data_root
        If given, every file must lie below it once symbolic links are followed.

    Raises
    ------
    DataError
        There is no such regular file, its kind is not supported, it lies outside ``data_root``,
        or the kinds differ.
    EnvironmentFault
        A file may not be read.
    """
    texts = (path,) if isinstance(path, str) else tuple(path)
    found = [item for text in texts for item in _expand(text, root, data_root)]
    if not found:
        raise DataError("data.not-found", "data.path names no file", PATH)
    paths = tuple(_checked(item, data_root) for item in found)
    formats = sorted({_format(given, real) for given, real in zip(found, paths, strict=True)})
    if len(formats) > 1:
        raise DataError(
            "data.mixed-formats",
            f"data.path names files of different kinds: {', '.join(formats)}",
            PATH,
            "one source is files of one kind, with the same columns",
        )
    names = tuple(item.name for item in found)
    if formats[0] in ("duckdb", "sqlite") and len(paths) > 1:
        raise DataError("data.several-databases", "data.path names several databases", PATH)
    return DataFiles(formats[0], paths, names)


def _expand(text: str, root: Path, data_root: Path | None) -> Iterator[Path]:
    _refuse_other_than_paths(text)
    given = root / text
    if not GLOB.search(text) or os.path.lexists(given):
        yield given
        return
    if "**" in text:
        raise DataError(
            "data.recursive-glob", "data.path: '**' not supported", PATH, "use '*' for each folder"
        )
    _refuse_outside(Path(*_until_glob(given)), data_root)
    matches = sorted(glob.glob(os.fspath(given)))
    if not matches:
        raise DataError("data.not-found", f"no file matches {text!r}", PATH)
    if len(matches) > MOST_FILES:
        raise DataError(
            "data.too-many-files",
            f"{text!r} matches {len(matches)} files; limit {MOST_FILES}",
            PATH,
        )
    yield from map(Path, matches)


def _until_glob(path: Path) -> Iterator[str]:
    for part in path.parts:
        if GLOB.search(part):
            return
        yield part


def _refuse_other_than_paths(text: str) -> None:
    if "://" in text:
        raise DataError(
            "data.url",
            "data.path: URLs not allowed; value redacted",
            PATH,
            "save the data as a file first",
        )
    if not text or "\0" in text:
        raise DataError("data.not-found", "data.path: not a file name", PATH)


def _refuse_outside(path: Path, data_root: Path | None) -> None:
    # Before anything is asked of the path: a message must not tell what exists out there.
    if data_root is None:
        return
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(data_root)):
        raise DataError(
            "data.outside-root",
            "data.path leaves the data root",
            PATH,
            f"with --data-root, files must lie below {os.fspath(data_root)!r}, links followed",
        )


def _checked(given: Path, data_root: Path | None) -> Path:
    _refuse_outside(given, data_root)
    try:
        real = Path(os.path.realpath(given, strict=True))
        mode = real.stat().st_mode
    except OSError as error:
        raise _cannot_open(given, error) from error
    if stat.S_ISDIR(mode):
        raise DataError(
            "data.directory",
            f"{given.name} is a directory",
            PATH,
            "name a file in it, or all with a glob such as '*.csv'",
        )
    if not stat.S_ISREG(mode):
        raise DataError("data.not-regular", f"{given.name} is not a regular file", PATH)
    if not os.access(real, os.R_OK):
        raise _unreadable(given)
    return real


def _cannot_open(given: Path, error: OSError) -> DataError | EnvironmentFault:
    if error.errno == errno.ELOOP:
        return DataError("data.link-loop", f"{given.name}: too many levels of symbolic links", PATH)
    if error.errno == errno.EACCES:
        return _unreadable(given)
    try:
        names = sorted(item.name for item in given.parent.iterdir())
    except OSError:
        names = []
    close = difflib.get_close_matches(given.name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "paths are relative to the spec's folder"
    if re.search(r"\$|/~|^~", os.fspath(given)):
        hint = "'$' and '~' are literal: nothing is interpolated"
    return DataError("data.not-found", f"{given.name}: no such file", PATH, hint)


def _unreadable(given: Path) -> EnvironmentFault:
    return EnvironmentFault("environment.data-permission", f"{given.name}: permission denied", PATH)


def _format(given: Path, real: Path) -> Format:
    suffix = given.suffix.lower()
    known = SUFFIXES.get(suffix)
    if known in ("duckdb", "sqlite"):
        return _database(given, real)
    if known is not None:
        return known
    if suffix in COMPRESSED:
        message, hint = f"{suffix[1:]} not supported", "decompress it first"
    elif suffix in (".pkl", ".pickle"):
        message, hint = f"{suffix[1:]} not supported: reading it runs code", SUPPORTED
    else:
        message, hint = f"{suffix[1:] or 'a file without suffix'} not supported", SUPPORTED
    raise DataError("data.format", f"{given.name}: {message}", PATH, hint)


def _database(given: Path, real: Path) -> Format:
    # Both kinds are called .db: the file itself says what it is.
    with real.open("rb") as file:
        start = file.read(16)
    if start == SQLITE_MAGIC:
        return "sqlite"
    if start[8:12] == DUCKDB_MAGIC:
        return "duckdb"
    raise DataError(
        "data.format", f"{given.name}: neither a DuckDB nor an SQLite database", PATH, SUPPORTED
    )
