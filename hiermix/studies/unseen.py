"""Linear predictors of rows that were not fitted, whose levels may be new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.studies.integrated import effect_roots
from hiermix.summary.draws import by_level, draws_of
from hiermix.summary.predictor import PredictorDraws

if TYPE_CHECKING:
    from hiermix.design.types import Factor, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan


@dataclass(frozen=True)
class NewLevels:
    """Levels of one factor that the fit does not know.

    Attributes
    ----------
    level
        Shape ``(n_obs,)``: position of the row's level among the new ones, -1 for a known one.
    columns
        Shape ``(n_obs, k)``: what multiplies the effects of the row's level.
    roots
        Shape ``(n_draws, k, k)``: roots of the covariance of a level's effects.
    """

    factor: str
    level: np.ndarray
    columns: np.ndarray
    roots: np.ndarray

    @property
    def n_levels(self) -> int:
        """How many new levels there are."""
        return int(self.level.max(initial=-1)) + 1

    def directions(self, rows: np.ndarray) -> np.ndarray:
        """Return how standard normal effects move some rows, ``(n_draws, n_rows, k)``."""
        return np.asarray(np.einsum("na,dak->dnk", self.columns[rows], self.roots))

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        """Return what fresh effects add to each row, one draw a level, ``(n_draws, n_obs)``."""
        n_draws, k = self.roots.shape[:2]
        effects = np.einsum(
            "dak,dgk->dga", self.roots, rng.standard_normal((n_draws, self.n_levels, k))
        )
        added = np.zeros((n_draws, len(self.level)))
        rows = np.flatnonzero(self.level >= 0)
        for column in range(k):
            own = effects[:, self.level[rows], column]
            added[:, rows] += own * self.columns[rows, column]
        return added


@dataclass(frozen=True)
class UnseenRows:
    """One linear predictor at rows that were not fitted.

    ``known`` has the effects of the levels that were, zeros for ``new`` ones.
    """

    known: PredictorDraws
    new: tuple[NewLevels, ...]

    def eta(self) -> np.ndarray:
        """Return the linear predictor where new levels have no effect, ``(n_draws, n_obs)``."""
        whole = slice(None)
        return np.asarray(self.known.common_part(whole) + self.known.group_part(whole))


def unseen_rows(
    fit: Fit,
    plan: ModelPlan,
    fitted: LinearPart,
    part: LinearPart,
    n_obs: int,
    picks: np.ndarray,
) -> UnseenRows:
    """Return a linear predictor of other rows than those that were fitted.

    Parameters
    ----------
    plan
        Of the fit.
    fitted
        The linear predictor in the plan.
    part
        The same at ``n_obs`` other rows; levels are matched by name.
    picks
        Positions of draws.
    """

    def of(name: str) -> np.ndarray:
        return np.asarray(draws_of(fit, plan.parameter(plan.label(fitted, name)))[picks])

    n = len(picks)
    common = [of(term.name).reshape(n, -1) for term in part.common]
    effects = []
    for term, own in zip(fitted.group, part.group, strict=True):
        place = places(term.factor, own.factor)
        values = by_level(plan, fitted, term, of(term.name))
        effects.append(np.where(place >= 0, values[:, :, place], 0.0))
    known = PredictorDraws(
        part=part,
        n_obs=n_obs,
        intercept=of("Intercept") if part.intercept else np.zeros(n),
        common=np.concatenate(common, axis=1) if common else np.zeros((n, 0)),
        group=tuple(effects),
    )
    factors = {factor.name: factor for factor in fitted.factors}
    new = []
    for factor in part.factors:
        unknown = places(factors[factor.name], factor) < 0
        if not unknown.any():
            continue
        level = np.where(unknown, np.cumsum(unknown) - 1, -1)[factor.index]
        columns = [t.values for t in part.group if t.factor.name == factor.name]
        roots = effect_roots(fit, plan, fitted, factor.name)[picks]
        new.append(NewLevels(factor.name, level, np.concatenate(columns, axis=1), roots))
    return UnseenRows(known, tuple(new))


def places(fitted: Factor, factor: Factor) -> np.ndarray:
    """Return where the levels of a factor are among those that were fitted; -1 for new ones."""
    known = {level: place for place, level in enumerate(fitted.levels)}
    return np.array([known.get(level, -1) for level in factor.levels], dtype=np.int64)
