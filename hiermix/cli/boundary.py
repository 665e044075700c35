"""The one place where an exception becomes words and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from hiermix import __version__
from hiermix.cli import formats
from hiermix.cli.render import code_of, error_lines
from hiermix.cli.signals import Signalled, end_children, watched
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line
from hiermix.errors import EnvironmentFault, HiermixError, Interrupted, UsageError, Where

FAULTS = {
    errno.ENOSPC: ("environment.no-space", "free some space, or choose another place with --out"),
    errno.EDQUOT: ("environment.no-space", "free some space, or choose another place with --out"),
    errno.EACCES: ("environment.permission", "check who may read and write there"),
    errno.EPERM: ("environment.permission", "check who may read and write there"),
    errno.EROFS: ("environment.permission", "choose a writable place with --out"),
    errno.EMFILE: ("environment.open-files", "raise the limit: ulimit -n"),
    errno.ENOMEM: ("environment.memory", "use fewer chains, draws or rows"),
}


def execute(argv: Sequence[str] | None = None) -> int:
    """Run one command in this process and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal.of_process()
    terminal.format = format_in(arguments)
    code = guarded(lambda: _invoke(arguments, terminal), terminal)
    if code in (128 + signal.SIGINT, 128 + signal.SIGTERM) and argv is None:
        # Threads of a sampler may still be busy: waiting for them could take minutes.
        os._exit(code)
    return code


def format_in(arguments: Sequence[str]) -> str:
    """Return the output format asked for, known even when the arguments cannot be parsed."""
    for position, argument in enumerate(arguments):
        if argument == "--format" and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith("--format="):
            return argument.partition("=")[2]
    return "text"


def _invoke(arguments: list[str], terminal: Terminal) -> int:
    import typer
    from typer.exceptions import TyperException
    from typer.main import get_command

    from hiermix.cli.app import app

    try:
        with get_command(app).make_context("hiermix", arguments, obj=terminal) as context:
            return int(context.command.invoke(context) or 0)
    except typer.Exit as end:
        return end.exit_code
    except TyperException as error:
        raise usage_error(error) from error


def usage_error(error: Exception) -> UsageError:
    """Return a complaint of the argument parser in the words of this program."""
    context = getattr(error, "ctx", None)
    path = "hiermix" if context is None else context.command_path
    kind = {
        "NoSuchOption": "usage.unknown-option",
        "MissingParameter": "usage.missing-argument",
        "BadParameter": "usage.bad-value",
        "NoArgsIsHelpError": "usage.missing-command",
    }.get(type(error).__name__, "usage.arguments")
    message = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
    message, _, guess = message.partition(" Did you mean ")
    hint = f"did you mean {guess}" if guess else f"'{path} --help' shows what it takes"
    if kind == "usage.missing-command":
        message = "a command is missing"
    if kind == "usage.unknown-option":
        message = message.partition(" (Possible options")[0]
        possible = getattr(error, "possibilities", None)
        hint = f"did you mean '{possible[0]}'?" if possible else hint
    return UsageError(kind, message[:1].lower() + message[1:].rstrip("."), hint=hint)


def guarded(action: Callable[[], int], terminal: Terminal) -> int:
    """Run ``action`` and return its exit code; report whatever it raises."""
    try:
        with watched():
            return action()
    except Signalled as signalled:
        end_children()
        return _report(interruption(signalled.number), terminal)
    except KeyboardInterrupt:
        end_children()
        return _report(interruption(signal.SIGINT), terminal)
    except BrokenPipeError:
        # A reader like `head` has seen enough of a help page.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except HiermixError as error:
        if type(error) is HiermixError:
            return _defect(error, terminal)
        return _report(error, terminal)
    except (MemoryError, OSError) as error:
        return _report(fault(error), terminal)
    except Exception as error:
        return _defect(error, terminal)


def interruption(number: int) -> Interrupted:
    """Return the error that stands for a signal."""
    name = "terminated" if number == signal.SIGTERM else "interrupted"
    return Interrupted(
        f"signal.{name}",
        f"{name}; nothing was published",
        hint="the same command starts again",
        signal_number=number,
    )


def fault(error: MemoryError | OSError) -> EnvironmentFault:
    """Return the error that stands for a machine that is in the way."""
    if isinstance(error, MemoryError):
        error_id, hint = FAULTS[errno.ENOMEM]
        return EnvironmentFault(error_id, "memory ran out", hint=hint)
    error_id, hint = FAULTS.get(error.errno or 0, ("environment.system", ""))
    place = Where(file=os.fspath(error.filename)) if isinstance(error.filename, str) else Where()
    return EnvironmentFault(error_id, error.strerror or str(error), place, hint)


def _report(error: HiermixError, terminal: Terminal) -> int:
    terminal.alert(*error_lines(error))
    document = formats.of_error(error, terminal.format)
    if document is not None:
        terminal.result(document)
    return code_of(error)


def _defect(error: Exception, terminal: Terminal) -> int:
    """Report a defect of ours: one line and where the details are."""
    trace = "".join(traceback.format_exception(error))
    try:
        path = str(_write_log(trace, terminal.logged()))
    except OSError:
        path = "(no log could be written)"
    terminal.alert(line(("internal error", "error"), f": {type(error).__name__}; log: {path}"))
    if os.environ.get("HIERMIX_DEBUG") == "1":
        terminal.alert(*trace.splitlines())
    document = formats.of_error(
        HiermixError("internal.defect", f"internal error: {type(error).__name__}; log: {path}"),
        terminal.format,
    )
    if document is not None:
        terminal.result(document)
    return 1


def _write_log(trace: str, library_log: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) / "hiermix" if os.path.isabs(state) else Path(tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        prefix=time.strftime("hiermix-%Y%m%d-%H%M%S-"), suffix=".log", dir=folder
    )
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"hiermix {__version__}, Python {sys.version}\n\n{trace}\n{library_log}")
    return Path(name)
