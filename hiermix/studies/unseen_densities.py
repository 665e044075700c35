"""Log densities of rows that were not fitted, the effects of new levels integrated out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hiermix.design.types import Factor
from hiermix.studies.densities import row_densities, summed, why_no_densities
from hiermix.studies.quadrature import NODES, LevelModel

if TYPE_CHECKING:
    from hiermix.model.plan import ModelPlan
    from hiermix.studies.unseen import NewLevels
    from hiermix.summary.weights import RowModel

CHUNK_CELLS = 2_000_000
"""Draws times rows times effects in memory at a time."""

BY_DRAWS = "effects of new levels are drawn once a draw, not integrated out"


@dataclass(frozen=True)
class Densities:
    """Log densities of pieces of the rows.

    ``values`` has shape ``(n_draws, n_pieces)``: the joint density of the rows of each piece given
    a draw of everything but the effects of new levels. ``integrated`` is ``False`` where those
    had to be drawn.
    """

    values: np.ndarray
    integrated: bool


@dataclass(frozen=True)
class UnseenOutcome:
    """Rows that were not fitted, with their responses.

    Attributes
    ----------
    plan
        Over these rows.
    rows
        Their responses and sizes; ``None`` for a gaussian model with a formula for sigma.
    eta
        Shape ``(n_draws, n_obs)``: linear predictors where new levels have no effect.
    new
        The new levels of each factor.
    sigma
        Residual sds of a gaussian model, of a shape that ``(n_draws, n_obs)`` broadcasts with.
    """

    plan: ModelPlan
    rows: RowModel | None
    eta: np.ndarray
    new: tuple[NewLevels, ...]
    sigma: np.ndarray | None


def why_not_scored(plan: ModelPlan) -> str:
    """Return why rows of a model have no log score here, in words; empty if they have."""
    only_sigma = plan.family == "gaussian" and set(plan.design.components) == {"sigma"}
    plain = replace(plan, design=replace(plan.design, components={})) if only_sigma else plan
    if plan.design.response.kind == "weighted" and plan.family != "gaussian":
        return "the response is weighted"
    return why_no_densities(plain)


def log_densities(outcome: UnseenOutcome, piece: np.ndarray, rng: np.random.Generator) -> Densities:
    """Return the joint log density of each piece of the rows for every draw.

    Parameters
    ----------
    outcome
        The rows; `why_not_scored` is empty.
    piece
        Shape ``(n_obs,)``: to which piece a row belongs, from 0, none of them empty.
    rng
        For effects that have to be drawn: of new levels of several factors at once, and of more
        than three effects a level, where the family is not gaussian.
    """
    if outcome.plan.family == "gaussian":
        return Densities(_gaussian(outcome, piece), True)
    return _counted(outcome, piece, rng)


def _gaussian(outcome: UnseenOutcome, piece: np.ndarray) -> np.ndarray:
    r"""Return log densities of normal rows.

    With W the weights, r the residuals, tau = 1 / sigma^2, P = W tau, effects u = R v of new
    levels with v standard normal, A = P^(1/2) Z R::

        log p = sum w/2 log(tau / 2 pi) - (r'Pr - b' (I + A'A)^-1 b + log det(I + A'A)) / 2

    where b = A' P^(1/2) r.
    """
    design = outcome.plan.design
    assert outcome.sigma is not None
    weights = np.ones(design.n_obs)
    if design.response.weights is not None:
        weights = np.asarray(design.response.weights, dtype=float)
    residual = np.asarray(design.response.values, dtype=float) - outcome.eta
    tau = np.broadcast_to(1 / np.square(outcome.sigma), residual.shape)
    precision = weights * tau
    each = weights / 2 * np.log(tau / (2 * np.pi)) - precision * np.square(residual) / 2
    found = summed(each, piece)
    for rows in _units(outcome.new, piece):
        found[:, piece[rows[0]]] += _gain(outcome.new, rows, precision[:, rows], residual[:, rows])
    return found


def _gain(
    new: tuple[NewLevels, ...], rows: np.ndarray, precision: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Return what new effects add to the log density of a unit of rows, ``(n_draws,)``."""
    root = np.sqrt(precision)
    width = sum(own.roots.shape[1] * len(np.unique(own.level[rows])) for own in new)
    step = max(1, CHUNK_CELLS // (len(rows) * width))
    found = []
    for start in range(0, len(root), step):
        draws = slice(start, start + step)
        a = np.concatenate(list(_directions(new, rows, draws)), axis=2) * root[draws, :, None]
        b = np.einsum("dmq,dm->dq", a, root[draws] * residual[draws])
        inner = np.eye(a.shape[2]) + a.swapaxes(1, 2) @ a
        lower = np.linalg.cholesky(inner)
        half = np.linalg.solve(lower, b[..., None])[..., 0]
        logdet = 2 * np.log(np.einsum("dqq->dq", lower)).sum(axis=1)
        found.append((np.square(half).sum(axis=1) - logdet) / 2)
    return np.concatenate(found)


def _directions(new: tuple[NewLevels, ...], rows: np.ndarray, draws: slice) -> Iterator[np.ndarray]:
    """Yield for each new level of a unit how its standard normal effects move the rows."""
    for own in new:
        some = replace(own, roots=own.roots[draws])
        for level in np.unique(own.level[rows]):
            if level < 0:
                continue
            moved = some.directions(rows)
            yield moved * (own.level[rows] == level)[None, :, None]


def _counted(outcome: UnseenOutcome, piece: np.ndarray, rng: np.random.Generator) -> Densities:
    plan, rows, new = outcome.plan, outcome.rows, outcome.new
    assert rows is not None
    unknown = np.array([own.level >= 0 for own in new], dtype=bool).reshape(len(new), len(piece))
    alone = [
        unknown[i] & (unknown.sum(axis=0) == 1) & (own.roots.shape[1] in NODES)
        for i, own in enumerate(new)
    ]
    # Rows of one unit are integrated together or not at all.
    for members in _units(new, piece):
        for mask in alone:
            mask[members] &= mask[members].all()
    integrated = np.logical_or.reduce(alone) if new else np.zeros(len(piece), dtype=bool)
    drawn = unknown.any(axis=0) & ~integrated
    eta = outcome.eta
    if drawn.any():
        eta = eta + np.where(drawn, sum(own.drawn(rng) for own in new), 0.0)
    each = np.where(integrated, 0.0, row_densities(plan, rows, eta, None))
    found = summed(each, piece)
    for own, mask in zip(new, alone, strict=True):
        if mask.any():
            _add_integrated(found, outcome, own, np.flatnonzero(mask), piece)
    return Densities(found, not drawn.any())


def _add_integrated(
    found: np.ndarray,
    outcome: UnseenOutcome,
    own: NewLevels,
    at: np.ndarray,
    piece: np.ndarray,
) -> None:
    assert outcome.rows is not None
    units = piece[at] * own.n_levels + own.level[at]
    names, index = np.unique(units, return_inverse=True)
    factor = Factor(own.factor, (), tuple(map(str, names)), index, np.bincount(index))
    rows = outcome.rows
    k = own.roots.shape[1]
    order = np.argsort(index, kind="stable")
    model = LevelModel(
        outcome.plan,
        replace(rows, eta=rows.eta[at], response=rows.response[at], size=rows.size[at]),
        factor,
        own.columns[at].T,
        np.zeros((len(names), k)),
        lambda draws: outcome.eta[draws][:, at],
        np.zeros((len(outcome.eta), k)),
        own.roots,
        None,
        order,
        np.searchsorted(index[order], np.arange(len(names))),
    )
    values = model.log_densities()
    for number, name in enumerate(names):
        found[:, name // own.n_levels] += values[:, number]


def _units(new: tuple[NewLevels, ...], piece: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows that new levels tie together within a piece."""
    rows = np.arange(len(piece))
    tied, keys, start = [], [], 0
    for own in new:
        known = own.level >= 0
        tied.append(rows[known])
        keys.append(start + piece[known] * own.n_levels + own.level[known])
        start += (int(piece.max()) + 1) * own.n_levels
    if not tied:
        return
    ends, names = np.concatenate(tied), np.concatenate(keys)
    names = np.unique(names, return_inverse=True)[1]
    size = len(piece) + int(names.max()) + 1
    graph = coo_array((np.ones(len(ends)), (ends, len(piece) + names)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    involved = np.unique(ends)
    of_rows = label[involved]
    order = np.argsort(of_rows, kind="stable")
    cuts = np.flatnonzero(np.diff(of_rows[order])) + 1
    yield from np.split(involved[order], cuts)
