"""A command in a process of its own, with a limit on its time and on its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

POLL = 0.05
"""Seconds between two looks at the child."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    ``seconds`` is wall time, ``cpu`` processor time of all its processes, ``peak_bytes`` the
    largest resident set of any one of them, ``stopped`` empty or why it was killed.
    """

    code: int
    started: float
    seconds: float
    cpu: float
    peak_bytes: int
    stopped: str


def run_child(
    command: list[str], *, cwd: Path, log: Path, seconds: float, memory_gib: float
) -> Ended:
    """Run a command to its end or to a limit.

    Parameters
    ----------
    log
        Where its output goes.
    seconds, memory_gib
        Wall time, and resident memory of the child and its descendants together, beyond which
        all of them are killed. Address space is not limited: compilers reserve more than they use.
    """
    with log.open("wb") as output:
        started, begin = time.time(), time.perf_counter()
        child = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        stopped = ""
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            took = time.perf_counter() - begin
            if pid:
                break
            if not stopped:
                stopped = _beyond(child.pid, took, seconds, memory_gib)
                if stopped:
                    os.killpg(child.pid, signal.SIGKILL)
            time.sleep(POLL)
    child.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Ended(child.returncode, started, took, cpu, usage.ru_maxrss * 1024, stopped)


def _beyond(session: int, took: float, seconds: float, memory_gib: float) -> str:
    if took > seconds:
        return f"stopped after {seconds:.0f} s"
    if _resident_bytes(session) > memory_gib * 2**30:
        return f"out of memory ({memory_gib:g} GiB) after {took:.0f} s"
    return ""


def _resident_bytes(session: int) -> int:
    """Return the proportional share of memory of all processes of a session.

    Pages that forked chains share with their parent count once in all.
    """
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # After the name, which may hold blanks: state, parent, group, session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            lines = (entry / "smaps_rollup").read_text().splitlines()
        except (OSError, IndexError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total
