"""How often the gates of the sampler fail a good fit, at default settings.

usage: python tests/bench/false_alarms.py [exact|nuts ...] [--model NAME ...] [--fits 200]
           [--seeds 10] [--quick]

Ten small models an engine, with data simulated from each: the model that is fitted is true, the
sampler is at its defaults, and there is a single attempt (`fit.max_attempts: 1`), so that nothing
repairs what a gate says. Every fit of `exact` has new data. `nuts` compiles a model once a data set
and samples it with `--seeds` seeds; data sets make up the rest of `--fits`. A fit counts as a false
alarm if any gate of the phase `sampler` fails. The interval of the rate is Clopper and Pearson's
(1934, doi:10.1093/biomet/26.4.404), 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "numba__fastmath=False")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from false_alarm_cases import CASES, Case
from machine import describe
from run_support import Silent
from scipy.stats import beta

from hiermix import pipeline
from hiermix.diagnostics import diagnose, scalar_table
from hiermix.engines import ENGINES, Session
from hiermix.gates import judge
from hiermix.spec import load_spec


def prepared(case: Case, engine: str, data_seed: list[int], folder: Path) -> pipeline.Prepared:
    case.table(np.random.default_rng(data_seed)).to_csv(folder / "data.csv", index=False)
    document = {
        "data": {"path": "data.csv"},
        **{key: value for key, value in case.options.items() if key != "model"},
        "model": {"formula": case.formula, **case.options.get("model", {})},
        "fit": {"seed": 1, "engine": engine, "max_attempts": 1},
    }
    loaded = load_spec(json.dumps(document), "spec.yaml")
    return pipeline.prepare(loaded, folder, Silent())


def failed_gates(ready: pipeline.Prepared, session: Session, seed: int) -> list[str]:
    """Return the gates of the sampler that fail with this seed, and by which value."""
    spec = ready.loaded.spec
    request = replace(pipeline.fit_request(spec), seed=seed)
    fit = session.sample(request)
    found = judge(
        diagnose(fit, ready.plan, scalar_table(fit, ready.plan)),
        policy=spec.gates.policy,
        phases=("sampler",),
        lacks=fit.lacks,
    )
    return [f"{f.gate} = {f.value:.4g}" for f in found.findings if f.status == "fail"]


def fits(
    case: Case, engine: str, n_fits: int, n_seeds: int
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield number of the data set, seed and failed gates of every fit of a case."""
    number = 0
    with tempfile.TemporaryDirectory() as temporary:
        while number < n_fits:
            # The name spreads the streams of the cases.
            data_seed = [number, *case.name.encode()]
            ready = prepared(case, engine, data_seed, Path(temporary))
            session = ENGINES[engine].open(ready.plan, Silent())
            first = number
            for seed in range(first, min(first + n_seeds, n_fits)):
                yield first, seed, failed_gates(ready, session, seed + 1)
                number += 1


def interval(k: int, n: int) -> tuple[float, float]:
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return low, high


def report(engine: str, cases: list[Case], n_fits: int, n_seeds: int) -> None:
    print(f"\nEngine `{engine}`: {n_fits} fits, {n_seeds} seed(s) a data set\n")
    print("| model | fits | false alarms | gates | s a fit |\n" + "|---" * 5 + "|", flush=True)
    details, total, seen = [], 0, 0
    for position, case in enumerate(cases):
        share = n_fits * (position + 1) // len(cases) - n_fits * position // len(cases)
        begin, bad, gates = time.perf_counter(), 0, Counter[str]()
        for data, seed, failed in fits(case, engine, share, n_seeds):
            if failed:
                bad += 1
                gates.update(text.partition(" = ")[0] for text in failed)
                details.append(f"{case.name}, data {data}, seed {seed + 1}: {'; '.join(failed)}")
        seconds = (time.perf_counter() - begin) / max(share, 1)
        which = ", ".join(f"{name} x {k}" for name, k in gates.items()) or "-"
        print(f"| {case.name} | {share} | {bad} | {which} | {seconds:.1f} |", flush=True)
        total, seen = total + bad, seen + share
    low, high = interval(total, seen)
    print(f"| **all** | {seen} | **{total}** ({100 * total / seen:.1f} %) | ", end="")
    print(f"95 % interval of the rate {100 * low:.2f} to {100 * high:.2f} % | |\n")
    for line in details:
        print(f"- {line}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engines", nargs="*", default=["exact", "nuts"], metavar="exact|nuts")
    parser.add_argument("--model", action="append", help="name of a model; all ten if not given")
    parser.add_argument("--fits", type=int, default=200, help="of each engine, over its models")
    parser.add_argument("--seeds", type=int, default=10, help="of a compiled model, nuts only")
    parser.add_argument("--quick", action="store_true", help="one fit a model")
    options = parser.parse_args()
    unknown = set(options.engines) - set(CASES)
    if unknown:
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    print(describe())
    for engine in options.engines:
        cases = [c for c in CASES[engine] if not options.model or c.name in options.model]
        n_fits = len(cases) if options.quick else options.fits
        report(engine, cases, n_fits, options.seeds if engine == "nuts" else 1)


if __name__ == "__main__":
    main()
