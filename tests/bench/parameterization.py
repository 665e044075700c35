"""Coordinates of group effects in engine `nuts`: `auto` against `centered` and `noncentered`.

usage: python tests/bench/parameterization.py [--quick] [--repeats 3] [--levels 25]
           [--size N ...] [--sd S ...]

One factor, residual sd 1, level sizes 1 to 1,000 and group sds .01 to 3. Where a level has one row
its standard error is known, since nothing would identify the residual sd there; elsewhere it is
estimated. Rows are not merged (`data.reduce: off`): gradients cost what they do in general.
A model is compiled once a form and data set; repetitions have other seeds of the sampler, one form
after the other. ESS is the lowest bulk ESS of the group sd and of all effects; ratios are medians
of those within a repetition, `auto` over the better fixed form. The claim is: never below 1/2.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "numba__fastmath=False")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from machine import describe
from model_support import plan_of
from run_support import Silent

from hiermix.engines import FitRequest, Session
from hiermix.engines.nuts import NutsEngine

SIZES = (1, 3, 10, 100, 1000)
SDS = (0.01, 0.1, 0.5, 3.0)
FORMS = ("auto", "centered", "noncentered")


@dataclass(frozen=True)
class Run:
    """What one form gave in one repetition."""

    ess: float
    seconds: float
    steps: float
    divergences: int

    @property
    def per_second(self) -> float:
        """Effective draws per second of sampling, tuning included, compiling not."""
        return self.ess / self.seconds

    @property
    def per_step(self) -> float:
        """Effective draws per gradient after tuning; no other load on the machine changes it."""
        return self.ess / self.steps


def simulate(n_levels: int, size: int, sd: float) -> pd.DataFrame:
    rng = np.random.default_rng([n_levels, size, round(1000 * sd)])
    g = np.repeat(np.arange(n_levels), size)
    y = 1.0 + rng.normal(0, sd, n_levels)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "g": [f"g{i:02d}" for i in g], "se": np.ones(len(g))})


def open_session(table: pd.DataFrame, form: str) -> Session:
    known = {"known_se": "se"} if table["g"].is_unique else {}
    plan = plan_of(table, "y ~ 1 + (1 | g)", parameterization=form, **known)
    return NutsEngine().open(plan, Silent())


def sample(session: Session, seed: int) -> Run:
    from quality import worst

    request = FitRequest(draws=1000, tune=1000, chains=4, seed=seed, cores=1, reduce=False)
    fit = session.sample(request)
    posterior = fit.tree["posterior"].to_dataset()
    stats = fit.tree["sample_stats"]
    ess, _ = worst(posterior[["1|g", "1|g_sigma"]])
    return Run(
        ess, fit.seconds["sample"], float(stats["n_steps"].sum()), int(stats["diverging"].sum())
    )


def compare(n_levels: int, size: int, sd: float, repeats: int) -> dict[str, float]:
    table = simulate(n_levels, size, sd)
    sessions = {form: open_session(table, form) for form in FORMS}
    runs: list[dict[str, Run]] = []
    for repeat in range(repeats):
        runs.append({form: sample(session, repeat + 1) for form, session in sessions.items()})
    found: dict[str, float] = {}
    for form in FORMS:
        found[f"{form} ESS/s"] = statistics.median(r[form].per_second for r in runs)
        found[f"{form} divergences"] = statistics.median(r[form].divergences for r in runs)
    for name in ("per_second", "per_step"):
        rates = [{form: getattr(r[form], name) for form in FORMS} for r in runs]
        found[name] = statistics.median(
            r["auto"] / max(r["centered"], r["noncentered"]) for r in rates
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--levels", type=int, default=25)
    parser.add_argument("--size", type=int, nargs="+", default=SIZES)
    parser.add_argument("--sd", type=float, nargs="+", default=SDS)
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    print(f"{describe()}; {repeats} repetition(s), {options.levels} levels, one core\n")
    print("| rows a level | group sd | auto, ESS/s | centered | noncentered | divergences ", end="")
    print("(auto/centered/noncentered) | auto / better fixed, ESS/s | the same, ESS/gradient |")
    print("|---" * 8 + "|", flush=True)
    worst_ratio = np.inf
    for size in options.size:
        for sd in options.sd:
            found = compare(options.levels, size, sd, repeats)
            rates = " | ".join(f"{found[f'{form} ESS/s']:.0f}" for form in FORMS)
            bad = "/".join(f"{found[f'{form} divergences']:.0f}" for form in FORMS)
            print(
                f"| {size} | {sd:g} | {rates} | {bad} "
                f"| {found['per_second']:.2f} | {found['per_step']:.2f} |",
                flush=True,
            )
            worst_ratio = min(worst_ratio, found["per_second"])
    held = "holds" if worst_ratio >= 0.5 else "DOES NOT HOLD"
    print(f"\nLowest ratio {worst_ratio:.2f}: 'never below half of the better fixed form' {held}.")


if __name__ == "__main__":
    main()
