"""The variance parameters on the real line: sds, correlations, residual sd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hiermix.design.types import ordered_pairs
from hiermix.engines.exact.densities import Partial, Scale, cholesky_factors, lkj_partials
from hiermix.engines.exact.statement import FactorEffects, Statement

ORDERS = 3
"""Orders of magnitude below the response's sd in which an sd is looked for."""


@dataclass(frozen=True)
class Values:
    """Variance parameters at ``D`` points.

    ``sigma`` is ``(D,)``; for each factor ``sds`` ``(D, q)`` and ``lower`` ``(D, q, q)``, the
    Cholesky factor of the covariance matrix of the ``q`` effects of a level.
    """

    sigma: np.ndarray
    sds: tuple[np.ndarray, ...]
    lower: tuple[np.ndarray, ...]

    def correlations(self, factor: int, members: tuple[int, ...]) -> np.ndarray:
        """Return the correlations of a block's pairs, ``(D, pairs)``, in `ordered_pairs`."""
        rows = self.lower[factor][:, list(members)]
        covariance = rows @ rows.transpose(0, 2, 1)
        sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        first, second = np.transpose(ordered_pairs(len(members)))
        return np.asarray(covariance[:, first, second] / (sd[:, first] * sd[:, second]))


@dataclass(frozen=True)
class Parameters:
    """How a point ``(d,)`` of the real line is made up: ``transforms`` in that order.

    First the residual sd, if it is free (``sigma`` is then ``None``), then for each factor its
    sds and the partial correlations of each of its blocks.
    """

    transforms: tuple[Scale | Partial, ...]
    sigma: float | None
    factors: tuple[FactorEffects, ...]
    units: tuple[float, ...] = ()

    @classmethod
    def of(cls, statement: Statement) -> Parameters:
        """List the free variance parameters of a statement.

        ``units`` are their sizes by the data alone: the sd of the response, over the root mean
        square of an effect's column; 1 for partial correlations.
        """
        free: list[Scale | Partial] = []
        units: list[float] = []
        spread = float(statement.y.std()) or 1.0
        sigma = statement.sigma
        if not isinstance(sigma, float):
            free.append(Scale.of(sigma))
            units.append(spread)
        for factor in statement.factors:
            free += [Scale.of(prior) for prior in factor.sd_priors]
            size = np.sqrt((factor.values**2).mean(axis=0))
            units += list(spread / np.where(size > 0, size, 1.0))
            for members, eta in factor.blocks:
                partials = lkj_partials(len(members), eta)
                free += partials
                units += [1.0] * len(partials)
        fixed = sigma if isinstance(sigma, float) else None
        return cls(tuple(free), fixed, statement.factors, tuple(units))

    @property
    def size(self) -> int:
        """Dimensions."""
        return len(self.transforms)

    def log_prior(self, points: np.ndarray) -> np.ndarray:
        """Return the log prior density of points ``(D, d)`` of the real line."""
        return np.asarray(self.log_priors(points).sum(axis=1))

    def log_priors(self, points: np.ndarray) -> np.ndarray:
        """Return the log prior density of each coordinate of points, ``(D, d)``."""
        found = np.empty(points.shape)
        with np.errstate(all="ignore"):
            for i, transform in enumerate(self.transforms):
                found[:, i] = transform.log_prior(points[:, i])
        return np.where(np.isnan(found), -np.inf, found)

    def draw_prior(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``(size, d)`` points from the prior."""
        drawn = [transform.draw(rng, size) for transform in self.transforms]
        return np.column_stack(drawn) if drawn else np.zeros((size, 0))

    def draw_wide(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``(size, d)`` points from everything that data may say, whatever the priors do.

        Sds are log-uniform over `ORDERS` below and one above their units, or from their priors
        where these have other limits than zero.
        """
        drawn = []
        for transform, unit in zip(self.transforms, self.units, strict=True):
            if isinstance(transform, Scale) and transform.lower == 0 and transform.is_unlimited:
                drawn.append(np.log(unit) + np.log(10) * rng.uniform(-ORDERS, 1, size=size))
            else:
                drawn.append(transform.draw(rng, size))
        return np.column_stack(drawn) if drawn else np.zeros((size, 0))

    def values(self, points: np.ndarray) -> Values:
        """Return sds and Cholesky factors at points ``(D, d)``."""
        columns = self._columns(points)
        sigma = next(columns) if self.sigma is None else np.full(len(points), self.sigma)
        sds, lower = [], []
        for factor in self.factors:
            q = len(factor.sd_priors)
            sd = np.column_stack([next(columns) for _ in range(q)])
            rows = np.broadcast_to(np.eye(q), (len(points), q, q)).copy()
            for members, _ in factor.blocks:
                k = len(members)
                partials = np.column_stack([next(columns) for _ in ordered_pairs(k)])
                rows[:, np.array(members)[:, None], np.array(members)] = cholesky_factors(
                    partials, k
                )
            sds.append(sd)
            lower.append(rows * sd[:, :, None])
        return Values(sigma, tuple(sds), tuple(lower))

    def _columns(self, points: np.ndarray) -> Iterator[np.ndarray]:
        with np.errstate(over="ignore"):
            for transform, column in zip(self.transforms, points.T, strict=True):
                yield transform.value(column)
