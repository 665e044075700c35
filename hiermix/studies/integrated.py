"""What a fitted model says about a level that it has not seen, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.model.plan import correlation_name
from hiermix.studies.densities import MIN_DRAWS, row_densities, why_no_densities
from hiermix.summary.draws import draws_of
from hiermix.summary.group_effects import common_draws
from hiermix.summary.predictor import PredictorDraws, predictor_draws
from hiermix.summary.weights import RowModel

if TYPE_CHECKING:
    from hiermix.design.types import Factor, GroupTerm
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

NODES = {1: 21, 2: 13, 3: 7}
"""Nodes of the quadrature in each direction, by effects per level."""

MAX_CELLS = 60_000_000
"""Rows times draws times nodes that are evaluated: about five seconds."""

MAX_ROWS = 500_000_000
"""Rows times nodes times ``MIN_DRAWS`` beyond which nothing is left out: about a minute."""

CHUNK_CELLS = 2_000_000
"""Rows times draws in memory at a time (a few arrays of 16 MB)."""

MAX_STEPS = 30

NEAR = 0.05
"""Distance from the mode, in prior sds, that quadrature makes up for."""

LONGEST = 2.0
"""How far a step moves the predictor of a row at most: from far below the mode it overshoots."""

ALMOST_ONE = 1e-10
"""Added to the diagonal of correlation matrices, so that those of +-1 have a root."""


@dataclass(frozen=True)
class LevelDensities:
    """Log densities of each level's rows, its own effects integrated out over their distribution.

    ``values`` has shape ``(n_chains, n_kept, n_groups)``; ``draws`` ``(n_kept,)`` are positions
    in each chain.
    """

    values: np.ndarray
    draws: np.ndarray


def why_not_integrated(plan: ModelPlan, n_effects: int) -> str:
    """Return why a level's effects cannot be integrated out, in words; empty if they can.

    Parameters
    ----------
    n_effects
        Effects of a level.
    """
    why = why_no_densities(plan)
    if why:
        return why
    nodes = 1 if plan.family == "gaussian" else NODES.get(n_effects, 0) ** n_effects
    if not nodes:
        return f"{n_effects} effects a level are too many for quadrature"
    if plan.design.n_obs * nodes * MIN_DRAWS > MAX_ROWS:
        return f"{plan.design.n_obs} rows are too many"
    return ""


def level_densities(
    fit: Fit, plan: ModelPlan, rows: RowModel, factor: Factor, means: np.ndarray
) -> LevelDensities:
    """Integrate the effects of each level out of the likelihood of its rows.

    With theta everything else, the posterior of theta without level j is proportional to that
    with it, divided by ``p(y_j | theta) = integral of p(y_j | u, theta) N(u | 0, Sigma) du``:
    leaving a level out needs no refit (Merkle, Furr and Rabe-Hesketh 2019,
    doi:10.1007/s11336-019-09679-0). The integral is in closed form for gaussian models, by
    adaptive Gauss-Hermite quadrature (Pinheiro and Bates 1995,
    doi:10.1080/10618600.1995.10474663) for others.

    Parameters
    ----------
    rows
        Of the model; see `row_model`.
    factor
        Whose levels are left out; `why_not_integrated` is empty.
    means
        Shape ``(n_groups, k)``: posterior means of the levels' coefficients.
    """
    terms = [t for t in plan.design.main.group if t.factor.name == factor.name]
    columns = [(t, c) for t in terms for c in range(len(t.columns))]
    nodes, weights = _grid(len(columns), plan.family == "gaussian")
    sizes = fit.tree["posterior"].sizes
    n_chains, n_draws = sizes["chain"], sizes["draw"]
    kept = _kept(plan.design.n_obs * len(weights), n_chains, n_draws)
    picks = np.concatenate([chain * n_draws + kept for chain in range(n_chains)])
    others = _without(plan, factor)
    order = np.argsort(factor.index, kind="stable")
    model = _Levels(
        plan,
        rows,
        factor,
        np.stack([t.values[:, c] for t, c in columns]),
        means,
        predictor_draws(fit, others, others.design.main, picks),
        np.stack(
            [
                np.broadcast_to(common_draws(fit, plan, plan.design.main, t, c), (n, 1))[picks, 0]
                for (t, c), n in zip(columns, [n_chains * n_draws] * len(columns), strict=True)
            ],
            axis=1,
        ),
        _roots(fit, plan, factor, terms)[picks],
        None if rows.sigma is None else np.broadcast_to(rows.sigma, n_chains * n_draws)[picks],
        order,
        np.searchsorted(factor.index[order], np.arange(factor.n_groups)),
    )
    step = max(1, CHUNK_CELLS // plan.design.n_obs)
    found = [
        model.log_densities(slice(start, start + step), nodes, weights)
        for start in range(0, len(picks), step)
    ]
    shape = (n_chains, len(kept), factor.n_groups)
    return LevelDensities(np.concatenate(found).reshape(shape), kept)


def _kept(cells_a_draw: int, n_chains: int, n_draws: int) -> np.ndarray:
    wanted = min(n_draws, max(MIN_DRAWS, MAX_CELLS // (cells_a_draw * n_chains)))
    return np.unique(np.linspace(0, n_draws - 1, wanted).round().astype(int))


def _without(plan: ModelPlan, factor: Factor) -> ModelPlan:
    main = plan.design.main
    kept = replace(main, group=tuple(t for t in main.group if t.factor.name != factor.name))
    return replace(plan, design=replace(plan.design, main=kept))


def _grid(k: int, gaussian: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes ``(n, k)`` and log weights ``(n,)`` for integrals over standard normals.

    One node is exact where the integrand is normal.
    """
    per_direction = 1 if gaussian else NODES[k]
    nodes, weights = np.polynomial.hermite_e.hermegauss(per_direction)
    grid = np.stack(np.meshgrid(*[nodes] * k, indexing="ij"), axis=-1).reshape(-1, k)
    logs = np.log(weights / weights.sum())
    return grid, np.stack(np.meshgrid(*[logs] * k, indexing="ij"), axis=-1).reshape(-1, k).sum(1)


