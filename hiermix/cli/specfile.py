"""Take a spec from a file or from standard input."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.errors import SpecError, Where

if TYPE_CHECKING:
    from hiermix.cli.progress import Display
    from hiermix.pipeline import Prepared
    from hiermix.spec import LoadedSpec

STDIN = "-"


def open_spec(argument: str, overrides: list[str]) -> tuple[LoadedSpec, Path]:
    """Return a spec and the folder that its data paths start from.

    Parameters
    ----------
    argument
        Path of the spec, or ``-`` for standard input, whose paths start from the current folder.
    overrides
        ``key.path=value`` texts of ``--set``.

    Raises
    ------
    InputError
        If there is no such file or the spec is wrong.
    OSError
        If the file cannot be read.
    """
    from hiermix.spec import load_spec
    from hiermix.spec.characters import MAX_BYTES

    # One byte more than allowed: enough to be refused, and an endless source ends.
    limit = MAX_BYTES + 1
    if argument == STDIN:
        text = b"" if sys.stdin is None else sys.stdin.buffer.read(limit)
        return load_spec(text, "<stdin>", overrides), Path.cwd()
    path = Path(argument)
    try:
        with path.open("rb") as file:
            text = file.read(limit)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_found(argument) from error
    except IsADirectoryError as error:
        raise SpecError(
            "spec.directory",
            "this is a folder; a spec is a YAML file",
            Where(file=argument),
            _specs_in(path),
        ) from error
    except ValueError as error:
        raise SpecError("spec.not-found", "not a file name", Where(file=argument)) from error
    return load_spec(text, argument, overrides), path.parent


def prepare_spec(
    argument: str, overrides: list[str], shown: Display, data_root: Path | None
) -> tuple[Prepared, Path]:
    """Return the model of a spec, ready to be fitted, and the folder of `open_spec`.

    What to mind about it is told.
    """
    from hiermix.pipeline import prepare

    loaded, root = open_spec(argument, overrides)
    prepared = prepare(loaded, root, shown, data_root=data_root)
    for warning in prepared.warnings:
        shown.warn(warning)
    return prepared, root


def _not_found(argument: str) -> SpecError:
    path = Path(argument)
    folder = path.parent
    names = [p.name for p in _yaml_files(folder)]
    close = difflib.get_close_matches(path.name, names, n=1)
    hint = f"did you mean '{folder / close[0]}'?" if close else _specs_in(folder)
    return SpecError("spec.not-found", "there is no such file", Where(file=argument), hint)


def _specs_in(folder: Path) -> str:
    names = [p.name for p in _yaml_files(folder)]
    if not names:
        return "'hiermix init --data FILE' writes a spec"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"YAML files in '{folder}': {', '.join(names[:5])}{more}"


def _yaml_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix in {".yaml", ".yml"})
    except OSError:
        return []
