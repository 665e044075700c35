"""The command line: the only place that knows of arguments, terminals and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; ``None`` takes them from the process.
    """
    from hiermix.cli.boundary import execute

    return execute(argv)


def program() -> NoReturn:
    """Run the command of this process and end it."""
    from hiermix.cli.process import end, start

    start()
    end(main())
