"""Linear predictors of some draws, from index and slope columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.summary.draws import by_level, draws_of

if TYPE_CHECKING:
    from hiermix.design.types import LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan


@dataclass(frozen=True)
class PredictorDraws:
    """Coefficients of one linear predictor for some draws.

    ``intercept`` has shape ``(n_draws,)``, ``common`` ``(n_draws, n_common)``; ``group`` holds
    one ``(n_draws, k, n_groups)`` for each group term.
    """

    part: LinearPart
    n_obs: int
    intercept: np.ndarray
    common: np.ndarray
    group: tuple[np.ndarray, ...]

    def common_part(self, draws: slice) -> np.ndarray:
        """Return offset, intercept and common effects, shape ``(len(draws), n_obs)``."""
        intercept = self.intercept[draws, None]
        values = np.repeat(intercept, self.n_obs, axis=1)
        if self.part.common:
            values += self.common[draws] @ self.part.common_matrix.T
        return values if self.part.offset is None else values + self.part.offset

    def group_part(self, draws: slice) -> np.ndarray | float:
        """Return the sum of the group-specific effects; 0 if there is none."""
        total: np.ndarray | float = 0.0
        for term, effects in zip(self.part.group, self.group, strict=True):
            for column in range(effects.shape[1]):
                of_rows = effects[draws, column][:, term.factor.index]
                total = total + of_rows * term.values[:, column]
        return total


def predictor_draws(
    fit: Fit, plan: ModelPlan, part: LinearPart, picks: np.ndarray | None
) -> PredictorDraws:
    """Return the coefficients of ``part`` for the draws at the positions ``picks``.

    ``None`` takes all draws, without a copy of those of the levels.
    """
    sizes = fit.tree["posterior"].sizes
    n_draws = sizes["chain"] * sizes["draw"] if picks is None else len(picks)

    def of(name: str) -> np.ndarray:
        draws = draws_of(fit, plan.parameter(name))
        return draws if picks is None else np.asarray(draws[picks])

    return _assembled(plan, part, of, n_draws)


def mean_predictor(fit: Fit, plan: ModelPlan, part: LinearPart) -> np.ndarray:
    """Return the linear predictor at the posterior means of its coefficients, ``(n_obs,)``."""

    def mean(name: str) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            draws = draws_of(fit, plan.parameter(name))
            return np.asarray(draws.mean(axis=0, keepdims=True))

    at_mean = _assembled(plan, part, mean, 1)
    one = slice(0, 1)
    return np.asarray((at_mean.common_part(one) + at_mean.group_part(one))[0])


def _assembled(
    plan: ModelPlan, part: LinearPart, named: Callable[[str], np.ndarray], n_draws: int
) -> PredictorDraws:
    def of(name: str) -> np.ndarray:
        return named(plan.label(part, name))

    common = [of(term.name).reshape(n_draws, -1) for term in part.common]
    return PredictorDraws(
        part=part,
        n_obs=plan.design.n_obs,
        intercept=of("Intercept") if part.intercept else np.zeros(n_draws),
        common=np.concatenate(common, axis=1) if common else np.zeros((n_draws, 0)),
        group=tuple(by_level(plan, part, term, of(term.name)) for term in part.group),
    )
