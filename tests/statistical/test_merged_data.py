"""Data that are merged while they are read: the same posterior, tables and numbers of rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_support import Silent

from hiermix import pipeline
from hiermix.artefacts.describe import describe
from hiermix.data import merging
from hiermix.engines.bambi_model import build_model
from hiermix.spec import load_spec

TOLERANCE = 1e-8  # relative; float64 sums of 4,000 terms
MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison

pytestmark = pytest.mark.statistical

MODELS = [
    ("y ~ x + (x | g)", {}, {"fit": {"engine": "exact"}}),
    ("y ~ x + (1 | g) + (1 | h)", {"family": "gaussian"}, {"priors": {"sigma": 0.9}}),
    ("y ~ x + (x || g)", {}, {"fit": {"engine": "nuts"}}),
    ("hit ~ x + (1 | g)", {"family": "bernoulli"}, {}),
    ("count ~ x + offset(log(e)) + (1 | g)", {"family": "poisson"}, {}),
]


def table(n=4000, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 8, n)
    x = rng.choice([0.0, 1.0, 3.0], n, p=[0.5, 0.3, 0.2])
    e = rng.choice([1.0, 2.0], n)
    effect, slope = rng.normal(0, 0.5, 8)[g], rng.normal(0.3, 0.2, 8)[g]
    eta = effect + slope * x
    return pd.DataFrame(
        {
            "x": x,
            "e": e,
            "g": [f"g{i}" for i in g],
            "h": rng.choice(list("pqr"), n),
            "y": 2 + eta + rng.normal(0, 0.9, n),
            "hit": (rng.random(n) < 1 / (1 + np.exp(0.5 - eta))).astype(int),
            "count": rng.poisson(e * np.exp(0.3 * eta)),
        }
    )


def prepared(folder: Path, formula, model, more, reduce) -> pipeline.Prepared:
    document = {
        "data": {"path": "d.parquet", "reduce": reduce},
        "model": {"formula": formula, **model},
        **more,
        "fit": {"seed": 1, **more.get("fit", {})},
    }
    return pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), folder, Silent())


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Prepare a model with merged rows, and with all of them."""
    monkeypatch.setattr(merging, "MERGED_FROM", 100)
    table().to_parquet(tmp_path / "d.parquet")

    def prepare(*model):
        return [prepared(tmp_path, *model, reduce) for reduce in ("auto", "off")]

    return prepare


@pytest.mark.parametrize("model", MODELS)
def test_the_log_density_is_that_of_the_rows(pair, model):
    merged, rows = pair(*model)
    assert merged.plan.design.n_obs < rows.plan.design.n_obs / 50
    assert merged.engine == rows.engine
    built = [build_model(ready.plan).pymc_model for ready in (merged, rows)]
    densities = [m.compile_logp() for m in built]
    rng = np.random.default_rng(0)
    start = built[0].initial_point()
    found = []
    for _ in range(10):
        point = {k: v + 0.3 * rng.standard_normal(np.shape(v)) for k, v in start.items()}
        found.append([float(density(point)) for density in densities])
    of_cells, of_rows = np.array(found).T
    constant = merged.plan.merged
    np.testing.assert_allclose(of_cells, of_rows + constant, rtol=TOLERANCE)


@pytest.mark.parametrize("model", [MODELS[0], MODELS[3]])
def test_results_agree_and_count_all_rows(pair, model):
    merged, rows = (pipeline.fit(ready, Silent()) for ready in pair(*model))
    assert merged.verdict.status == rows.verdict.status == "pass"
    one, other = (r.tables.summary.set_index("parameter") for r in (merged, rows))
    assert list(one.index) == list(other.index)
    mcse = np.hypot(one["mcse_mean"], other["mcse_mean"])
    assert (abs(one["mean"] - other["mean"]) < MCSE_UNITS * mcse).all()
    levels = [r.tables.group_effects for r in (merged, rows)]
    pd.testing.assert_series_equal(levels[0]["n_rows"], levels[1]["n_rows"])
    facts = describe(merged, Path("run"))
    assert facts.data["rows_used"] == 4000
    assert facts.fit["facts"]["reduction"]["rows"] == 4000
    assert facts.fit["facts"]["reduction"]["cells"] == merged.prepared.plan.design.n_obs
    assert facts.model["family"] == rows.prepared.plan.family


def test_r2_weighs_cells_by_their_rows(pair):
    merged, rows = (pipeline.fit(ready, Silent()) for ready in pair(*MODELS[0]))
    for name in ("r2_conditional", "r2_marginal"):
        a, b = (r.tables.variance.set_index("quantity").loc[name, "mean"] for r in (merged, rows))
        assert a == pytest.approx(b, abs=0.01)


def test_what_belongs_to_single_rows_is_left_out_of_means(pair):
    (merged, _) = pair(*MODELS[0])
    result = pipeline.fit(merged, Silent())
    assert "log_likelihood" not in result.fit.tree.children
    assert "merged to means" in result.fit.facts["left_out"]["log_likelihood"]
