"""How time and memory of engine `exact` grow with rows and with levels.

usage: python tests/bench/growth.py FOLDER [--quick] [--repeats 3] [--max-rows N] [--max-levels N]
           [--seconds 600] [--memory 8]

Every point is a whole `hiermix run` in a process of its own: 1e3 to 1e7 rows at 1,000 levels, and
10 to 1e5 levels at 1e6 rows, with one predictor and independent intercepts and slopes. The table is
printed; `growth.csv` and the plot `growth.svg` are written to FOLDER.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from child import run_child
from machine import describe

ROOT = Path(__file__).resolve().parents[2]

LEVELS, ROWS = 1_000, 1_000_000
"""Levels where rows grow, rows where levels grow."""

STAGES = ("data", "design", "model", "import", "build", "reduce", "sample", "predict")
LATER = ("diagnose", "summarise")


def write_panel(path: Path, n_rows: int, n_levels: int) -> None:
    rng = np.random.default_rng(n_rows + n_levels)
    g = rng.permutation(np.arange(n_rows, dtype=np.int64) % n_levels)
    x = rng.normal(size=n_rows)
    effects = rng.normal(0, 0.5, size=(n_levels, 2))
    y = 1 + effects[g, 0] + (0.3 + effects[g, 1]) * x + rng.normal(size=n_rows)
    pd.DataFrame({"y": y, "x": x, "g": g}).to_parquet(path)


def run_once(
    work: Path, data: Path, seed: int, options: argparse.Namespace
) -> dict[str, float | str]:
    """Return seconds by stage, in all, peak memory in GiB and what went wrong, if anything did."""
    spec, out = work / "spec.yaml", work / "run"
    document = {
        "data": {"path": str(data)},
        "model": {"formula": "y ~ x + (x || g)"},
        "fit": {"seed": seed, "engine": "exact"},
    }
    spec.write_text(json.dumps(document), encoding="utf-8")
    ended = run_child(
        [sys.executable, "-m", "hiermix", "run", str(spec), "--out", str(out), "--force", "-q"],
        cwd=ROOT,
        log=work / "log.txt",
        seconds=options.seconds,
        memory_gib=options.memory,
    )
    found: dict[str, float | str] = {"total": ended.seconds, "gib": ended.peak_bytes / 2**30}
    if ended.stopped or ended.code not in (0, 3):
        log = (work / "log.txt").read_text(errors="replace").strip().splitlines()
        return {**found, "note": ended.stopped or f"exit {ended.code}: {' '.join(log)[:200]}"}
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    stages = {name: manifest["seconds"].get(name, 0.0) for name in (*STAGES, *LATER)}
    notes = []
    if manifest["fit"]["facts"]["left_out"]:
        notes.append(f"without {', '.join(manifest['fit']['facts']['left_out'])}")
    if ended.code:
        notes.append("a gate failed")
    return {**found, **stages, "note": "; ".join(notes)}


def points(options: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Yield what grows, rows and levels, smallest first."""
    for n_rows in (10**k for k in range(3, 8)):
        if n_rows <= options.max_rows:
            # Two rows a level at least: below that no level would say anything of its slope.
            yield "rows", n_rows, min(LEVELS, n_rows // 2)
    for n_levels in (10**k for k in range(1, 6)):
        if n_levels <= options.max_levels:
            yield "levels", ROWS, n_levels


def measure(options: argparse.Namespace) -> pd.DataFrame:
    repeats = 1 if options.quick else options.repeats
    columns = ("data", "design", "reduce", "sample", "predict", *LATER)
    print("| grows | rows | levels | total, s |", " | ".join(f"{c}, s" for c in columns), end="")
    print(" | peak GiB | |\n" + "|---" * (len(columns) + 6) + "|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for grows, n_rows, n_levels in points(options):
            data = work / "data.parquet"
            write_panel(data, n_rows, n_levels)
            runs = [run_once(work, data, seed + 1, options) for seed in range(repeats)]
            numbers = [c for c in runs[0] if c != "note"]
            middle = {c: statistics.median(float(r.get(c, np.nan)) for r in runs) for c in numbers}
            note = str(runs[0]["note"])
            rows.append(
                {"grows": grows, "rows": n_rows, "levels": n_levels, **middle, "note": note}
            )
            cells = [f"{middle.get(c, np.nan):.2f}" for c in ("total", *columns, "gib")]
            print(f"| {grows} | {n_rows:,} | {n_levels:,} | {' | '.join(cells)} | {note} |")
            sys.stdout.flush()
    return pd.DataFrame(rows)


def plot(table: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex="col", layout="constrained")
    for column, grows in enumerate(("rows", "levels")):
        part = table[table["grows"] == grows].sort_values(grows)
        if part.empty:
            continue
        fixed = f"{LEVELS:,} levels" if grows == "rows" else f"{ROWS:,} rows"
        time, memory = axes[0, column], axes[1, column]
        time.loglog(part[grows], part["total"], "o-", label="whole run")
        for stage in ("data", "reduce", "sample", "predict"):
            if stage in part:
                time.loglog(part[grows], part[stage], ".--", lw=0.8, label=stage)
        memory.loglog(part[grows], part["gib"], "o-", color="C1")
        time.set_title(fixed)
        time.set_ylabel("seconds")
        memory.set_ylabel("peak memory, GiB")
        memory.set_xlabel(grows)
        for axis in (time, memory):
            axis.grid(alpha=0.3, which="both", lw=0.4)
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--max-rows", type=int, default=10**7)
    parser.add_argument("--max-levels", type=int, default=10**5)
    parser.add_argument("--seconds", type=float, default=600, help="limit of one run")
    parser.add_argument("--memory", type=float, default=8, help="limit of one run, GiB")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    packages = ("hiermix", "bambi", "duckdb", "numpy", "scipy")
    print(
        describe(packages), f"; {1 if options.quick else options.repeats} repetition(s)\n", sep=""
    )
    table = measure(options)
    table.to_csv(options.folder / "growth.csv", index=False)
    plot(table, options.folder / "growth.svg")


if __name__ == "__main__":
    main()
