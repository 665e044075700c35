"""Outcomes that the priors imply for the rows of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hiermix.design.types import GroupTerm, LinearPart
from hiermix.model.plan import ModelPlan, correlation_name
from hiermix.spec.families import CATEGORY_FAMILIES, COUNT_FAMILIES, PROPORTION_FAMILIES
from hiermix.studies.predict.categories import drawn, probabilities
from hiermix.studies.predict.new_levels import cholesky, correlation_matrices
from hiermix.studies.priors.parameters import Draws
from hiermix.studies.priors.sampling import Rng
from hiermix.summary.families import MOST, predicted
from hiermix.summary.links import INVERSE

BATCH = 1_000_000
"""Numbers (rows or levels times draws) that are worked on at a time."""

LARGEST = 1e300
"""Outcomes and means beyond it count as it: their sums stay finite."""

CHANCES = PROPORTION_FAMILIES | {"bernoulli", "beta"}
"""Families whose parent parameter is a probability."""


@dataclass(frozen=True)
class Outcomes:
    """Prior predictive draws at the rows of a design.

    Attributes
    ----------
    values
        Shape ``(n_rows, n_draws)``: new observations; shares of successes of a proportion; codes
        of categories. NaN where the parameters make no distribution.
    chance
        Shape ``(n_rows, n_draws)``: for families with a probability that probability, for those
        with categories the largest one; ``None`` for others.
    """

    values: np.ndarray
    chance: np.ndarray | None


def draw_outcomes(plan: ModelPlan, parameters: Draws, n: int, rng: Rng) -> Outcomes:
    """Draw group-specific effects and one outcome for each row and draw of the parameters.

    Parameters
    ----------
    plan
        With the rows to draw for.
    parameters
        Result of `draw_parameters`, ``n`` draws.
    """
    found = []
    with np.errstate(all="ignore"):  # what overflows is counted, see Outcomes
        for batch in _batches(plan, n):
            here = {name: draws[..., batch] for name, draws in parameters.items()}
            found.append(_batch(plan, here, batch.stop - batch.start, rng))
    values = np.concatenate([own[0] for own in found], axis=1)
    chances = [own[1] for own in found if own[1] is not None]
    return Outcomes(values, np.concatenate(chances, axis=1) if chances else None)


def _batches(plan: ModelPlan, n: int) -> Iterator[slice]:
    levels = [term.factor.n_groups for part in plan.parts for term in part.group]
    step = max(1, BATCH // max(plan.design.n_obs, *levels, 1))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _batch(
    plan: ModelPlan, parameters: Draws, n: int, rng: Rng
) -> tuple[np.ndarray, np.ndarray | None]:
    design, main = plan.design, plan.design.main
    eta = linear_predictor(plan, main, parameters, n, rng)
    link = plan.links[main.parameter]
    if plan.family in CATEGORY_FAMILIES:
        chances = probabilities(plan.family, link, eta, parameters.get("threshold"))
        codes = drawn(chances, rng)
        values = np.where(np.isnan(codes[0]), np.nan, codes.argmax(axis=0))
        return values, chances.max(axis=0)
    parent = INVERSE[link](eta[0])
    if plan.family not in CHANCES:
        most = MOST if plan.family in COUNT_FAMILIES else LARGEST
        parent = np.clip(parent, -LARGEST, most)
    given = {main.parameter: parent, **_others(plan, parameters, n, rng)}
    values = np.clip(predicted(plan.family, given, rng), -LARGEST, LARGEST)
    if design.response.trials is not None:
        values = values / design.response.trials[:, None]
    return values, parent if plan.family in CHANCES else None


def _others(plan: ModelPlan, parameters: Draws, n: int, rng: Rng) -> Mapping[str, np.ndarray]:
    """Return what the distribution of a row needs beside the parent, ``(n_rows or 1, n or 1)``."""
    design = plan.design
    found = {
        p.name: parameters[p.name][None, :]
        for p in plan.parameters
        if p.role in ("residual", "auxiliary")
    }
    for name, part in design.components.items():
        found[name] = INVERSE[plan.links[name]](linear_predictor(plan, part, parameters, n, rng)[0])
    if design.known_se is not None:
        found["sigma"] = design.known_se[:, None]
    if design.response.trials is not None:
        found["n"] = design.response.trials[:, None]
    return found


def linear_predictor(
    plan: ModelPlan, part: LinearPart, parameters: Draws, n: int, rng: Rng
) -> np.ndarray:
    """Return draws of a linear predictor, shape ``(r, n_rows, n)``.

    ``r`` is the number of categories less one for a categorical response, else 1. Group-specific
    effects are fresh draws from their distribution given the group sds and correlations.
    """
    r = 1
    if plan.family == "categorical" and part is plan.design.main:
        r = len(plan.design.response.levels or ()) - 1
    total = np.zeros((r, plan.design.n_obs, n))
    if part.intercept:
        total += parameters[plan.label(part, "Intercept")].reshape(r, 1, n)
    if part.offset is not None:
        total += part.offset[:, None]
    for term, centre in zip(part.common, plan.centres(part), strict=True):
        slopes = parameters[plan.label(part, term.name)].reshape(-1, r, n)
        total += np.einsum("ik,krs->ris", term.values - centre, slopes, optimize=True)
    for terms in _blocks(part):
        effects = _effects(plan, part, terms, parameters, (r, n), rng)
        columns = np.concatenate([term.values for term in terms], axis=1)
        for k, column in enumerate(columns.T):
            total += effects[k][:, terms[0].factor.index] * column[:, None]
    return total


def _blocks(part: LinearPart) -> Iterator[tuple[GroupTerm, ...]]:
    """Yield the group terms whose effects are drawn together."""
    together = [block.terms for block in part.correlated_blocks]
    yield from together
    taken = {term.name for terms in together for term in terms}
    yield from ((term,) for term in part.group if term.name not in taken)


def _effects(
    plan: ModelPlan,
    part: LinearPart,
    terms: tuple[GroupTerm, ...],
    parameters: Draws,
    size: tuple[int, int],
    rng: Rng,
) -> np.ndarray:
    """Draw the effects of all levels, shape ``(k, r, n_groups, n)``."""
    r, n = size
    names = [plan.label(part, f"{term.name}_sigma") for term in terms]
    sds = np.concatenate([parameters[name].reshape(-1, r, n) for name in names])
    factor = terms[0].factor
    z = rng.standard_normal((len(sds), r, factor.n_groups, n))
    pairs = _pairs(plan, part, terms, parameters)
    if pairs is not None:
        flat = correlation_matrices(pairs.reshape(len(pairs), r * n), len(sds))
        roots = cholesky(flat).reshape(r, n, len(sds), len(sds))
        z = np.einsum("rnij,jrgn->irgn", roots, z, optimize=True)
    return np.asarray(sds[:, :, None, :] * z)


def _pairs(
    plan: ModelPlan, part: LinearPart, terms: tuple[GroupTerm, ...], parameters: Draws
) -> np.ndarray | None:
    """Return the correlations of a block; those of all bars of a factor are one parameter."""
    start = 0
    for block in part.correlated_blocks:
        if block.factor.name != terms[0].factor.name:
            continue
        if block.terms[0].name == terms[0].name:
            draws = parameters[plan.label(part, correlation_name(block.factor.name))]
            return draws[start : start + len(block.pairs)]
        start += len(block.pairs)
    return None
