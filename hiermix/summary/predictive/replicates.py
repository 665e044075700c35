"""Data sets that a fitted model would produce over the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import draws_of
from hiermix.summary.families import Rng, predicted
from hiermix.summary.links import INVERSE
from hiermix.summary.predictive.statistics import CHECKED, Outcomes
from hiermix.summary.predictor import predictor_draws
from hiermix.summary.weights import VARIANCES

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

MOST, LEAST = 2000, 100
"""Replicated data sets that are drawn, as rows allow."""

CELLS = 2_000_000
"""Rows x data sets beyond which fewer data sets are drawn."""

MAX_ROWS = 100_000
"""Rows beyond which a hundred data sets take too long."""

CHUNK_CELLS = 500_000

FEWEST_STORED = 50
"""Stored data sets from which on they are a distribution."""

SCALES = {"gaussian": "sigma", "negativebinomial": "alpha"}
DRAWN_HERE = frozenset({"bernoulli", "binomial", "poisson", *SCALES})
"""Families whose replicates are drawn here; others take those that the engine drew."""


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

    Drawn here for the families of `DRAWN_HERE`: up to `MOST`, from evenly spaced draws of the
    posterior, with their expectations; for others, the hundred that the engine stored. The same
    fit gives the same data sets. Where a parameter is no number, so are the outcomes.
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
    return plan.family in DRAWN_HERE and link in INVERSE and not plan.design.components


def _drawn(fit: Fit, plan: ModelPlan, picks: np.ndarray, rng: Rng) -> Outcomes:
    design = plan.design
    predictor = predictor_draws(fit, plan, design.main, picks)
    whole = slice(0, len(picks))
    eta = predictor.common_part(whole) + predictor.group_part(whole)
    parent = design.main.parameter
    with np.errstate(all="ignore"):
        mean = INVERSE[plan.links[parent]](eta)
        parameters = {parent: mean, **_other(fit, plan, picks)}
        expected = predicted(plan.family, parameters, None)
        sd = np.sqrt(_variance(plan.family, expected, parameters))
        values = predicted(plan.family, parameters, rng)
    return Outcomes(values, design.response.trials, expected, np.broadcast_to(sd, eta.shape))


def _other(fit: Fit, plan: ModelPlan, picks: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the distribution of a row needs beside the parent."""
    design = plan.design
    if plan.family == "gaussian" and design.known_se is not None:
        return {"sigma": design.known_se}
    if plan.family in SCALES:
        name = SCALES[plan.family]
        return {name: draws_of(fit, plan.parameter(name))[picks, None]}
    return {} if design.response.trials is None else {"n": design.response.trials}


def _variance(
    family: str, expected: np.ndarray, parameters: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the variance of an outcome."""
    if family == "gaussian":
        return np.square(parameters["sigma"])
    if "p" in parameters:
        return np.asarray(expected * (1 - parameters["p"]))
    return VARIANCES[family](expected, parameters.get("alpha", np.ones(1)))
