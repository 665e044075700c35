"""Whole processes from start to end: ``hiermix run`` beside Bambi with its defaults.

usage: python tests/bench/start.py [PAIRS]

Runs the two in turn, PAIRS times (3 if not given) after one uncounted pair that fills the caches
of both, and prints medians. Ratios mean something, single seconds do not: machines differ and
drift. Processor seconds are those of the whole process with its threads and children.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """A shipped spec and the program that fits the same formula with Bambi."""

    spec: str
    engine: str
    bambi: str


CASES = (
    Case(
        "sleepstudy",
        "exact",
        "import bambi, pandas\n"
        "data = pandas.read_csv('examples/sleepstudy/sleepstudy.csv', dtype={'Subject': str})\n"
        "bambi.Model('Reaction ~ Days + (Days | Subject)', data).fit()\n",
    ),
    Case(
        "cbpp",
        "nuts",
        "import bambi, pandas\n"
        "types = {'herd': str, 'period': str}\n"
        "data = pandas.read_csv('examples/cbpp/cbpp.csv', dtype=types)\n"
        "formula = 'p(incidence, size) ~ period + (1 | herd)'\n"
        "bambi.Model(formula, data, family='binomial').fit()\n",
    ),
)


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds from start to end, processor seconds, peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def cost_of(arguments: list[str]) -> Cost:
    """Run this Python with ``arguments``; raise if it does not end with 0."""
    silent = os.open(os.devnull, os.O_WRONLY)
    begin = time.perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_DUP2, silent, fd) for fd in (1, 2)],
    )
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(silent)
    if status:
        raise RuntimeError(f"exit status {os.waitstatus_to_exitcode(status)}: {arguments[:5]}")
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mb)


def pairs(case: Case, count: int) -> list[tuple[Cost, Cost]]:
    """Return what hiermix and Bambi cost, in turn."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        ours = ["-m", "hiermix", "run", f"specs/{case.spec}.yaml", "--force", "-q"]
        ours += ["--out", str(Path(folder) / "run")]
        for number in range(count + 1):
            pair = cost_of(ours), cost_of(["-c", case.bambi])
            if number:
                found.append(pair)
    return found


def row(case: Case, measured: list[tuple[Cost, Cost]]) -> str:
    """Return a line of the table: medians of each side and of the ratios of the pairs."""

    def medians(name: str) -> tuple[float, float, float]:
        ours, theirs = (statistics.median(getattr(p[i], name) for p in measured) for i in (0, 1))
        ratio = statistics.median(getattr(a, name) / getattr(b, name) for a, b in measured)
        return ours, theirs, ratio

    cells = [case.spec, case.engine]
    for name in ("wall", "cpu"):
        ours, theirs, ratio = medians(name)
        cells += [f"{ours:.1f}", f"{theirs:.1f}", f"{ratio:.2f}"]
    ours, theirs, _ = medians("peak")
    return "| " + " | ".join([*cells, f"{ours:.0f}", f"{theirs:.0f}"]) + " |"


def machine() -> str:
    """Return a sentence about the machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((r.partition(": ")[2] for r in lines if r.startswith("model name")), model)
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} processors, Python {platform.python_version()}{load}"


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else 3
    os.chdir(ROOT)
    print(f"{machine()}; medians of {count} pairs\n")
    print("| spec | engine | hiermix, s | Bambi, s | ratio | CPU s | CPU s | ratio | MB | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        print(row(case, pairs(case, count)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
