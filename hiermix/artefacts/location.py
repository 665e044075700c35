"""Where a run goes, and what may not be written to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hiermix.errors import EnvironmentFault, SpecError, Where

OUTPUTS_DIR = Where(key="outputs.dir")

MANIFEST = "manifest.json"


def run_directory(
    out: Path | None, base: Path, name: str, fingerprint: str, inputs: Iterable[Path] = ()
) -> Path:
    """Return the directory that a run is written to; nothing is created.

    Parameters
    ----------
    out
        The directory that ``--out`` names: used as it is.
    base
        ``outputs.dir``, below the current directory.
    name, fingerprint
        Names of the run; the result is ``base/name/fingerprint`` where ``out`` is not given.
    inputs
        Data files of the run.

    Raises
    ------
    SpecError
        If ``base`` is absolute, leaves the current directory or holds the data.
    EnvironmentFault
        If a symlink on the way leaves the current directory, or something that is not a run is
        in the way, or the place cannot be written to.
    """
    if out is None:
        _check_base(base)
        target = base / name / fingerprint
        _check_symlinks(target)
        _check_inputs((base, target), inputs, OUTPUTS_DIR)
    else:
        target = out
        _check_inputs((target,), inputs, Where(key="--out"))
    check_vacant(target)
    return target


def _check_base(base: Path) -> None:
    if base.parts and base.parts[0].startswith("~"):
        raise SpecError(
            "outputs.home",
            f"'~' is not expanded: outputs.dir is {str(base)!r}",
            OUTPUTS_DIR,
            "name a folder below the current one, or use --out",
        )
    if base.is_absolute():
        raise SpecError(
            "outputs.absolute",
            f"outputs.dir is the absolute path {str(base)!r}; an absolute output is only "
            "possible with --out",
            OUTPUTS_DIR,
            "name a folder below the current one, or use --out",
        )
    if ".." in base.parts:
        raise SpecError(
            "outputs.outside",
            f"outputs.dir is {str(base)!r}; it must be below the current directory",
            OUTPUTS_DIR,
            "name a folder without '..', or use --out",
        )


def _check_symlinks(target: Path) -> None:
    here = Path.cwd().resolve()
    for place in (*reversed(target.parents), target):
        if place.is_symlink() and not _resolved(place).is_relative_to(here):
            raise EnvironmentFault(
                "outputs.symlink",
                f"{place} is a symlink that leaves the current directory",
                OUTPUTS_DIR,
                "use --out to write somewhere else",
            )


def _resolved(place: Path) -> Path:
    try:
        return place.resolve(strict=False)
    except (OSError, RuntimeError):
        # A loop leads nowhere, which is outside as well.
        return Path(os.sep)


def _check_inputs(folders: tuple[Path, ...], inputs: Iterable[Path], where: Where) -> None:
    taken = {_resolved(folder) for folder in folders}
    for path in inputs:
        if _resolved(path).parent in taken:
            raise SpecError(
                "outputs.overwrite",
                f"writing to '{folders[0]}' would overwrite input: the data file '{path}' is "
                "in the same folder",
                where,
                "name another folder",
            )


def check_vacant(target: Path) -> None:
    """Raise ``EnvironmentFault`` unless a run can be put at ``target`` without loss.

    Nothing, an empty directory or an older run may be there.
    """
    try:
        in_the_way = os.path.lexists(target) and not is_run(target) and not _is_empty(target)
    except OSError as error:
        raise EnvironmentFault(
            "outputs.unreadable", f"cannot look into '{target}': {error.strerror}"
        ) from error
    if in_the_way:
        raise EnvironmentFault(
            "outputs.occupied",
            f"'{target}' exists and is not a run directory; nothing in it was touched",
            hint="name a folder that does not exist yet",
        )
    existing = next(p for p in (target, *target.absolute().parents) if p.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        raise EnvironmentFault("outputs.permission", f"cannot write to '{existing}'")


def is_run(target: Path) -> bool:
    """Return whether a directory holds a run, sound or not."""
    return target.is_dir() and not target.is_symlink() and (target / MANIFEST).is_file()


def _is_empty(target: Path) -> bool:
    return target.is_dir() and not target.is_symlink() and not any(target.iterdir())
