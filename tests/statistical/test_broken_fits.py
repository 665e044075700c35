"""Fits that are known to be broken: each has to be failed, by the gate that is named here.

What the sampler does wrong is sampled; defects of the draws themselves are put into draws that
are perfect otherwise, so that nothing else can be what the gate sees.
"""

import csv
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hiermix import pipeline
from hiermix.cli import main
from hiermix.engines import ENGINES, Fit
from hiermix.engines.draws import RawDraws
from hiermix.engines.posterior import posterior_tree

pytestmark = pytest.mark.statistical

ARTEFACTS = {
    "manifest.json",
    "spec.yaml",
    "spec.resolved.yaml",
    "summary.csv",
    "group_effects.csv",
    "variance.csv",
    "gates.json",
    "gates.csv",
    "attempts.jsonl",
    "posterior.nc",
    "report.html",
    "log.txt",
    "plots",
}

SPEC = """\
schema_version: 1
name: broken
data: {{path: data.csv}}
model:
  formula: {formula}
{model}fit: {{engine: nuts, draws: 500, tune: 500, chains: 4, seed: 1, max_attempts: 1}}
"""


@dataclass(frozen=True)
class Outcome:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def folder(self) -> Path:
        return Path(self.out.strip())

    def findings(self, status) -> set:
        stored = json.loads((self.folder / "gates.json").read_text(encoding="utf-8"))
        return {f["gate"] for f in stored["findings"] if f["status"] == status}

    def where(self, gate) -> str:
        with (self.folder / "gates.csv").open(newline="", encoding="utf-8") as file:
            return next(row["where"] for row in csv.DictReader(file) if row["gate"] == gate)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs a spec over a table in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def call(columns, formula="y ~ x + (1 | g)", *options, model=""):
        with Path("data.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(columns)
            rows.writerows(zip(*columns.values(), strict=True))
        text = SPEC.format(formula=formula, model=f"  {model}\n" if model else "")
        Path("spec.yaml").write_text(text, encoding="utf-8")
        code = main(["run", "spec.yaml", *options])
        return Outcome(code, *capsys.readouterr())

    return call


def panel(levels=8, rows=10, *, sd=0.5, noise=0.7, seed=1):
    """Return columns y, x, g: ``levels`` x ``rows`` rows."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(levels), rows)
    x = rng.normal(size=len(index))
    y = 1 + 0.5 * x + sd * rng.normal(size=levels)[index] + noise * rng.normal(size=len(index))
    return {"y": y, "x": x, "g": [f"g{i}" for i in index]}


def asserted_failure(outcome, gate):
    """Check that ``gate`` failed a run that is complete on disk and says so everywhere."""
    assert outcome.code == 3, outcome.err
    assert gate in outcome.findings("fail")
    assert {path.name for path in outcome.folder.iterdir()} >= ARTEFACTS
    manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["verdict"] == "fail"
    for name, entry in manifest["files"].items():
        assert (outcome.folder / name).stat().st_size == entry["bytes"]
    assert "FAILED" in (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert "verdict: fail" in outcome.err


class Perfect:
    """An engine whose draws are independent and normal, around 0 or, for an sd, around 1."""

    name = "nuts"
    lacks = frozenset()

    def __init__(self, spoil=lambda draws, stats: None):
        self.spoil = spoil
        self.asked = 0

    def refusals(self, plan):
        return ()

    def open(self, plan, listener):
        return SimpleNamespace(sample=partial(self.sample, plan))

    def sample(self, plan, request):
        self.asked += 1
        rng = np.random.default_rng(request.seed)
        size = (request.chains, request.draws)
        draws = {}
        for parameter in plan.parameters:
            values = rng.normal(size=(*size, *parameter.shape))
            if parameter.role in ("group_sd", "residual"):
                values = np.exp(0.2 * values)
            draws[parameter.name] = values
        stats = {
            "diverging": np.zeros(size, dtype=bool),
            "tree_depth": np.full(size, 3),
            "reached_max_treedepth": np.zeros(size, dtype=bool),
            "energy": rng.normal(size=size),
            "acceptance_rate": np.full(size, 0.9),
            "n_steps": np.full(size, 7),
            "step_size": np.full(size, 0.5),
            "lp": rng.normal(size=size),
        }
        self.spoil(draws, stats)
        names = {name: name for name in draws}
        tree = posterior_tree(plan, names, RawDraws(draws, stats), {})
        return Fit(tree, self.name, "perfect", request)


@pytest.fixture
def engine(monkeypatch):
    """Return a function that puts a `Perfect` engine, spoilt or not, in the place of nuts."""

    def install(spoil=lambda draws, stats: None):
        double = Perfect(spoil)
        monkeypatch.setitem(ENGINES, "nuts", double)
        return double

    return install


# ------------------------------------------------------------------ defects of the draws


def few_draws(draws, stats):
    """Half of what was asked for."""
    for arrays in (draws, stats):
        for name, values in arrays.items():
            arrays[name] = values[:, : values.shape[1] // 2]


def lost_chain(draws, stats):
    for arrays in (draws, stats):
        for name, values in arrays.items():
            arrays[name] = values[1:]


def nan_draw(draws, stats):
    draws["1|g_sigma"][2, 17] = np.nan


def nan_level(draws, stats):
    draws["1|g"][1, 3, 5] = np.nan


def inf_draw(draws, stats):
    draws["sigma"][0, 100] = np.inf


def identical_chains(draws, stats):
    for values in draws.values():
        values[3] = values[1]


def frozen_chain(draws, stats):
    for values in draws.values():
        values[2] = values[2, 0]


def stuck_chain(draws, stats):
    """One chain creeps about a place of its own."""
    draws["x"][1] = 4 + 0.01 * draws["x"][1]


def slow_chains(draws, stats):
    """A random walk that forgets half of itself in 70 draws."""
    values = draws["1|g_sigma"]
    for i in range(1, values.shape[1]):
        values[:, i] = 0.99 * values[:, i - 1] + 0.01 * values[:, i]


def one_divergence(draws, stats):
    stats["diverging"][0, 250] = True


def low_energy(draws, stats):
    stats["energy"] = np.cumsum(0.1 * stats["energy"], axis=1)


def lost_divergences(draws, stats):
    del stats["diverging"]


@pytest.mark.parametrize(
    ("spoil", "gate", "where"),
    [
        (few_draws, "integrity", "draws"),
        (lost_chain, "integrity", "draws"),
        (nan_draw, "integrity", "1|g_sigma"),
        (nan_level, "integrity", "1|g[g5]"),
        (inf_draw, "integrity", "sigma"),
        (identical_chains, "integrity", "Intercept"),
        (frozen_chain, "integrity", "Intercept"),
        (stuck_chain, "rhat[common]", "x"),
        (slow_chains, "ess_bulk[group_sd]", "1|g_sigma"),
        (slow_chains, "mcse[group_sd]", "1|g_sigma"),
        (one_divergence, "divergences", ""),
        (low_energy, "ebfmi", "chain"),
        (lost_divergences, "divergences", ""),
    ],
    ids=lambda value: value.__name__ if callable(value) else value or "-",
)
def test_spoilt_draws_are_failed_and_written(run, engine, spoil, gate, where):
    engine(spoil)
    outcome = run(panel())
    asserted_failure(outcome, gate)
    assert outcome.where(gate).startswith(where)


def test_the_same_draws_unspoilt_pass(run, engine):
    engine()
    outcome = run(panel())
    assert outcome.code == 0, outcome.err
    assert outcome.findings("fail") == set()


@pytest.mark.parametrize("spoil", [identical_chains, inf_draw], ids=["identical", "inf"])
def test_r_hat_does_not_see_what_the_integrity_gate_sees(run, engine, spoil):
    engine(spoil)
    failed = run(panel()).findings("fail")
    assert not {gate for gate in failed if gate.startswith("rhat")}


def test_the_integrity_gate_cannot_be_waived(run, engine):
    double = engine(nan_draw)
    outcome = run(panel(), "y ~ x + (1 | g)", "--set", "gates.waive={integrity: one draw only}")
    assert outcome.code == 2
    assert "gates.not-waivable" in outcome.err
    assert double.asked == 0


def test_fifty_draws_are_too_few_even_if_they_are_independent(run, engine, monkeypatch):
    engine()
    request = pipeline.fit_request
    monkeypatch.setattr(
        pipeline, "fit_request", lambda *given: replace(request(*given), draws=50, tune=50)
    )
    outcome = run(panel())
    asserted_failure(outcome, "ess_bulk[common]")
    assert "integrity" not in outcome.findings("fail")


# ------------------------------------------------------------------ defects of the sampling


@pytest.mark.slow
def test_a_tree_depth_of_two_is_failed(run, monkeypatch):
    request = pipeline.fit_request
    monkeypatch.setattr(
        pipeline, "fit_request", lambda *given: replace(request(*given), max_treedepth=2)
    )
    asserted_failure(run(panel()), "treedepth")


@pytest.mark.slow
def test_a_centred_funnel_is_failed(run):
    weak = panel(levels=8, rows=2, sd=0.2, noise=1.0)
    outcome = run(weak, model="parameterization: centered")
    asserted_failure(outcome, "divergences")


@pytest.mark.slow
def test_a_level_for_every_row_beside_a_free_residual_is_failed_though_waived_before(run):
    singletons = panel(levels=40, rows=1)
    outcome = run(
        singletons,
        "y ~ x + (1 | g)",
        "--set",
        "gates.waive={residual_per_row: to see what sampling says}",
    )
    assert "residual_per_row" in outcome.findings("waived")
    asserted_failure(outcome, "ebfmi")


# ------------------------------------------------------------------ defects of the design


def duplicated():
    columns = panel()
    return columns | {"copy": 2 * columns["x"]}


@pytest.mark.parametrize(
    ("columns", "formula", "gate"),
    [
        (duplicated(), "y ~ x + copy + (1 | g)", "rank"),
        (panel(levels=40, rows=1), "y ~ x + (1 | g)", "residual_per_row"),
        (panel(), "y ~ x + g + (1 | g)", "group_is_common"),
    ],
    ids=["rank", "residual_per_row", "group_is_common"],
)
def test_a_design_that_data_cannot_tell_apart_is_refused_before_sampling(
    run, engine, columns, formula, gate
):
    double = engine()
    outcome = run(columns, formula)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"gate.design.{gate}" in outcome.err
    assert double.asked == 0
    assert not Path("runs").exists()


def test_a_duplicated_column_that_is_waived_is_sampled_and_stays_in_the_verdict(run, engine):
    double = engine()
    waiver = "gates.waive={rank: the prior splits them}"
    outcome = run(duplicated(), "y ~ x + copy + (1 | g)", "--set", waiver)
    assert (outcome.code, double.asked) == (0, 1)
    assert outcome.findings("waived") == {"rank"}
    manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["verdict"] == "warn"
    assert "the prior splits them" in (outcome.folder / "report.html").read_text(encoding="utf-8")