def _roots(fit: Fit, plan: ModelPlan, factor: Factor, terms: list[GroupTerm]) -> np.ndarray:
    """Return draws of a root of the covariance of a level's effects, ``(n_draws, k, k)``."""
    sds = np.concatenate(
        [
            (draws := draws_of(fit, plan.parameter(f"{t.name}_sigma"))).reshape(len(draws), -1)
            for t in terms
        ],
        axis=1,
    )
    k = sds.shape[1]
    matrix = np.broadcast_to(np.eye(k) * (1 + ALMOST_ONE), (len(sds), k, k)).copy()
    starts = np.cumsum([0, *(len(t.columns) for t in terms)])
    place = {t.name: range(starts[i], starts[i + 1]) for i, t in enumerate(terms)}
    start = 0
    for block in plan.design.main.correlated_blocks:
        if block.factor.name != factor.name:
            continue
        draws = draws_of(fit, plan.parameter(correlation_name(factor.name)))
        at = [i for t in block.terms for i in place[t.name]]
        for number, (i, j) in enumerate(block.pairs, start):
            matrix[:, at[i], at[j]] = matrix[:, at[j], at[i]] = draws[:, number]
        start += len(block.pairs)
    return np.asarray(sds[:, :, None] * np.linalg.cholesky(matrix))


