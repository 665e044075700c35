"""Group-specific effects in the coordinates that the plan chose, as Bambi's prior hook builds them.

For a level with effect u ~ Normal(0, tau), information I and own estimate r of u, both from the
plan, the adapted form is::

    h = r tau I / q,   q = sqrt(1 + tau^2 I)
    z ~ Normal(-h, q),   u = tau (z + h) / q

so that u ~ Normal(0, tau) exactly, whatever I and r are, and z is about Normal(0, 1) a posteriori
where they are right (see `hiermix.model.centring`). An effect that is correlated with others takes
its place after some of them: given those, u ~ Normal(m, s), and ``u - m`` and ``r - m`` replace u
and r, s replaces tau (see `hiermix.engines.correlations`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from hiermix.design.grouping import is_nested, parent_levels
from hiermix.design.types import CorrelatedBlock, Factor, GroupTerm, LinearPart
from hiermix.engines.correlations import CorrelatedEffects
from hiermix.model.plan import Centring

FOLDED = {"HalfNormal": pm.Normal, "HalfStudentT": pm.StudentT}
"""Half distributions and the symmetric ones whose absolute value they are."""

MIN_NU = 3.0
"""With fewer degrees of freedom the tails are so heavy that the log scale is the better one."""


def sd_distribution(name: str, arguments: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return a builder of a group sd as the absolute value of a symmetric variable, or ``None``.

    A group sd that may be zero has a long left tail on the log scale, through which a sampler
    moves slowly. ``u = x z`` with a signed x has no boundary, and |x| has the half distribution.

    Parameters
    ----------
    name, arguments
        Distribution of the sd's prior and its arguments.
    """
    if name not in FOLDED or np.min(arguments.get("nu", MIN_NU)) < MIN_NU:
        return None
    symmetric = FOLDED[name]

    def build(name: str, dims: Any = None, **given: Any) -> Any:
        scale = given.pop("sigma")
        x = symmetric(f"{name}_signed", mu=0.0, sigma=1.0, **given, dims=dims)
        return pm.Deterministic(name, abs(x) * scale, dims=dims)

    return build


def signed_sd(name: str, sd: Any, scale: Any) -> Any:
    """Return the signed variable behind a group sd, or the sd itself where there is none."""
    model = pm.modelcontext(None)
    signed = f"{name}_signed"
    return model[signed] * scale if signed in model.named_vars else sd


@dataclass(frozen=True)
class Coordinates:
    """What the sampler's coordinates of a term are relative to.

    ``mean``, ``information`` and ``estimate`` have shape ``(n_groups,)``, or ``(n_groups, k)``
    for a term with k columns; ``noncentered`` needs none of them.
    """

    form: str = "noncentered"
    mean: Any = None
    information: Any = None
    estimate: Any = None

    def column(self, number: int) -> Coordinates:
        """Return the coordinates of one column of a term with several."""
        if self.form == "noncentered":
            return self
        own = (array[:, number] for array in (self.mean, self.information, self.estimate))
        return Coordinates(self.form, *own)


