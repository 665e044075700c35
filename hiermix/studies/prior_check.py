"""What the priors of a model say of outcomes before it has seen any: the prior predictive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hiermix.errors import UsageError
from hiermix.model.plan import ModelPlan
from hiermix.pipeline import Prepared
from hiermix.spec.families import CATEGORY_FAMILIES, COUNT_FAMILIES
from hiermix.studies.priors.outcomes import Outcomes, draw_outcomes
from hiermix.studies.priors.parameters import draw_parameters
from hiermix.studies.priors.quantities import (
    Quantity,
    implied_spread,
    of_categories,
    of_outcomes,
    of_shares,
    summary_row,
)
from hiermix.studies.priors.rows import some_rows
from hiermix.studies.priors.words import sentences

COLUMNS = (
    *("quantity", "group", "term"),
    *("data_min", "data", "data_max"),
    *("prior_lower", "prior_median", "prior_upper", "prior_mean"),
    *("data_inside", "prob_below", "remark"),
)
"""Columns of ``prior_check.csv``, in order."""

DRAWS = 2000

MAX_DRAWS = 100_000

MIN_DRAWS = 100

MAX_CELLS = 10_000_000
"""Rows times draws; of longer data a random sample of the rows is looked at."""

SHOWN = 20_000
"""Outcomes that are kept for the plot."""


@dataclass(frozen=True)
class PriorCheck:
    """What the priors imply, beside the data.

    Attributes
    ----------
    name, response, family
        Of the model.
    table
        ``COLUMNS``, one row a quantity.
    sentences
        What is wide, tight or absurd, in words.
    notes
        How it was done, where that is not the plain way.
    interval
        Probability of the intervals.
    draws, seed, n_rows
        How many draws, of what seed, at how many rows.
    observed, outcomes
        The data and some of the prior's outcomes ``(n,)``; empty for categories. Of a bernoulli
        model the outcomes are probabilities of a one.
    """

    name: str
    response: str
    family: str
    table: pd.DataFrame
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    interval: float
    draws: int
    seed: int
    n_rows: int
    observed: np.ndarray
    outcomes: np.ndarray


def check_draws(draws: int) -> None:
    """Raise ``UsageError`` for a number of draws that is too small or too large."""
    if not MIN_DRAWS <= draws <= MAX_DRAWS:
        raise UsageError(
            "usage.prior-draws",
            f"--draws {draws}: {MIN_DRAWS} to {MAX_DRAWS} are possible",
            hint=f"leave it out for {DRAWS}",
        )


def check_priors(prepared: Prepared, draws: int = DRAWS, seed: int | None = None) -> PriorCheck:
    """Draw parameters and outcomes from the priors and put them beside the data.

    Parameters
    ----------
    prepared
        The model, its rows not merged (``data.reduce: off``).
    draws
        Joint draws of all parameters.
    seed
        That of the spec where it is ``None``. The same seed gives the same numbers.

    Raises
    ------
    UsageError
        Too few or too many draws.
    """
    check_draws(draws)
    spec = prepared.loaded.spec
    seed = spec.fit.seed if seed is None else seed
    for_rows, for_parameters, for_outcomes = np.random.SeedSequence(seed).spawn(3)
    plan = prepared.plan
    kept = _kept_rows(plan.design.n_obs, draws, np.random.default_rng(for_rows))
    looked_at = plan
    if len(kept) < plan.design.n_obs:
        looked_at = replace(plan, design=some_rows(plan.design, kept))
    parameters = draw_parameters(plan, draws, np.random.default_rng(for_parameters))
    outcomes = draw_outcomes(looked_at, parameters, draws, np.random.default_rng(for_outcomes))
    quantities = [
        *_of_data(looked_at, outcomes),
        *implied_spread(plan, parameters),
        *of_shares(looked_at, outcomes),
    ]
    interval = spec.outputs.interval
    table = pd.DataFrame([summary_row(q, interval) for q in quantities], columns=list(COLUMNS))
    table["remark"] = table["remark"].astype(object)
    categorical = plan.family in CATEGORY_FAMILIES
    return PriorCheck(
        name=spec.name,
        response=plan.design.response.name,
        family=plan.family,
        table=table,
        sentences=tuple(sentences(table, plan.design.response.name, interval)),
        notes=tuple(_notes(looked_at, plan)),
        interval=interval,
        draws=draws,
        seed=seed,
        n_rows=len(kept),
        observed=np.zeros(0) if categorical else observed_values(looked_at),
        outcomes=np.zeros(0) if categorical else _thinned(_shown(plan, outcomes)),
    )


def observed_values(plan: ModelPlan) -> np.ndarray:
    """Return the responses on the scale of the draws: proportions as shares of their trials."""
    response = plan.design.response
    values = response.values.astype(float)
    return values if response.trials is None else values / response.trials


def _of_data(plan: ModelPlan, outcomes: Outcomes) -> Iterator[Quantity]:
    if plan.family in CATEGORY_FAMILIES:
        yield from of_categories(plan, outcomes)
    else:
        yield from of_outcomes(plan, observed_values(plan), outcomes)


def _kept_rows(n_rows: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    most = max(1, MAX_CELLS // draws)
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(rng.choice(n_rows, most, replace=False))


def _shown(plan: ModelPlan, outcomes: Outcomes) -> np.ndarray:
    """Return what the plot shows: zeros and ones would hide the probabilities behind them."""
    if plan.family == "bernoulli" and outcomes.chance is not None:
        return np.where(np.isfinite(outcomes.values), outcomes.chance, np.nan)
    return outcomes.values


def _thinned(values: np.ndarray) -> np.ndarray:
    """Return evenly spaced finite outcomes of all draws."""
    flat = values.T.ravel()
    flat = flat[np.isfinite(flat)]
    return flat[:: max(1, len(flat) // SHOWN)]


def _notes(looked_at: ModelPlan, plan: ModelPlan) -> Iterator[str]:
    kept, whole, response = looked_at.design.n_obs, plan.design.n_obs, plan.design.response
    if kept < whole:
        yield f"{kept} of {whole} rows, drawn at random, for the data and the prior alike"
    if response.kind == "proportion":
        yield "outcomes are shares of the trials; means weigh rows by their trials"
    if response.kind in ("censored", "truncated"):
        yield f"the response is {response.kind}: outcomes are of the value behind it"
    if response.kind == "weighted":
        yield "weights do not change the outcome of a row; they are left out"
    if plan.family in COUNT_FAMILIES:
        yield "means of counts beyond 1e15 count as 1e15"