def _step(root: np.ndarray, gram: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode of v under a normal likelihood of u, and the root of its precision."""
    inner = np.eye(root.shape[-1]) + np.einsum("dai,dgab,dbj->dgij", root, gram, root)
    pulled = np.einsum("dai,dga->dgi", root, target)
    return np.linalg.solve(inner, pulled[..., None])[..., 0], np.linalg.cholesky(inner)


@dataclass(frozen=True)
class _Levels:
    """What the integrals need.

    ``columns`` is ``(k, n_obs)``, ``common`` ``(n_draws, k)``; ``order`` sorts rows by level, and
    those of a level begin at ``starts``. ``rest`` lacks the levels' deviations only.
    """

    plan: ModelPlan
    rows: RowModel
    factor: Factor
    columns: np.ndarray
    means: np.ndarray
    rest: PredictorDraws
    common: np.ndarray
    roots: np.ndarray
    sigma: np.ndarray | None
    order: np.ndarray
    starts: np.ndarray

    def log_densities(self, piece: slice, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return log densities of some draws, shape ``(n, n_groups)``.

        Effects are ``u = root v`` with v standard normal a priori; the quadrature is centred at
        the mode of v, with the spread that the information there leaves.
        """
        rest = self.rest.common_part(piece) + self.rest.group_part(piece)
        root = self.roots[piece]
        precision = None if self.sigma is None else 1 / np.square(self.sigma[piece])[:, None]
        mode, lower = self._mode(rest, root, self.common[piece], precision)
        spread = np.linalg.inv(lower).swapaxes(-1, -2)
        logdet = np.log(np.einsum("dgii->dgi", lower)).sum(axis=-1)
        total = np.full(logdet.shape, -np.inf)
        for node, weight in zip(nodes, weights, strict=True):
            at_node = self._at(rest, root, mode + spread @ node, precision)
            total = np.logaddexp(total, at_node + weight + node @ node / 2)
        return np.asarray(total - logdet)

    def _mode(
        self, rest: np.ndarray, root: np.ndarray, common: np.ndarray, precision: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where v is most probable and the Cholesky factor of its precision there.

        Fisher scoring from the posterior means of the coefficients; gaussian models are there
        after one step. Shapes ``(n, n_groups, k)`` and ``(n, n_groups, k, k)``.
        """
        effects = self.means[None] - common[:, None, :]
        gram, score = self._likelihood(self._predictor(rest, effects), precision)
        mode, lower = _step(root, gram, score + np.einsum("dgij,dgj->dgi", gram, effects))
        if self.plan.family == "gaussian":
            return mode, lower
        # Where the means are no place to start from, the prior's mode is.
        moved = np.einsum("dij,dgj->dgi", root, mode) - effects
        mode = np.where(self._reach(moved)[..., None] > LONGEST, 0.0, mode)
        for _ in range(MAX_STEPS):
            effects = np.einsum("dij,dgj->dgi", root, mode)
            gram, score = self._likelihood(self._predictor(rest, effects), precision)
            better, lower = _step(root, gram, score + np.einsum("dgij,dgj->dgi", gram, effects))
            change = better - mode
            if not (np.abs(change) > NEAR).any():
                break
            reach = self._reach(np.einsum("dij,dgj->dgi", root, change))[..., None]
            mode = mode + change * (LONGEST / np.maximum(reach, LONGEST))
        return mode, lower

    def _reach(self, effects: np.ndarray) -> np.ndarray:
        """Return how far effects move the predictor of a level's rows at most."""
        moved = np.abs(self._predictor(np.zeros((len(effects), len(self.order))), effects))
        return np.asarray(np.maximum.reduceat(moved[:, self.order], self.starts, axis=1))

    def _likelihood(
        self, eta: np.ndarray, precision: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return information and score of each level's effects."""
        residual, information = self.rows.working(eta)
        if precision is not None:
            information = information * precision
        k = len(self.columns)
        gram = np.empty((len(eta), self.factor.n_groups, k, k))
        score = np.empty((len(eta), self.factor.n_groups, k))
        for i in range(k):
            score[..., i] = self._sums(information * residual * self.columns[i])
            for j in range(i + 1):
                cell = self._sums(information * self.columns[i] * self.columns[j])
                gram[..., i, j] = gram[..., j, i] = cell
        return gram, score

    def _predictor(self, rest: np.ndarray, effects: np.ndarray) -> np.ndarray:
        eta = rest.copy()
        for i, column in enumerate(self.columns):
            eta += effects[:, self.factor.index, i] * column
        return eta

    def _at(
        self, rest: np.ndarray, root: np.ndarray, v: np.ndarray, precision: np.ndarray | None
    ) -> np.ndarray:
        """Return log p(y_j | u = root v) - v'v / 2, shape ``(n_draws, n_groups)``."""
        eta = self._predictor(rest, np.einsum("dij,dgj->dgi", root, v))
        return (
            self._sums(row_densities(self.plan, self.rows, eta, precision))
            - np.square(v).sum(axis=-1) / 2
        )

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Add up rows by level: ``(n, n_obs)`` to ``(n, n_groups)``."""
        return np.asarray(np.add.reduceat(values[:, self.order], self.starts, axis=1))
