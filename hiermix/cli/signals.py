"""Ctrl-C and SIGTERM: stop soon, leave nothing running."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

GRACE = 3.5
"""Seconds that a command has for tidying up before the process is ended."""

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Signalled(BaseException):
    """A signal arrived.

    Not a ``KeyboardInterrupt`` and not an ``Exception``: samplers catch the first to return a
    shorter posterior, and libraries catch the second to carry on.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Turn the first signal into ``Signalled``; end the process if that does not end the block.

    Compiled code can hold the main thread for longer than a person waits, so a second thread
    hears of the signals too: after ``GRACE`` seconds, or at a second signal, it ends the children
    and the process. The watch lasts as long as the process once a signal has come.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _arrived.clear()
    listening, speaking = socket.socketpair()
    speaking.setblocking(False)
    before = {number: signal.signal(number, _raise) for number in HANDLED}
    wakeup = signal.set_wakeup_fd(speaking.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(listening,), name="signals", daemon=True).start()
    try:
        yield
    finally:
        _arrived.clear()
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        speaking.close()


_arrived: list[int] = []


def _raise(number: int, _frame: FrameType | None) -> None:
    _arrived.append(number)
    raise Signalled(number)


def stop_if_signalled() -> None:
    """Raise ``Signalled`` again where a signal has come but its exception was swallowed.

    An exception that is raised inside a callback of compiled code or a destructor is printed
    and forgotten.
    """
    if _arrived:
        raise Signalled(_arrived[0])


def _watch(listening: socket.socket) -> None:
    first = _next_signal(listening)
    if first is None:
        listening.close()
        return
    listening.settimeout(GRACE)
    # A closed socket means that the block ended in time; the interpreter may still hang on exit.
    with contextlib.suppress(TimeoutError):
        if _next_signal(listening) is None:
            threading.Event().wait(GRACE)
    end_children()
    os._exit(128 + first)


def _next_signal(listening: socket.socket) -> int | None:
    """Return the next of our signals, or ``None`` when the watch is over."""
    while received := listening.recv(1):
        if received[0] in HANDLED:
            return received[0]
    return None


def end_children() -> None:
    """Kill every child process of this one, and theirs."""
    for child in _descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for process in multiprocessing.active_children():
            process.kill()


def _descendants(parent: int) -> list[int]:
    """Return process ids below ``parent``, as the Linux kernel lists them; elsewhere none."""
    found: list[int] = []
    for listing in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listing.read_text().split()):
                found += [child, *_descendants(child)]
    return found
