"""Errors as text for people, modelled on the layout of compilers, and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hiermix import __version__
from hiermix.cli.text import Line, line, starred, visible, width
from hiermix.errors import HiermixError, Interrupted, Where

MAX_SOURCE = 100
"""Characters of a source line that are shown; the part around the caret is kept."""

TAB = "    "


def error_lines(error: HiermixError) -> Iterator[Line]:
    """Yield the lines that explain ``error`` and every error inside it.

    Each reads::

        error[formula.unknown-function]: 'sqrtt' is not allowed
          --> spec.yaml:3:17 (model.formula)
           |
           | y ~ sqrtt(x)
           |     ^^^^^
           = hint: did you mean 'sqrt'?
    """
    for number, single in enumerate(error.flatten()):
        if number:
            yield line("")
        yield from _single(single)


def _single(error: HiermixError) -> Iterator[Line]:
    head, *more = error.message.split("\n")
    yield line((f"error[{error.id}]", "error"), (f": {head}", "bold"))
    # Indented, so that a line break in user data cannot pass for an error of its own.
    yield from (line(f"   {text}") for text in more)
    place = where_text(error.where)
    if place:
        yield line(("  --> ", "place"), place)
    if error.where.source is not None:
        yield from _source(error.where)
    if error.hint:
        yield line(("   = ", "place"), ("hint", "bold"), f": {error.hint}")


def where_text(where: Where) -> str:
    """Return ``file:line:column (key)`` as far as known.

    Examples
    --------
    >>> where_text(Where("spec.yaml", 3, 17, "model.formula"))
    'spec.yaml:3:17 (model.formula)'
    >>> where_text(Where(key="fit.draws"))
    'fit.draws'
    """
    numbers = [str(n) for n in (where.line, where.column) if n is not None]
    place = ":".join([where.file, *numbers]) if where.file else ""
    if where.key and place:
        return f"{place} ({where.key})"
    return place or where.key or ""


def _source(where: Where) -> Iterator[Line]:
    bar = ("   |", "place")
    source = where.source or ""
    caret = min(max((where.caret or 1) - 1, 0), len(source))
    start, stop = _window(source, caret)
    # Credentials are starred before the line is cut: a cut URL would not be recognised.
    shown = starred(source)
    before, under, after = (
        _one_line(shown[a:b])
        for a, b in (
            (start, caret),
            (caret, min(caret + max(where.width, 1), stop)),
            (min(caret + max(where.width, 1), stop), stop),
        )
    )
    left = "... " if start else ""
    right = " ..." if stop < len(source) else ""
    yield line(bar)
    yield line(bar, f" {left}{before}{under}{after}{right}".rstrip())
    if where.caret is not None:
        blanks = " " * width(left + before)
        yield line(bar, f" {blanks}", ("^" * max(width(under), 1), "error"))


def _window(source: str, caret: int) -> tuple[int, int]:
    if len(source) <= MAX_SOURCE:
        return 0, len(source)
    start = max(0, min(caret - MAX_SOURCE // 3, len(source) - MAX_SOURCE))
    return start, start + MAX_SOURCE


def _one_line(text: str) -> str:
    return visible(text.replace("\t", TAB))


def finished_document(
    body: Mapping[str, object], exit_code: int = 0, errors: Sequence[object] = ()
) -> dict[str, object]:
    """Return the JSON document of a command that came to its end, as ``docs/json.md`` has it."""
    return {"hiermix": __version__, "exit_code": exit_code, **body, "errors": list(errors)}


def error_document(error: HiermixError) -> dict[str, Any]:
    """Return the JSON document of a command that failed."""
    return {
        "hiermix": __version__,
        "exit_code": code_of(error),
        "errors": [_redacted(single.to_dict()) for single in error.flatten()],
    }


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redacted(inner) for key, inner in value.items()}
    return starred(value) if isinstance(value, str) else value


def code_of(error: HiermixError) -> int:
    """Return the exit code of an error."""
    return error.code if isinstance(error, Interrupted) else error.exit_code
