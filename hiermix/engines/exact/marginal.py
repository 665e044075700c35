"""The collapsed likelihood and exact draws of everything that was integrated out.

Of the model y ~ Normal(B g + Z u, sigma^2 W^-1) with normal priors on g and u, the likelihood of
the variance parameters alone, p(y | sds, correlations, sigma), is Normal with mean and covariance
in closed form; so is p(g, u | y, sds, correlations, sigma). Both are worked out for many values of
the variance parameters at a time, in chunks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hiermix.engines.exact.moments import Levels, Moments
from hiermix.engines.exact.parameters import Parameters, Values
from hiermix.engines.exact.small import cholesky, inverse, pairs, solve_normal
from hiermix.engines.exact.triangular import backward, forward

CHUNK_LEVELS = 8192
"""Points x different levels that are worked on at a time: such arrays stay in the cache."""

CHUNK_EFFECTS = 250_000
"""Points x levels x effects a level that are drawn at a time (2 MB)."""

CHUNK_DENSE = 4_000_000
"""Points x effects^2 of the dense systems that are worked on at a time (32 MB)."""


COSTLY_SIZE = 300
"""Unknowns of a dense system beyond which its factorisation takes milliseconds."""


@dataclass(frozen=True)
class Drawn:
    """Draws of what was integrated out, at ``D`` points.

    ``common`` is ``(D, p)``, ``effects`` has ``(D, levels, q)`` for each factor.
    """

    common: np.ndarray
    effects: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Marginal:
    """The collapsed posterior as a function of the points of `Parameters`."""

    parameters: Parameters
    moments: Moments
    threads: int = 1

    @property
    def is_costly(self) -> bool:
        """Whether an evaluation takes milliseconds."""
        return len(self.moments.rest) > COSTLY_SIZE

    def chunks(self, size: int, drawn: bool = False) -> list[slice]:
        """Return the slices of ``size`` points that are worked on, or drawn at, at a time.

        They depend on the model alone, so the draws do not depend on the machine.
        """
        levels = self.moments.levels
        step = min(CHUNK_DENSE // len(self.moments.rest) ** 2, 1000)
        if levels is not None:
            step = min(step, CHUNK_LEVELS // len(levels.counts))
        if levels is not None and drawn:
            step = min(step, CHUNK_EFFECTS // (levels.common.shape[0] * levels.common.shape[2]))
        step = max(step, 1)
        return [slice(at, min(at + step, size)) for at in range(0, size, step)]

    def log_posterior(self, points: np.ndarray) -> np.ndarray:
        """Return the log density of points ``(D, d)``, normalised but for p(y).

        -inf where a value is out of the range of floating point.
        """
        prior = self.parameters.log_prior(points)
        parts = self._map(self._log_likelihood, [points[c] for c in self.chunks(len(points))])
        likelihood = np.concatenate([np.zeros(0), *parts])
        with np.errstate(invalid="ignore"):
            total = prior + likelihood
        return np.where(np.isnan(total), -np.inf, total)

    def draw(
        self, points: np.ndarray, generator: Callable[[int], np.random.Generator]
    ) -> Iterator[tuple[slice, Drawn]]:
        """Yield exact draws of coefficients and effects, one at each point, chunk by chunk.

        ``generator`` gives the random numbers of a chunk by its number.
        """
        chunks = self.chunks(len(points), drawn=True)
        jobs = [(points[c], number) for number, c in enumerate(chunks)]
        drawn = self._map(lambda job: self._draw(job[0], generator(job[1])), jobs)
        yield from zip(chunks, drawn, strict=True)

    def _map[T, R](self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[R]:
        if self.threads == 1 or len(jobs) == 1:
            yield from map(function, jobs)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(function, jobs)

    def _log_likelihood(self, points: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            system = self._system(self.parameters.values(points))
            return system.log_likelihood

    def _draw(self, points: np.ndarray, rng: np.random.Generator) -> Drawn:
        values = self.parameters.values(points)
        system = self._system(values)
        m, basis = self.moments.n_other, self.moments.basis
        # Row by row from streams of their own: more points begin with the same draws.
        first, second = rng.spawn(2)
        noise = first.standard_normal((len(points), m + len(basis.start)))
        solved = backward(system.lower, system.forward + noise)
        other, g = self._unwhitened(solved[:, :m], values), solved[:, m:]
        common = basis.start + g @ basis.back.T
        if self.moments.levels is None:
            return Drawn(common, ())
        own = self._own(self.moments.levels, values, other, g, second)
        effects = list(self._split(other))
        effects.insert(self.moments.levels.position, own)
        return Drawn(common, tuple(effects))

    def _others(self) -> Iterator[tuple[int, slice, int, int]]:
        """Yield position, place among the other effects, levels and ``q`` of each other factor."""
        at = 0
        for position, effects in enumerate(self.parameters.factors):
            if self.moments.levels is None or position == self.moments.levels.position:
                continue
            g, q = effects.factor.n_groups, effects.values.shape[1]
            yield position, slice(at, at + g * q), g, q
            at += g * q

    def _unwhitened(self, white: np.ndarray, values: Values) -> np.ndarray:
        """Turn standardised other effects ``(D, m)`` into effects."""
        result = np.empty_like(white)
        for position, place, g, q in self._others():
            block = white[:, place].reshape(len(white), g, q)
            result[:, place] = (block @ values.lower[position].transpose(0, 2, 1)).reshape(
                len(white), -1
            )
        return result

    def _split(self, other: np.ndarray) -> Iterator[np.ndarray]:
        for _, place, g, q in self._others():
            yield other[:, place].reshape(len(other), g, q)

    def _own(
        self,
        levels: Levels,
        values: Values,
        other: np.ndarray,
        g: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw the effects of the eliminated factor given everything else: ``(D, levels, q)``."""
        q, _, n_levels = levels.common.shape
        relative = values.lower[levels.position] / values.sigma[:, None, None]
        pulled = [part[-1] - g @ part[:-1] for part in levels.common]
        if levels.other:
            pulled = [
                part - (met @ other.T).T for part, met in zip(pulled, levels.other, strict=True)
            ]
        # With A the Cholesky factor over sigma: A' Z'(residual) / sigma and I + A' Z'Z A.
        right = [
            sum((relative[:, c, a] / values.sigma)[:, None] * pulled[c] for c in range(a, q))
            for a in range(q)
        ]
        gram = dict(zip(pairs(q), levels.gram, strict=True))
        system = {
            (a, b): (a == b)
            + sum(
                (relative[:, c, a] * relative[:, d, b])[:, None] * gram[max(c, d), min(c, d)]
                for c in range(a, q)
                for d in range(b, q)
            )
            for a, b in pairs(q)
        }
        noise = rng.standard_normal((len(g), q, n_levels)).transpose(1, 0, 2)
        white = solve_normal(cholesky(system, q)[0], right, list(noise))
        lower = values.lower[levels.position]
        return np.stack(
            [sum(lower[:, a, b, None] * white[b] for b in range(a + 1)) for a in range(q)], axis=2
        )

    def _system(self, values: Values) -> _System:
        """Factorise what is left after the largest factor is eliminated."""
        moments, basis = self.moments, self.moments.basis
        count, size, m = len(values.sigma), len(moments.rest), moments.n_other
        variance = values.sigma**2
        gram = np.broadcast_to(moments.rest, (count, size, size)).copy()
        log_det = moments.n_rows * np.log(variance)
        if moments.levels is not None:
            inverses, log_dets = _inner(moments.levels, values)
            log_det = log_det + log_dets @ moments.levels.counts
            if moments.levels.direct is not None:
                gram += _direct(moments.levels.direct, inverses)
            # Only the lower triangle: no more is read, but by blocks of effects of one level.
            for entry, product in zip(inverses, moments.products, strict=False):
                added = (
                    entry @ product if isinstance(product, np.ndarray) else (product @ entry.T).T
                )
                gram.reshape(count, -1)[:, moments.where] += added
        gram /= variance[:, None, None]
        if any(q > 1 for *_, q in self._others()):
            below = np.tril(gram, -1)
            gram = np.tril(gram) + below.transpose(0, 2, 1)
        for position, place, g, q in self._others():
            _scale(gram, place, values.lower[position], g, q)
        precision = gram[:, :-1, :-1]
        precision[:, range(m), range(m)] += 1.0
        precision[:, m:, m:] += basis.precision
        right = gram[:, -1, :-1].copy()
        right[:, m:] += basis.pull
        lower, forward = _factorised(precision, right)
        log_det = log_det + 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        fit = gram[:, -1, -1] - (forward**2).sum(axis=1)
        constant = moments.constant + basis.constant + 0.5 * len(basis.start) * np.log(2 * np.pi)
        return _System(lower, forward, constant - 0.5 * (log_det + fit))


