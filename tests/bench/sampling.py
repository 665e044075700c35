"""Effective draws and seconds of hiermix's `nuts` engine beside Bambi's defaults, in one process.

Run with `make bench`. Ratios mean something, single seconds do not: machines differ and drift.
Both fits have 4 chains of 1000 draws after 1000 to tune, two at a time; seconds include building
and compiling, not the import of the libraries.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "numba__fastmath=False")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import arviz as az
import bambi as bmb
import numpy as np
import pandas as pd
from model_support import plan_of

from hiermix.engines import FitRequest
from hiermix.engines.nuts import NutsEngine


class Silent:
    def stage(self, name):
        pass

    def progress(self, chains):
        pass


def sleepstudy() -> tuple[pd.DataFrame, str]:
    root = Path(__file__).resolve().parents[2]
    table = pd.read_csv(root / "examples" / "sleepstudy" / "sleepstudy.csv", dtype={"Subject": str})
    return table, "Reaction ~ Days + (Days | Subject)"


def panel(n_groups: int, rows: int, slopes: int) -> tuple[pd.DataFrame, str]:
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(n_groups), rows)
    x = rng.normal(1.0, 1.0, size=(len(g), slopes))
    effects = rng.normal(0, 0.5, size=(n_groups, slopes + 1))
    y = effects[g, 0] + (x * (0.3 + effects[g, 1:])).sum(axis=1) + rng.normal(size=len(g))
    names = [f"x{i}" for i in range(slopes)]
    table = pd.DataFrame(x, columns=names).assign(y=y, g=[f"g{i}" for i in g])
    terms = " + ".join(names)
    return table, f"y ~ {terms} + ({terms} | g)"


def worst(posterior) -> tuple[float, float]:
    """Return the lowest bulk ESS and the highest R-hat of the population parameters."""
    ess, rhat = az.ess(posterior), az.rhat(posterior)
    names = [n for n in posterior.data_vars if posterior[n].ndim == 2]
    return min(float(ess[n]) for n in names), max(float(rhat[n]) for n in names)


def ours(table: pd.DataFrame, formula: str) -> tuple[float, float, float]:
    started = time.perf_counter()
    request = FitRequest(draws=1000, tune=1000, chains=4, seed=1, cores=2)
    # Bambi's effects are independent; hiermix writes that with two bars.
    plan = plan_of(table, formula.replace(" | ", " || "))
    fit = NutsEngine().open(plan, Silent()).sample(request)
    return time.perf_counter() - started, *worst(fit.tree["posterior"].to_dataset())


def bambis(table: pd.DataFrame, formula: str) -> tuple[float, float, float]:
    started = time.perf_counter()
    text = table.select_dtypes(exclude="number").columns
    model = bmb.Model(formula, table.astype(dict.fromkeys(text, "category")))
    fit = model.fit(draws=1000, tune=1000, chains=4, cores=2, random_seed=1, progressbar=False)
    return time.perf_counter() - started, *worst(fit["posterior"].to_dataset())


CASES = {
    "sleepstudy": sleepstudy,
    "12 levels x 20 rows": lambda: panel(12, 20, 0 + 1),
    "50 levels x 200 rows, 4 slopes": lambda: panel(50, 200, 4),
}


def main() -> None:
    print("| case | engine | seconds | min bulk ESS | max R-hat | ESS per second | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name, make in CASES.items():
        table, formula = make()
        rates = {}
        for engine, fit in (("Bambi default", bambis), ("hiermix nuts", ours)):
            seconds, ess, rhat = fit(table, formula)
            rates[engine] = ess / seconds
            ratio = rates[engine] / rates["Bambi default"]
            print(
                f"| {name} | {engine} | {seconds:.1f} | {ess:.0f} | {rhat:.3f} "
                f"| {rates[engine]:.1f} | {ratio:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
