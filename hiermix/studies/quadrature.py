"""Integrals over the effects of levels: normal, or by adaptive Gauss-Hermite quadrature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.studies.densities import row_densities

if TYPE_CHECKING:
    from hiermix.design.types import Factor
    from hiermix.model.plan import ModelPlan
    from hiermix.summary.weights import RowModel

NODES = {1: 21, 2: 13, 3: 7}
"""Nodes of the quadrature in each direction, by effects per level."""

CHUNK_CELLS = 2_000_000
"""Rows times draws in memory at a time (a few arrays of 16 MB)."""

MAX_STEPS = 30

NEAR = 0.05
"""Distance from the mode, in prior sds, that quadrature makes up for."""

LONGEST = 2.0
"""How far a step moves the predictor of a row at most: from far below the mode it overshoots."""


def _step(root: np.ndarray, gram: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode of v under a normal likelihood of u, and the root of its precision."""
    inner = np.eye(root.shape[-1]) + np.einsum("dai,dgab,dbj->dgij", root, gram, root)
    pulled = np.einsum("dai,dga->dgi", root, target)
    return np.linalg.solve(inner, pulled[..., None])[..., 0], np.linalg.cholesky(inner)


@dataclass(frozen=True)
class LevelModel:
    """Rows by level, whose effects are to be integrated out.

    ``columns`` is ``(k, n_obs)``, ``common`` ``(n_draws, k)``; ``order`` sorts rows by level, and
    those of a level begin at ``starts``. ``rest`` gives linear predictors
    ``(n, n_obs)`` of some draws that lack the levels' deviations only.
    """

    plan: ModelPlan
    rows: RowModel
    factor: Factor
    columns: np.ndarray
    means: np.ndarray
    rest: Callable[[slice], np.ndarray]
    common: np.ndarray
    roots: np.ndarray
    sigma: np.ndarray | None
    order: np.ndarray
    starts: np.ndarray

    def log_densities(self) -> np.ndarray:
        """Return log densities of the levels' rows for all draws, shape ``(n_draws, n_groups)``."""
        nodes, weights = _grid(len(self.columns), self.plan.family == "gaussian")
        step = max(1, CHUNK_CELLS // len(self.order))
        starts = range(0, len(self.common), step)
        found = [self._of(slice(start, start + step), nodes, weights) for start in starts]
        return np.concatenate(found)

    def _of(self, piece: slice, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return log densities of some draws, shape ``(n, n_groups)``.

        Effects are ``u = root v`` with v standard normal a priori; the quadrature is centred at
        the mode of v, with the spread that the information there leaves.
        """
        rest = self.rest(piece)
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


def _grid(k: int, gaussian: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes ``(n, k)`` and log weights ``(n,)`` for integrals over standard normals.

    One node is exact where the integrand is normal.
    """
    per_direction = 1 if gaussian else NODES[k]
    nodes, weights = np.polynomial.hermite_e.hermegauss(per_direction)
    grid = np.stack(np.meshgrid(*[nodes] * k, indexing="ij"), axis=-1).reshape(-1, k)
    logs = np.log(weights / weights.sum())
    return grid, np.stack(np.meshgrid(*[logs] * k, indexing="ij"), axis=-1).reshape(-1, k).sum(1)