@dataclass(frozen=True)
class _System:
    """The precision of what is left as Cholesky factors L ``(D, k, k)``, and L^-1 right ``(D, k)``.

    ``log_likelihood`` is ``(D,)``.
    """

    lower: np.ndarray
    forward: np.ndarray
    log_likelihood: np.ndarray


def _direct(cross: np.ndarray, inverses: list[np.ndarray]) -> np.ndarray:
    """Return the sum over levels of (Q'C)' K^-1 (Q'C), ``(D, p + 1, p + 1)``."""
    total = np.zeros((len(inverses[0]), cross.shape[1], cross.shape[1]))
    for at in range(len(total)):
        for (a, b), entry in zip(pairs(len(cross)), inverses, strict=True):
            product = (cross[a] * entry[at]) @ cross[b].T
            total[at] += product if a == b else product + product.T
    return total


def _scale(gram: np.ndarray, place: slice, lower: np.ndarray, g: int, q: int) -> None:
    """Multiply the rows and columns of ``g`` levels by their Cholesky factors ``(D, q, q)``."""
    if q == 1:
        gram[:, place] *= lower
        gram[:, :, place] *= lower
        return
    count, size = gram.shape[:2]
    block = gram[:, place].reshape(count, g, q, size)
    gram[:, place] = (lower.transpose(0, 2, 1)[:, None] @ block).reshape(count, g * q, size)
    block = gram[:, :, place].reshape(count, size, g, q)
    gram[:, :, place] = (block @ lower[:, None]).reshape(count, size, g * q)


def _inner(levels: Levels, values: Values) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the elements of K^-1 and log det K, each ``(D, patterns)``."""
    q = len(levels.common)
    lower = values.lower[levels.position]
    covariance = (lower @ lower.transpose(0, 2, 1)) / (values.sigma**2)[:, None, None]
    flat = np.column_stack([covariance[:, c, d] for c, d in pairs(q)])
    matrix = {}
    for (a, b), weights in zip(pairs(q), levels.weights, strict=True):
        matrix[a, b] = flat @ weights
        if a == b:
            matrix[a, b] += 1.0
    factors, log_dets = cholesky(matrix, q)
    inverses = inverse(factors, q)
    return [inverses[pair] for pair in pairs(q)], log_dets


def _factorised(precision: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Cholesky factors and solutions of L x = right; NaN where there is none."""
    try:
        lower = np.linalg.cholesky(precision)
    except np.linalg.LinAlgError:
        lower = np.full_like(precision, np.nan)
        for i, matrix in enumerate(precision):
            try:
                lower[i] = np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:
                continue
    return lower, forward(lower, right)
