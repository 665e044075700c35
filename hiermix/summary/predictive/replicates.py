"""Data sets that a fitted model would produce over the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import draws_of
from hiermix.summary.predictive.statistics import CHECKED, Outcomes
from hiermix.summary.predictor import predictor_draws
from hiermix.summary.weights import INVERSE_LINKS

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

Rng = np.random.Generator

MOST, LEAST = 2000, 100
"""Replicated data sets that are drawn, as rows allow."""

CELLS = 2_000_000
"""Rows x data sets beyond which fewer data sets are drawn."""

MAX_ROWS = 100_000
"""Rows beyond which a hundred data sets take too long."""

CHUNK_CELLS = 500_000

FEWEST_STORED = 50
"""Stored data sets from which on they are a distribution."""

LARGEST_MEAN = 1e15
"""Of a count that is drawn: beyond it, a count has no exact float64 either."""


def why_no_replicates(fit: Fit, plan: ModelPlan) -> str:
    """Return in words why there are no replicated data to compare the data with; empty if any."""
    design = plan.design
    if plan.merged is not None or design.multiplicity is not None:
        return "rows were merged while they were read"
    if design.response.kind not in ("plain", "proportion"):
        return f"replicates of a {design.response.kind} response do not mean what its values do"
    if plan.family not in CHECKED:
        return f"outcomes of family {plan.family} have no mean or sd"
    if design.n_obs < 2:
        return "there is a single row"
    if _is_drawn_here(plan):
        return "" if design.n_obs <= MAX_ROWS else f"{design.n_obs:,} rows are too many"
    if "posterior_predictive" not in fit.tree.children:
        left_out = fit.facts.get("left_out", {})
        return str(left_out.get("posterior_predictive", "the engine drew no replicated data"))
    sizes = fit.tree["posterior_predictive"].sizes
    if sizes["chain"] * sizes["draw"] < FEWEST_STORED:
        return f"fewer than {FEWEST_STORED} replicated data sets were drawn"
    return ""


def replicates(fit: Fit, plan: ModelPlan) -> Iterator[Outcomes]:
    """Yield replicated data sets, some at a time.

    Drawn here for the families of `ROWS`: up to `MOST`, from evenly spaced draws of the posterior,
    with their expectations; for others, the hundred that the engine stored. The same fit gives the
    same data sets. Where a parameter is no number, so are the outcomes.
    """
    trials = plan.design.response.trials
    if not _is_drawn_here(plan):
        (values,) = fit.tree["posterior_predictive"].dataset.data_vars.values()
        stored = values.transpose("chain", "draw", "__obs__").to_numpy()
        yield Outcomes(stored.reshape(-1, stored.shape[-1]).astype(float), trials)
        return
    n_obs = plan.design.n_obs
    sizes = fit.tree["posterior"].sizes
    n_draws = sizes["chain"] * sizes["draw"]
    n = min(MOST, max(LEAST, CELLS // n_obs))
    picks = np.arange(n) * n_draws // n
    rng = np.random.default_rng([fit.request.seed, n])
    step = max(1, CHUNK_CELLS // n_obs)
    for start in range(0, n, step):
        yield _drawn(fit, plan, picks[start : start + step], rng)


def _is_drawn_here(plan: ModelPlan) -> bool:
    link = plan.links.get(plan.design.main.parameter, "")
    return plan.family in ROWS and link in INVERSE_LINKS and not plan.design.components


def _drawn(fit: Fit, plan: ModelPlan, picks: np.ndarray, rng: Rng) -> Outcomes:
    design = plan.design
    predictor = predictor_draws(fit, plan, design.main, picks)
    whole = slice(0, len(picks))
    eta = predictor.common_part(whole) + predictor.group_part(whole)
    family = ROWS[plan.family]
    other: np.ndarray = np.ones(1)
    if plan.family == "gaussian" and design.known_se is not None:
        other = design.known_se
    elif family.parameter:
        other = draws_of(fit, plan.parameter(family.parameter))[picks, None]
    elif design.response.trials is not None:
        other = design.response.trials
    with np.errstate(all="ignore"):
        mean, _ = INVERSE_LINKS[plan.links[design.main.parameter]](eta)
        values = family.draw(rng, mean, other)
        expected = mean if design.response.trials is None else mean * other
        sd = np.sqrt(family.variance(mean, other))
    return Outcomes(values, design.response.trials, expected, np.broadcast_to(sd, mean.shape))


def _normal(rng: Rng, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return np.asarray(mean + sd * rng.standard_normal(mean.shape))


def _binomial(rng: Rng, mean: np.ndarray, trials: np.ndarray) -> np.ndarray:
    valid = (mean >= 0) & (mean <= 1)
    found = rng.binomial(trials.astype(np.int64), np.where(valid, mean, 0.5))
    return np.where(valid, found, np.nan)


def _poisson(rng: Rng, mean: np.ndarray, _: np.ndarray) -> np.ndarray:
    valid = (mean >= 0) & (mean <= LARGEST_MEAN)
    return np.where(valid, rng.poisson(np.where(valid, mean, 1.0)), np.nan)


def _negative_binomial(rng: Rng, mean: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    shape = np.where((alpha > 0) & np.isfinite(alpha), alpha, np.nan)
    rates = rng.standard_gamma(np.broadcast_to(np.nan_to_num(shape, nan=1.0), mean.shape))
    return _poisson(rng, mean * rates / shape, alpha)


@dataclass(frozen=True)
class Rows:
    """How rows scatter about their mean.

    ``draw`` and ``variance`` take the mean (of one trial) and another number: draws of
    ``parameter`` where it names one, else known standard errors or trials.
    """

    draw: Callable[[Rng, np.ndarray, np.ndarray], np.ndarray]
    variance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    parameter: str = ""


def _of_trials(mean: np.ndarray, trials: np.ndarray) -> np.ndarray:
    return np.asarray(trials * mean * (1 - mean))


ROWS: Mapping[str, Rows] = {
    "gaussian": Rows(_normal, lambda _, sd: np.square(sd), "sigma"),
    "bernoulli": Rows(_binomial, _of_trials),
    "binomial": Rows(_binomial, _of_trials),
    "poisson": Rows(_poisson, lambda mean, _: mean),
    "negativebinomial": Rows(
        _negative_binomial, lambda mean, alpha: mean + np.square(mean) / alpha, "alpha"
    ),
}
"""Families whose replicates are drawn here; others take those that the engine drew."""
