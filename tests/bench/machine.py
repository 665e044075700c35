"""The machine and versions that a table was measured with, in one line."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("hiermix", "bambi", "pymc", "pytensor", "nutpie", "numpy")


def describe(packages: tuple[str, ...] = PACKAGES) -> str:
    """Return cores, CPU model, memory, load and versions."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    names = [f"{name} {_version(name)}" for name in packages]
    return (
        f"{cores} cores ({_cpu()}), {_memory_gib():.0f} GiB, load {load:.1f} when it began; "
        f"Python {platform.python_version()}, {', '.join(names)}"
    )


def _cpu() -> str:
    """Return what the kernel calls the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in facts.items()}
    details = [f"{key} {named[key]}" for key in ("cpu family", "model", "cpu MHz") if key in named]
    return ", ".join([named.get("model name", platform.machine()), *details])


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return str(getattr(__import__(name), "__version__", "?"))
