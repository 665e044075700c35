"""Partially, hierarchically centred group-specific effects, as Bambi's prior hook builds them.

For a level j with effect u ~ Normal(0, tau) and m_j, what the model predicts for the level
without u (common effects, coarser factors, its own slopes at the level's mean), the sampler's
coordinate is z with

    z ~ Normal(w m_j, s (tau / s)^w),   u = (z - w m_j) (tau / s)^(1 - w)

so that u ~ Normal(0, tau) for every w in [0, 1]: w = 1 is hierarchical centring (Gelfand, Sahu
and Carlin 1995, doi:10.1093/biomet/82.3.479), w = 0 the non-centred form, between them partial
centring (Papaspiliopoulos, Roberts and Skold 2007, doi:10.1214/088342307000000014). s is a rough
group sd that only scales z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from hiermix.design.types import Factor, GroupTerm, LinearPart
from hiermix.model.centring import is_nested, parent_levels
from hiermix.model.plan import Centring


class Hierarchy:
    """Builds the group-specific effects of one linear predictor, one term after the other.

    Parameters
    ----------
    part
        The linear predictor.
    common_names
        Name in the PyMC model of every common term, in the order of ``part.common``.
    intercept_name
        Name in the PyMC model of the intercept at centred columns, ``None`` without one.
    """

    def __init__(
        self, part: LinearPart, common_names: tuple[str, ...], intercept_name: str | None
    ) -> None:
        self._part = part
        self._common_names = common_names
        self._intercept_name = intercept_name
        self._effects: dict[tuple[str, str], Any] = {}
        self._matrix_mean = part.common_matrix.mean(axis=0)

    def distribution(self, term: GroupTerm, centring: Centring) -> Callable[..., Any]:
        """Return the hook that Bambi calls for ``term`` while it builds the model."""

        def build(name: str, sigma: Any, dims: tuple[str, ...]) -> Any:
            effect = self._effect(name, term, centring, sigma, dims)
            self._effects[term.factor.name, term.expression] = effect
            return effect

        return build

    def _effect(
        self, name: str, term: GroupTerm, centring: Centring, sigma: Any, dims: tuple[str, ...]
    ) -> Any:
        wide = term.labels is not None
        weight = centring.weight if wide else centring.weight[:, 0]
        scale = centring.scale if wide else float(centring.scale[0])
        if not weight.any():
            z = pm.Normal(f"{name}_z", 0.0, 1.0, dims=dims)
            return pm.Deterministic(name, z * sigma, dims=dims)
        mean = self._mean(term, centring.anchored, wide)
        ratio = sigma / scale
        z = pm.Normal(f"{name}_z", weight * mean, scale * ratio**weight, dims=dims)
        return pm.Deterministic(name, (z - weight * mean) * ratio ** (1 - weight), dims=dims)

    def _mean(self, term: GroupTerm, anchored: bool, wide: bool) -> Any:
        """What the model predicts for the levels without their own effect of this term."""
        mean: Any = np.zeros(term.factor.n_groups)
        if wide:
            mean = np.zeros((term.factor.n_groups, len(term.columns)))
        if not anchored:
            return mean
        if term.expression == "1":
            return mean + self._intercept_mean(term.factor)
        slope = self._common_slope(term)
        if slope is not None:
            mean = mean + (slope if wide else slope[0])
        for outer in self._outer(term.factor):
            effect = self._effects.get((outer.name, term.expression))
            if effect is not None:
                mean = mean + effect[parent_levels(term.factor, outer)]
        return mean

    def _intercept_mean(self, factor: Factor) -> Any:
        model = pm.modelcontext(None)
        mean: Any = model[self._intercept_name]
        if self._part.common:
            deviation = level_means(factor, self._part.common_matrix) - self._matrix_mean
            mean = mean + pt.dot(deviation, self._coefficients())
        for other in (factor, *self._outer(factor)):
            parents = parent_levels(factor, other)
            for term in self._part.group:
                effect = self._effects.get((other.name, term.expression))
                if term.factor.name != other.name or effect is None:
                    continue
                at_level = effect[parents]
                if term.expression == "1":
                    mean = mean + at_level
                    continue
                values = level_means(factor, term.values)
                mean = mean + (
                    at_level * values[:, 0]
                    if term.labels is None
                    else (at_level * values).sum(axis=1)
                )
        return mean

    def _coefficients(self) -> Any:
        model = pm.modelcontext(None)
        return pt.concatenate([pt.atleast_1d(model[name]) for name in self._common_names])

    def _common_slope(self, term: GroupTerm) -> Any | None:
        """Return the common coefficients of the term's columns, if the model has all of them."""
        columns = self._part.common_columns
        if not set(term.columns) <= set(columns):
            return None
        return self._coefficients()[[columns.index(column) for column in term.columns]]

    def _outer(self, factor: Factor) -> list[Factor]:
        return [f for f in self._part.factors if is_nested(factor, f)]


def level_means(factor: Factor, values: np.ndarray) -> np.ndarray:
    """Return the means of columns by level: ``(n_obs, k)`` to ``(n_groups, k)``."""
    sums = np.column_stack(
        [np.bincount(factor.index, column, minlength=factor.n_groups) for column in values.T]
    )
    return np.asarray(sums / factor.counts[:, None])
