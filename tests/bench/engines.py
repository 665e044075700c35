"""`hiermix run` beside `bambi.Model(...).fit()`, each in a process of its own, on the same data.

usage: python tests/bench/engines.py [--case NAME ...] [--repeats 3 | --quick] [--seconds 600]
           [--memory 8] [--variants best|all|none] [--work DIR]

One repetition fits hiermix, Bambi's defaults and a better fixed Bambi variant one after the other,
so that all three meet the same machine; the table has the medians of the repetitions and the
medians of the ratios within them. *End to end* is from the start of the process to its end
(hiermix: with tables, plots, report, log likelihood and predictions) or to the end of `fit()`
(Bambi). *CPU* is the processor time over the same span: the steadier figure where others work on
the machine. *Sampling* is what remains after start-up: hiermix's stages `reduce` and `sample`;
PyMC's and nutpie's own `sampling_time`. ESS and R-hat are the worst of all parameters, group
effects included, by the same code for all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from child import Ended, run_child
from engine_cases import CASES, ROOT, Case, Variant
from machine import describe
from quality import worst

BENCH = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Outcome:
    """One fit; numbers are NaN where there is no posterior, and ``note`` says why."""

    total: float
    cpu: float
    sampling: float
    ess: float
    rhat: float
    gib: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Effective draws of the worst parameter per second of sampling."""
        return self.ess / self.sampling

    @property
    def rate_in_all(self) -> float:
        """Effective draws of the worst parameter per second from start to end."""
        return self.ess / self.total


NONE = float("nan")


@dataclass(frozen=True)
class Bench:
    """Where files go and what a fit may cost."""

    work: Path
    seconds: float
    memory_gib: float

    def child(self, command: list[str]) -> Ended:
        return run_child(
            [sys.executable, *command],
            cwd=ROOT,
            log=self.work / "log.txt",
            seconds=self.seconds,
            memory_gib=self.memory_gib,
        )

    def failure(self, ended: Ended) -> Outcome:
        lines = (self.work / "log.txt").read_text(errors="replace").strip().splitlines()
        reason = ended.stopped or f"exit {ended.code}: {lines[-1][:120] if lines else ''}"
        if "MemoryError" in reason:
            reason = "out of memory (allocation refused)"
        return Outcome(NONE, NONE, NONE, NONE, NONE, ended.peak_bytes / 2**30, reason)

    def hiermix(self, case: Case, data: Path, seed: int) -> Outcome:
        spec, out = self.work / "spec.yaml", self.work / "run"
        document = {
            "data": {"path": str(data)},
            "model": {"formula": case.formula, "family": case.family},
            "fit": {"seed": seed},
        }
        spec.write_text(json.dumps(document), encoding="utf-8")
        options = ["--out", str(out), "--force", "-q"]
        ended = self.child(["-m", "hiermix", "run", str(spec), *options])
        if ended.stopped or ended.code not in (0, 3):
            return self.failure(ended)
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        sampling = sum(manifest["seconds"].get(stage, 0.0) for stage in ("reduce", "sample"))
        attempts = manifest["fit"]["attempts"]
        note = manifest["fit"]["engine"] + (f", {attempts} attempts" if attempts > 1 else "")
        note += ", a gate failed" if ended.code else ""
        ess, rhat = worst(posterior_of(out))
        peak = ended.peak_bytes / 2**30
        return Outcome(ended.seconds, ended.cpu, sampling, ess, rhat, peak, note)

    def bambi(self, case: Case, variant: Variant, data: Path, seed: int) -> Outcome:
        job, result = self.work / "job.json", self.work / "result.json"
        result.unlink(missing_ok=True)
        document = {
            "data": str(data),
            "formula": variant.formula,
            "family": case.family,
            "model": variant.model,
            "fit": variant.fit,
            "seed": seed,
        }
        job.write_text(json.dumps(document), encoding="utf-8")
        ended = self.child([str(BENCH / "bambi_fit.py"), str(job), str(result)])
        if not result.is_file():
            return self.failure(ended)
        found = json.loads(result.read_text(encoding="utf-8"))
        return Outcome(
            found["ended"] - ended.started,
            found["cpu"],
            found["sampling_seconds"],
            found["ess"],
            found["rhat"],
            found["peak_bytes"] / 2**30,
        )


