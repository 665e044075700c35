"""Plans from data frames, without files."""

import json

import numpy as np
import pandas as pd

from hiermix.data.frame import Frame
from hiermix.design import build_design, wanted_columns
from hiermix.model import ModelPlan, plan_model
from hiermix.spec import LoadedSpec, load_spec


def spec_of(formula, *, priors=None, fit=None, cre=(), **model) -> LoadedSpec:
    document = {
        "name": "test",
        "data": {"path": "data.csv"},
        "model": {"formula": formula, **model},
        "cre": list(cre),
        "priors": priors or {},
        "fit": {"seed": 1, **(fit or {})},
    }
    return load_spec(json.dumps(document), "spec.yaml")


def frame_of(table: pd.DataFrame, spec) -> Frame:
    """Shape columns as the data package does: text and grouping factors are categories."""
    columns = {}
    for name, role in wanted_columns(spec).items():
        column = table[name]
        if role == "category" or not pd.api.types.is_numeric_dtype(column):
            column = column.astype(str).astype(object).astype("category")
        columns[name] = column
    used = pd.DataFrame(columns)
    numbers = np.arange(1, len(table) + 1)
    return Frame(used, numbers, "0" * 64, len(table), {}, tuple(table.columns))


def plan_of(table: pd.DataFrame, formula: str, **options) -> ModelPlan:
    spec = spec_of(formula, **options).spec
    return plan_model(spec, build_design(spec, frame_of(table, spec)))


def panel(seed=0, n_groups=7, rows=9) -> pd.DataFrame:
    """Unbalanced panel with nested and crossed factors and a response for every family."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(3, rows, size=n_groups)
    g = np.repeat(np.arange(n_groups), counts)
    n = len(g)
    x = rng.normal(2.0, 1.5, size=n)
    z = rng.normal(size=n)
    f = rng.choice(["a", "b", "c"], size=n)
    f[:3] = ["a", "b", "c"]
    h = rng.integers(0, 4, size=n)
    eta = 0.4 + 0.3 * x - 0.2 * z + rng.normal(0, 0.6, n_groups)[g]
    y = eta + rng.normal(0, 0.5, size=n)
    mean = np.exp(np.clip(eta, -2, 2))
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": z,
            "f": f,
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "sub": [f"s{i}_{j}" for i, j in zip(g, rng.integers(0, 2, size=n), strict=True)],
            "count": rng.poisson(mean),
            "hit": (eta > np.median(eta)).astype(int),
            "k": rng.binomial(12, 1 / (1 + np.exp(-eta))),
            "n": np.full(n, 12),
            "positive": rng.gamma(3.0, mean / 3.0),
            "share": np.clip(rng.beta(2, 2, size=n), 0.01, 0.99),
            "angle": rng.vonmises(0, 2, size=n),
            "grade": rng.choice(["1", "2", "3"], size=n),
            "se": rng.uniform(0.2, 0.6, size=n),
            "w": rng.integers(1, 4, size=n),
            "status": rng.choice(["none", "right"], size=n),
            "exposure": rng.uniform(1, 5, size=n),
        }
    )
