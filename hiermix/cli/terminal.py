"""The one place that writes to stdout and stderr."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from typing import TextIO, cast

from hiermix.cli.text import Line, line, visible

STYLES = {
    "": "",
    "bold": "1",
    "dim": "2",
    "error": "1;31",
    "fail": "31",
    "warn": "33",
    "pass": "32",
    "place": "34",
}
"""Style name -> SGR parameters."""


class Terminal:
    """stdout for machines, stderr for people, and a log that nobody sees unless it is needed.

    Parameters
    ----------
    out, err
        Streams; ``None`` (a closed descriptor) swallows what is written.
    environment
        ``NO_COLOR`` and ``TERM`` are looked at.
    """

    def __init__(
        self, out: TextIO | None, err: TextIO | None, environment: Mapping[str, str]
    ) -> None:
        self.out: TextIO = _tolerant(out)
        self.err: TextIO = _tolerant(err)
        self.quiet = False
        self.verbose = False
        self.format = "text"
        self.interactive = self.err.isatty() and environment.get("TERM") != "dumb"
        self.coloured = self.interactive and not environment.get("NO_COLOR")
        self._log: TextIO | None = None

    @classmethod
    def of_process(cls) -> Terminal:
        """Return the terminal of this process."""
        return cls(sys.stdout, sys.stderr, os.environ)

    @property
    def log(self) -> TextIO:
        """Where libraries write: a temporary file without a name, made when first used."""
        if self._log is None:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
            # Loggers of libraries keep it until the process ends, so nobody can close it.
            self._log = open(  # noqa: SIM115
                descriptor, "w+", 1, encoding="utf-8", errors="backslashreplace", closefd=False
            )
        return self._log

    def logged(self) -> str:
        """Return what libraries wrote so far."""
        if self._log is None:
            return ""
        self._log.flush()
        position = self._log.tell()
        self._log.seek(0)
        text = self._log.read()
        self._log.seek(position)
        return text

    def result(self, text: str) -> None:
        """Write a result to stdout, as it is for a program and made visible for a person."""
        shown = text if not self.out.isatty() else "\n".join(map(visible, text.split("\n")))
        try:
            self.out.write(shown if shown.endswith("\n") else shown + "\n")
            self.out.flush()
        except BrokenPipeError:
            # The reader has seen enough; what the command did, and its exit code, still stand.
            self.out = _nowhere(self.out)

    def stream(self) -> TextIO:
        """Return stdout for a result that comes piece by piece, made visible for a person."""
        return cast(TextIO, _Visible(self.out)) if self.out.isatty() else self.out

    def result_lines(self, lines: Iterable[Line]) -> None:
        """Write lines to stdout without styles."""
        self.result("".join("".join(visible(text) for text, _ in spans) + "\n" for spans in lines))

    def say(self, *lines: Line | str) -> None:
        """Tell a person something that ``--quiet`` leaves out."""
        if not self.quiet:
            self.alert(*lines)

    def note(self, *texts: str) -> None:
        """Tell a person what to mind, a sentence a line; ``--quiet`` leaves it out."""
        self.say(*(line(("note", "bold"), f": {text}") for text in texts))

    def alert(self, *lines: Line | str) -> None:
        """Tell a person something that must always be seen."""
        text = "".join(
            self._painted(line(spans) if isinstance(spans, str) else spans) + "\n"
            for spans in lines
        )
        try:
            self.err.write(text)
            self.err.flush()
        except OSError:
            # Nobody can be told that nobody can be told.
            self.err = _nowhere(self.err)

    def _painted(self, spans: Line) -> str:
        return "".join(
            f"\x1b[{STYLES[style]}m{visible(text)}\x1b[0m"
            if self.coloured and STYLES[style]
            else visible(text)
            for text, style in spans
        )


class _Visible:
    """Writes text with nothing hidden in it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, line by line."""
        return self._stream.write("\n".join(map(visible, text.split("\n"))))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of the lines."""
        for text in lines:
            self.write(text)


def _tolerant(stream: TextIO | None) -> TextIO:
    """Return a stream that never fails on a character that its encoding lacks."""
    if stream is None:
        return io.StringIO()
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _nowhere(broken: TextIO) -> TextIO:
    """Point a broken stream to the null device, so that the interpreter can flush it at exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, broken.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass
    return io.StringIO()
