"""Keep the words of libraries away from people and from stdout."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import TextIO, cast

from hiermix.cli.terminal import Terminal


class Both:
    """A stream that writes to the log and, for ``--verbose``, to the person as well."""

    def __init__(self, log: TextIO, person: TextIO) -> None:
        self._streams = (log, person)

    def write(self, text: str) -> int:
        """Write to both."""
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush both."""
        for stream in self._streams:
            stream.flush()

    def isatty(self) -> bool:
        """Tell libraries not to draw."""
        return False


@contextlib.contextmanager
def libraries(terminal: Terminal) -> Iterator[None]:
    """Run a block in which prints, log records and warnings go to the log.

    With ``--verbose`` they go to stderr too. Nothing in the block can write to stdout, not even
    compiled code or a child process: that stream carries results only.
    """
    stream = terminal.log
    if terminal.verbose:
        stream = cast(TextIO, Both(terminal.log, terminal.err))
    root = logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handlers, level = root.handlers, root.level
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
            _closed_stdout(terminal),
        ):
            yield
    finally:
        logging.captureWarnings(False)
        root.handlers = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _closed_stdout(terminal: Terminal) -> Iterator[None]:
    """Point the descriptor of stdout to the log while the block runs."""
    try:
        descriptor = terminal.out.fileno()
    except (OSError, ValueError):
        yield
        return
    terminal.out.flush()
    kept = os.dup(descriptor)
    os.dup2(terminal.log.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
