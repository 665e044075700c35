"""Run every shipped spec once and print where its wall time went.

usage: python tests/bench/examples.py [SPEC...]

Each spec is fitted in a process of its own, as a person would, with ``--force`` into ``bench/``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_once(spec: Path) -> tuple[int, float, dict[str, float]]:
    """Return exit code, wall seconds and the seconds by stage that the manifest reports."""
    out = ROOT / "bench" / spec.stem
    command = [
        sys.executable,
        "-m",
        "hiermix",
        "run",
        str(spec),
        "--out",
        str(out),
        "--force",
        "-q",
    ]
    begin = time.perf_counter()
    code = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
    seconds = time.perf_counter() - begin
    manifest = out / "manifest.json"
    stages = json.loads(manifest.read_text(encoding="utf-8"))["seconds"] if code in (0, 3) else {}
    return code, seconds, stages


def main(arguments: list[str]) -> int:
    specs = [Path(a) for a in arguments] or sorted((ROOT / "specs").glob("*.yaml"))
    worst = 0
    for spec in specs:
        code, seconds, stages = run_once(spec)
        worst = max(worst, code)
        detail = "  ".join(f"{name} {value:.1f}" for name, value in stages.items())
        print(f"{spec.stem:<20} exit {code}  {seconds:6.1f} s  {detail}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
