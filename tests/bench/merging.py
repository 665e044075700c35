"""Runs on data that do not fit into memory: rows merged while DuckDB reads them.

usage: python tests/bench/merging.py [--rows N ...] [--quick] [--memory 1.0] [--seconds 600]

Visits of an A/B test by 6 countries, a Parquet file written by DuckDB: 0 or 1 for Bernoulli, a
revenue for a Gaussian model. Every point is a whole `hiermix run` in a process of its own that is
killed beyond `--memory` GiB.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import duckdb
from child import run_child
from machine import describe

ROOT = Path(__file__).resolve().parents[2]

MODELS = {
    "bernoulli": {"formula": "hit ~ arm + (arm || country)", "family": "bernoulli"},
    "gaussian": {"formula": "revenue ~ arm + (arm | country)"},
}


def write_visits(path: Path, n_rows: int) -> None:
    """Write rows without ever holding them; the sum of twelve uniform numbers is nearly normal."""
    noise = " + ".join(["random()"] * 12)
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SELECT setseed(0.5)")
        con.execute(
            "COPY (SELECT ['AU', 'BR', 'CA', 'DE', 'JP', 'US'][1 + c] AS country, "
            "['a', 'b'][1 + a] AS arm, (u < 0.05 + 0.01 * c + 0.004 * a)::INTEGER AS hit, "
            "round(20 + c + 0.3 * a + 4 * (z - 6), 2) AS revenue "
            "FROM (SELECT floor(6 * random())::INTEGER AS c, floor(2 * random())::INTEGER AS a, "
            f"random() AS u, {noise} AS z FROM range({n_rows}))) TO '{path}' (FORMAT parquet)"
        )


def measure(work: Path, data: Path, model: dict[str, str], options: argparse.Namespace) -> str:
    """Return seconds in all, of reading and of sampling, cells, and peak memory, as cells."""
    document = {"data": {"path": str(data)}, "model": model, "fit": {"seed": 1}}
    spec, out = work / "spec.yaml", work / "run"
    spec.write_text(json.dumps(document), encoding="utf-8")
    totals, reads, samples, peaks, cells = [], [], [], [], 0
    for _ in range(1 if options.quick else options.repeats):
        ended = run_child(
            [sys.executable, "-m", "hiermix", "run", str(spec), "--out", str(out), "--force", "-q"],
            cwd=ROOT,
            log=work / "log.txt",
            seconds=options.seconds,
            memory_gib=options.memory,
        )
        if ended.stopped or ended.code:
            return f"{ended.stopped or f'exit {ended.code}'} | - | - | - | -"
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        totals.append(ended.seconds)
        reads.append(manifest["seconds"]["data"])
        samples.append(manifest["seconds"]["sample"])
        peaks.append(ended.peak_bytes / 2**30)
        cells = manifest["fit"]["facts"]["reduction"]["cells"]
    middle = [statistics.median(values) for values in (totals, reads, samples)]
    return " | ".join(f"{value:.1f}" for value in middle) + f" | {cells} | {max(peaks):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10**6, 10**7, 10**8])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--memory", type=float, default=1.0, help="limit of a run, GiB")
    parser.add_argument("--seconds", type=float, default=600, help="limit of a run")
    options = parser.parse_args()
    print(describe(("hiermix", "duckdb", "bambi", "pymc", "nutpie")) + "\n")
    print("| rows | file, MB | model | total, s | reading, s | sampling, s | cells | peak GiB |")
    print("|---" * 8 + "|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for n_rows in options.rows:
            data = work / "visits.parquet"
            write_visits(data, n_rows)
            size = data.stat().st_size / 1e6
            for name, model in MODELS.items():
                found = measure(work, data, model, options)
                print(f"| {n_rows:,} | {size:.0f} | {name} | {found} |", flush=True)


if __name__ == "__main__":
    main()