def posterior_of(run: Path) -> Any:
    import xarray as xr

    with xr.open_dataset(run / "posterior.nc", group="posterior", engine="h5netcdf") as posterior:
        return posterior.load()


def compare(bench: Bench, case: Case, repeats: int, which: str) -> Iterator[str]:
    """Yield the rows of the table of one case."""
    data = bench.work / "data.parquet"
    case.table().to_parquet(data)
    chosen = {"none": (), "best": case.variants[:1], "all": case.variants}[which]
    bambis = [Variant("defaults", case.bambi), *chosen]
    outcomes: dict[str, list[Outcome]] = {"hiermix": []}
    for repeat in range(repeats):
        outcomes["hiermix"].append(bench.hiermix(case, data, repeat + 1))
        for variant in bambis:
            name = f"Bambi: {variant.name}"
            before = outcomes.setdefault(name, [])
            # A fit that met its limit would meet it again.
            again = before[0] if before and before[0].note else None
            before.append(again or bench.bambi(case, variant, data, repeat + 1))
    ours = outcomes["hiermix"]
    for name, found in outcomes.items():
        yield row(case.name, name, found, ours)


def row(case: str, name: str, found: list[Outcome], ours: list[Outcome]) -> str:
    middle = {
        key: statistics.median(getattr(outcome, key) for outcome in found)
        for key in ("total", "cpu", "sampling", "ess", "rate", "rate_in_all", "rhat", "gib")
    }
    pairs = list(zip(ours, found, strict=True))
    faster = statistics.median(theirs.total / own.total for own, theirs in pairs)
    cheaper = statistics.median(theirs.cpu / own.cpu for own, theirs in pairs)
    better = statistics.median(own.rate / theirs.rate for own, theirs in pairs)
    in_all = statistics.median(own.rate_in_all / theirs.rate_in_all for own, theirs in pairs)
    numbers = [
        (middle["total"], ".1f"),
        (middle["cpu"], ".1f"),
        (middle["sampling"], ".2f"),
        (middle["ess"], ".0f"),
        (middle["rhat"], ".3f"),
        (middle["rate"], ".0f"),
        (middle["rate_in_all"], ".1f"),
        (middle["gib"], ".2f"),
        (faster, ".1f"),
        (cheaper, ".1f"),
        (better, ".1f"),
        (in_all, ".1f"),
    ]
    cells = ["-" if value != value else format(value, spec) for value, spec in numbers]
    notes = "; ".join(dict.fromkeys(outcome.note for outcome in found if outcome.note))
    return f"| {case} | {name} | {' | '.join(cells)} | {notes} |"


COLUMNS = (
    *("case", "fit", "end to end, s", "CPU, s", "sampling, s", "min bulk ESS", "max R-hat"),
    *("ESS/s of sampling", "ESS/s end to end", "peak GiB", "hiermix: x faster end to end"),
    *("x less CPU", "x ESS/s of sampling", "x ESS/s end to end", ""),
)
HEADER = f"| {' | '.join(COLUMNS)} |\n" + "|---" * len(COLUMNS) + "|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="part of a case's name; all if not given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--seconds", type=float, default=600, help="limit of one fit")
    parser.add_argument("--memory", type=float, default=8, help="limit of one fit, GiB")
    parser.add_argument("--variants", choices=("best", "all", "none"), default="best")
    parser.add_argument("--work", type=Path, help="where files go; a temporary directory if not")
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    print(f"{describe()}; {repeats} repetition(s), limits {options.seconds:.0f} s", end="")
    print(f" and {options.memory:g} GiB a fit\n\n{HEADER}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        bench = Bench(work, options.seconds, options.memory)
        for case in CASES:
            if options.case and not any(part in case.name for part in options.case):
                continue
            for line in compare(bench, case, repeats, options.variants):
                print(line, flush=True)


if __name__ == "__main__":
    main()
