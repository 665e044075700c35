"""Predictions from made-up draws, and the same by plain loops over rows."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
from model_support import frame_of, spec_of

from hiermix.data import Source
from hiermix.data.new_rows import open_new_rows
from hiermix.design import build_design
from hiermix.model import plan_model
from hiermix.studies.predict import Asked, RowPredictor, column_role, column_types
from hiermix.studies.predict.describe import describe_design


class MadeUp:
    """Draws of every parameter of a plan; correlations are those of random matrices."""

    def __init__(self, plan, n_draws=500, seed=0):
        rng = np.random.default_rng(seed)
        self.n_draws = n_draws
        self.values = {}
        for p in plan.parameters:
            draws = rng.normal(0.3, 0.4, (*p.shape, n_draws))
            if p.role == "group_sd" or p.role in ("residual", "auxiliary"):
                draws = np.abs(draws) + 0.1
            if p.name == "threshold":
                draws = np.sort(draws, axis=0)
            if p.name == "psi":
                draws = 1 / (1 + draws)
            if p.role == "correlation":
                draws = np.tanh(draws * 2) if p.shape[0] == 1 else draws * 0.05
            self.values[p.variable] = draws

    def draws(self, parameter, levels=None):
        if parameter.value is not None:
            return np.full(self.n_draws, parameter.value)
        values = self.values[parameter.variable]
        return values if levels is None else values[levels]


def model_of(table, formula, **options):
    """Return what is stored of a model, its plan, and made-up draws."""
    spec = spec_of(formula, **options).spec
    frame = frame_of(table, spec)
    design = build_design(spec, frame)
    plan = plan_model(spec, design)
    stored = describe_design(spec, frame, design, plan)
    assert stored.problem == ""
    means = () if design.contextual is None else design.contextual.means
    return stored, plan, means, MadeUp(plan)


@contextmanager
def opened(folder, new, predictor, stored):
    """Write new rows to a file and open it."""
    path = folder / "new.csv"
    pd.DataFrame(new).to_csv(path, index=False)
    wanted = {name: column_role(stored, name) for name in predictor.needed_columns}
    welcome = {name: column_role(stored, name) for name in predictor.welcome_columns}
    source = Source(path=str(path), types=column_types(stored))
    with open_new_rows(source, folder, wanted, welcome, predictor.key_columns) as rows:
        yield rows


def predict(folder, new, model, **asked):
    """Return notes and batches of a prediction."""
    stored, _, means, posterior = model
    predictor = RowPredictor(stored, Asked(**asked), means)
    with opened(folder, new, predictor, stored) as rows:
        notes = predictor.check(rows, "new.csv")
        return notes, list(predictor.batches(rows, posterior))


def summaries(folder, new, model, **asked):
    """Return mean, sd, lower and upper as an array, shape ``(4, lines)``."""
    _, batches = predict(folder, new, model, **asked)
    names = ("mean", "sd", "lower", "upper")
    return np.array([np.concatenate([getattr(b.summary, n) for b in batches]) for n in names])


def summary_of(draws, interval=0.9):
    """Return the same of draws ``(lines, n_draws)``."""
    tail = (1 - interval) / 2
    return np.array(
        [
            draws.mean(axis=1),
            draws.std(axis=1, ddof=1),
            np.quantile(draws, tail, axis=1),
            np.quantile(draws, 1 - tail, axis=1),
        ]
    )