def draw_effect(
    name: str, at: Coordinates, shift: Any, scale: Any, dims: tuple[str, ...]
) -> tuple[Any, Any]:
    """Make the variable behind effects ``u ~ Normal(shift, |scale|)`` of one value a level.

    Returns
    -------
    tuple
        ``u`` and ``w``, where ``u = shift + scale w`` and w ~ Normal(0, 1) a priori.
    """
    if at.form == "noncentered":
        w = pm.Normal(name, 0.0, 1.0, dims=dims)
        return shift + scale * w, w
    if at.form == "centered":
        u = pm.Normal(name, at.mean + shift, abs(scale), dims=dims) - at.mean
        # Samplers start near a scale of 0, where u is the shift; 0 / 0 would spoil that point.
        return u, (u - shift) / pt.where(pt.eq(scale, 0), 1.0, scale)
    q = pt.sqrt(1 + scale**2 * at.information)
    distance = (at.estimate - at.mean - shift) * scale * at.information
    h = pt.where(at.information > 0, distance / q, 0.0)
    w = (pm.Normal(name, -h, q, dims=dims) + h) / q
    return shift + scale * w, w


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
    centres
        What is taken off the columns of each common term, one ``(k,)`` a term.
    correlations
        Factor with correlated effects -> name in the PyMC model of their correlations and
        parameter of their LKJ prior.
    """

    def __init__(
        self,
        part: LinearPart,
        common_names: tuple[str, ...],
        intercept_name: str | None,
        centres: tuple[np.ndarray, ...],
        correlations: Mapping[str, tuple[str, float]],
    ) -> None:
        self._part = part
        self._common_names = common_names
        self._intercept_name = intercept_name
        self._correlations = correlations
        self._blocks = {term.name: b for b in part.correlated_blocks for term in b.terms}
        self._built: dict[int, CorrelatedEffects] = {}
        self._effects: dict[tuple[str, str], Any] = {}
        self._columns = part.common_matrix - np.concatenate([np.zeros(0), *centres])

    def distribution(
        self, term: GroupTerm, centring: Centring | None, sd_scale: Any
    ) -> Callable[..., Any]:
        """Return the hook that Bambi calls for ``term`` while it builds the model.

        Without ``centring`` the term is non-centred.
        """

        def build(name: str, sigma: Any, dims: tuple[str, ...]) -> Any:
            tau = signed_sd(f"{name}_sigma", sigma, sd_scale)
            at = self._coordinates(term, centring)
            block = self._blocks.get(term.name)
            if block is None:
                effect, _ = draw_effect(f"{name}_z", at, 0.0, tau, dims)
            else:
                effect = self._correlated(name, term, block, at, tau, dims)
            effect = pm.Deterministic(name, effect, dims=dims)
            self._effects[term.factor.name, term.expression] = effect
            return effect

        return build

    def add_correlations(self) -> None:
        """Add the reported correlations to the model, once all terms are in it."""
        for factor, (name, _) in self._correlations.items():
            blocks = [b for b in self._part.correlated_blocks if b.factor.name == factor]
            pairs = [r for b in blocks for r in self._built[b.terms[0].bar].correlations()]
            pm.Deterministic(name, pt.stack(pairs))

    def _correlated(
        self,
        name: str,
        term: GroupTerm,
        block: CorrelatedBlock,
        at: Coordinates,
        tau: Any,
        dims: tuple[str, ...],
    ) -> Any:
        wide = term.labels is not None
        response = dims[1 + wide :]
        effects = self._block(block, response)
        if not wide:
            effect, w = draw_effect(f"{name}_z", at, *effects.given(tau), dims)
            effects.add(w, tau)
            return effect
        columns = []
        for number in range(len(term.columns)):
            shift, scale = effects.given(tau[number])
            own = (dims[0], *response)
            column, w = draw_effect(f"{name}_z{number}", at.column(number), shift, scale, own)
            effects.add(w, tau[number])
            columns.append(column)
        return pt.stack(columns, axis=1)

    def _block(self, block: CorrelatedBlock, response: tuple[str, ...]) -> CorrelatedEffects:
        bar = block.terms[0].bar
        if bar not in self._built:
            name, eta = self._correlations[block.factor.name]
            coords = pm.modelcontext(None).coords
            shape = tuple(len(coords[dim]) for dim in response)
            self._built[bar] = CorrelatedEffects(f"{name}_beta{bar}", block, eta, shape)
        return self._built[bar]

    def _coordinates(self, term: GroupTerm, centring: Centring | None) -> Coordinates:
        if centring is None or centring.form == "noncentered":
            return Coordinates()
        wide = term.labels is not None
        information, estimate = centring.information, centring.estimate
        if not wide:
            information, estimate = information[:, 0], estimate[:, 0]
        mean = self._mean(term, centring.row_weight, wide)
        return Coordinates(centring.form, mean, information, estimate)

    def _mean(self, term: GroupTerm, row_weight: np.ndarray, wide: bool) -> Any:
        """Predict the levels' coefficients without their own effect of this term."""
        if term.expression == "1":
            return self._intercept_mean(term.factor, row_weight)
        shape = (term.factor.n_groups, len(term.columns)) if wide else (term.factor.n_groups,)
        mean: Any = np.zeros(shape)
        slope = self._common_slope(term)
        if slope is not None:
            mean = mean + (slope if wide else slope[0])
        for outer in self._part.factors:
            effect = self._effects.get((outer.name, term.expression))
            if effect is not None and is_nested(term.factor, outer):
                mean = mean + effect[parent_levels(term.factor, outer)]
        return mean

    def _intercept_mean(self, factor: Factor, row_weight: np.ndarray) -> Any:
        """Predict the levels' mean linear predictors without their own intercept."""
        model = pm.modelcontext(None)
        mean: Any = np.zeros(factor.n_groups)
        if self._intercept_name is not None:
            mean = mean + model[self._intercept_name]
        if self._part.common:
            mean = mean + pt.dot(
                level_means(factor, self._columns, row_weight), self._coefficients()
            )
        for term in self._part.group:
            effect = self._effects.get((term.factor.name, term.expression))
            if effect is not None:
                mean = mean + _mean_effect(factor, term, effect, row_weight)
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


def _mean_effect(factor: Factor, term: GroupTerm, effect: Any, row_weight: np.ndarray) -> Any:
    """Return the mean over each level's rows of another term's contribution.

    Works on the pairs of levels that occur, at most ``n_obs`` of them.
    """
    other = term.factor
    pair = factor.index * other.n_groups + other.index
    _, first, index = np.unique(pair, return_index=True, return_inverse=True)
    total = np.bincount(factor.index, row_weight, minlength=factor.n_groups)
    own, partner = factor.index[first], other.index[first]
    shares = [np.bincount(index, row_weight * column) / total[own] for column in term.values.T]
    if len(own) == factor.n_groups:  # nested, or the factor itself: one partner for each level
        order = np.argsort(own)
        partner, shares = partner[order], [share[order] for share in shares]
        at_pair = effect[partner]
        return _weighted(at_pair, shares, term)
    return pt.zeros(factor.n_groups)[own].inc(_weighted(effect[partner], shares, term))


def _weighted(at_pair: Any, shares: list[np.ndarray], term: GroupTerm) -> Any:
    if term.labels is None:
        return at_pair * shares[0]
    return (at_pair * np.column_stack(shares)).sum(axis=1)


def level_means(factor: Factor, values: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Return weighted means of columns by level: ``(n_obs, k)`` to ``(n_groups, k)``."""
    total = np.bincount(factor.index, row_weight, minlength=factor.n_groups)
    sums = [
        np.bincount(factor.index, row_weight * column, minlength=factor.n_groups)
        for column in values.T
    ]
    return np.asarray(np.column_stack(sums) / total[:, None])
