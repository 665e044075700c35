"""Bayesian R2: the share of the variance that the model explains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import draws_of, evenly_spaced
from hiermix.summary.icc import residual_variance
from hiermix.summary.predictor import PredictorDraws, predictor_draws

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

MAX_DRAWS = 500

MAX_CELLS = 200_000_000
"""Rows times draws that are evaluated: about five seconds for two group terms."""

MIN_DRAWS = 50

ROUNDING = 1e-14
"""An sd over the rows that is a smaller share of the values is none: they are all the same."""

CHUNK_CELLS = 4_000_000
"""Rows times draws that are in memory at a time (a few arrays of 32 MB)."""


def bayes_r2(fit: Fit, plan: ModelPlan) -> dict[str, np.ndarray]:
    """Return draws of ``r2_conditional`` and ``r2_marginal``, shape ``(n_picked,)`` each.

    ``var(fit) / (var(fit) + residual variance)`` for each draw, the variance being taken over
    the rows. Conditional: the fit has the group-specific effects. Marginal: it has not, and the
    variance of the group-specific part counts as residual. The residual variance is sigma^2,
    its mean over the rows where sigma is modelled, or that of the known standard errors; for the
    other families that have an ICC it is that of the latent scale, and the fit is the linear
    predictor. Evenly spaced draws are used, at most ``MAX_DRAWS``. Empty for other families and
    links and for fewer than two rows.

    Source: Gelman, Goodrich, Gabry and Vehtari 2019, doi:10.1080/00031305.2018.1549100; on the
    latent scale Nakagawa, Johnson and Schielzeth 2017, doi:10.1098/rsif.2017.0213.
    """
    design = plan.design
    if design.n_obs < 2:
        return {}
    picks = _picks(fit, design.n_obs)
    residual = _residual_variance(fit, plan, picks)
    if residual is None:
        return {}
    explaining = _without_exposures(plan)
    fitted = predictor_draws(fit, explaining, explaining.design.main, picks)
    with np.errstate(invalid="ignore", over="ignore"):
        whole, common, group = _variances(fitted, len(picks), design.n_obs, _row_weights(plan))
        r2 = {"r2_conditional": whole / (whole + residual)}
        if design.main.group:
            r2["r2_marginal"] = common / (common + group + residual)
    return r2


def _without_exposures(plan: ModelPlan) -> ModelPlan:
    """Return the plan without the offset of merged counts: it says how many rows they are."""
    if plan.family != "poisson":
        return plan
    main = replace(plan.design.main, offset=None)
    return replace(plan, design=replace(plan.design, main=main))


def _row_weights(plan: ModelPlan) -> np.ndarray | None:
    """Return how many rows each counts as: every trial is one, whether they were added or not."""
    trials = plan.design.response.trials
    return plan.design.multiplicity if trials is None else np.asarray(trials, dtype=float)


def _picks(fit: Fit, n_obs: int) -> np.ndarray:
    sizes = fit.tree["posterior"].sizes
    total = sizes["chain"] * sizes["draw"]
    wanted = min(MAX_DRAWS, max(MIN_DRAWS, MAX_CELLS // n_obs), total)
    return evenly_spaced(total, wanted)


def _variances(
    fitted: PredictorDraws, n_picks: int, n_obs: int, multiplicity: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    step = max(1, CHUNK_CELLS // n_obs)
    whole, common, group = np.empty(n_picks), np.empty(n_picks), np.empty(n_picks)
    for start in range(0, n_picks, step):
        piece = slice(start, start + step)
        of_common = fitted.common_part(piece)
        of_group = fitted.group_part(piece)
        common[piece] = _variance(of_common, multiplicity)
        group[piece] = _variance(np.broadcast_to(of_group, of_common.shape), multiplicity)
        whole[piece] = _variance(of_common + of_group, multiplicity)
    return whole, common, group


def _variance(fitted: np.ndarray, multiplicity: np.ndarray | None) -> np.ndarray:
    """Return the variance over rows of each draw, ``(n_draws, n_obs)`` given; 0 for rounding."""
    # Imported here: what reads finished runs needs no design.
    from hiermix.design.rows import row_variance

    found = row_variance(fitted.T, multiplicity)
    size = np.abs(fitted).max(axis=1)
    return np.where(found <= (ROUNDING * size) ** 2, 0.0, found)


def _residual_variance(fit: Fit, plan: ModelPlan, picks: np.ndarray) -> np.ndarray | None:
    design = plan.design
    if plan.family != "gaussian":
        latent = residual_variance(fit, plan)
        return None if latent is None else np.full(len(picks), latent)
    if plan.links.get(design.main.parameter) != "identity":
        return None
    if design.known_se is not None:
        return np.full(len(picks), float(np.square(design.known_se).mean()))
    if "sigma" in design.components:
        return _modelled_sigma(fit, plan, picks)
    sigma = [p for p in plan.parameters if p.name == "sigma"]
    return np.square(draws_of(fit, sigma[0])[picks]) if sigma else None


def _modelled_sigma(fit: Fit, plan: ModelPlan, picks: np.ndarray) -> np.ndarray | None:
    if plan.links.get("sigma") != "log":
        return None
    predictor = predictor_draws(fit, plan, plan.design.components["sigma"], picks)
    step = max(1, CHUNK_CELLS // plan.design.n_obs)
    variances = []
    for start in range(0, len(picks), step):
        piece = slice(start, start + step)
        eta = predictor.common_part(piece) + predictor.group_part(piece)
        variances.append(np.exp(2 * eta).mean(axis=1))
    return np.concatenate(variances)
