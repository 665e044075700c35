"""A proposal that is close to a low-dimensional posterior: mixtures of t distributions.

Starting from the mode, the mixture is fitted to importance-weighted draws by EM (Cappe, Douc,
Guillin, Marin and Robert 2008, doi:10.1007/s11222-008-9059-x), with all draws so far weighted by
the average of the proposals that they came from (Cornuet, Marin, Mira and Robert 2012,
doi:10.1111/j.1467-9469.2011.00756.x). The prior itself is one component: the ratio of posterior to
proposal is then bounded by the likelihood's maximum, whatever the mixture misses (Hesterberg 1995,
doi:10.1080/00401706.1995.10484303). Another is for sds near zero: where data allow none and the
prior's density at zero is positive, the posterior of u = log(sd) falls like exp(u) to the left, ten
sds from the mode, where importance draws of a round are too few to show it. Chains stick there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from hiermix.engines.exact.mode import find_modes
from hiermix.engines.exact.parameters import Parameters

NU = 6.0
"""Degrees of freedom of the components."""

PRIOR_SHARE = 0.03
"""Share of proposals that are drawn from the prior."""

TAIL_SHARE = 0.05
"""Share of proposals in which one sd is near a limit of its prior, all limits alike."""

WIDEN = 1.15
"""Factor on the covariances of a fit: a proposal should be a little wider than its target."""

GOOD_SHARE = 0.8
"""Effective share of importance draws at which the fitting stops."""

ROUNDS = 6
MAX_COMPONENTS = 5
EM_STEPS = 25
MIN_POINTS = 5
"""Points a dimension that a component needs to live on."""

MIN_DRAWS = 500
DRAWS_A_DIMENSION = 150

Density = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Proposal:
    """A mixture of ``K`` t distributions in ``d`` dimensions and the prior.

    ``share`` ``(K,)`` sums to one, ``mean`` is ``(K, d)``, ``root`` ``(K, d, d)`` has Cholesky
    factors of the scale matrices. ``effective`` is the effective share of importance draws.
    """

    parameters: Parameters
    share: np.ndarray
    mean: np.ndarray
    root: np.ndarray
    effective: float = 0.0

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density at points ``(D, d)``."""
        components = _log_t(points, self.mean, self.root)[0] + np.log(self.share)
        mixture = special.logsumexp(components, axis=1)
        mixture += np.log1p(-PRIOR_SHARE - self._tail_share)
        prior = self.parameters.log_prior(points) + np.log(PRIOR_SHARE)
        total = np.logaddexp(mixture, prior)
        if self._tail_share:
            total = np.logaddexp(total, self._log_tails(points) + np.log(self._tail_share))
        return np.asarray(total)

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``(size, d)`` points."""
        d = self.mean.shape[1]
        component = rng.choice(len(self.share), size=size, p=self.share)
        normal = rng.standard_normal((size, d))
        scale = np.sqrt(NU / rng.chisquare(NU, size=size))
        kind = rng.uniform(size=size)
        prior = self.parameters.draw_prior(rng, size)
        offset = np.einsum("nij,nj->ni", self.root[component], normal) * scale[:, None]
        points = self.mean[component] + offset
        if self._tail_share:
            chosen = np.flatnonzero(kind > 1 - self._tail_share)
            tails = np.array(self.parameters.tails)
            position, side = tails[rng.integers(0, len(tails), len(chosen))].T
            beyond = rng.standard_exponential(len(chosen))
            points[chosen, position] = self._centre[position] + side * beyond
        return np.where((kind < PRIOR_SHARE)[:, None], prior, points)

    @property
    def _tail_share(self) -> float:
        return TAIL_SHARE if self.parameters.tails else 0.0

    @property
    def _centre(self) -> np.ndarray:
        """Where tails begin, ``(d,)``."""
        return np.asarray(self.share @ self.mean)

    def _log_tails(self, points: np.ndarray) -> np.ndarray:
        """Return the log density of draws of which one sd is replaced by one in a tail.

        That sd is exponential beyond the centre of the mixture, the others have their marginal
        distribution: for t components that is t again.
        """
        tails = self.parameters.tails
        total = np.empty((len(points), len(tails)))
        for place, (position, side) in enumerate(tails):
            beyond = side * (points[:, position] - self._centre[position])
            others = np.delete(np.arange(points.shape[1]), position)
            rows = self.root[:, others]
            root = np.linalg.cholesky(rows @ rows.transpose(0, 2, 1))
            log_density, _ = _log_t(points[:, others], self.mean[:, others], root)
            rest = special.logsumexp(log_density + np.log(self.share), axis=1)
            total[:, place] = np.where(beyond > 0, rest - beyond, -np.inf)
        return np.asarray(special.logsumexp(total, axis=1) - np.log(len(tails)))


def fit_proposal(
    parameters: Parameters, target: Density, rng: np.random.Generator, draws: int
) -> Proposal:
    """Fit a proposal to the log density ``target`` of points ``(D, d)``.

    Parameters
    ----------
    parameters
        Of at least one dimension.
    draws
        Importance draws a round; more in many dimensions.

    Returns
    -------
    Proposal
        The one with the largest effective share, ``1 / sum(w^2)`` of normalised weights w over
        their number.
    """
    modes = find_modes(parameters, target, rng)
    proposal = Proposal(
        parameters,
        np.full(len(modes), 1 / len(modes)),
        np.array([mode.at for mode in modes]),
        np.array([np.linalg.cholesky(WIDEN * mode.covariance) for mode in modes]),
    )
    size = max(MIN_DRAWS, draws, DRAWS_A_DIMENSION * parameters.size)
    tried: list[Proposal] = []
    seen, values = np.zeros((0, parameters.size)), np.zeros(0)
    best = proposal
    for number in range(ROUNDS):
        points = proposal.draw(rng, size)
        found = target(points)
        effective = _effective(found - proposal.log_density(points))
        proposal = replace(proposal, effective=effective)
        best = max(best, proposal, key=lambda p: p.effective)
        tried.append(proposal)
        if effective > GOOD_SHARE or number == ROUNDS - 1:
            break
        seen, values = np.vstack([seen, points]), np.concatenate([values, found])
        average = special.logsumexp([p.log_density(seen) for p in tried], axis=0)
        weight = _weights(values - average)
        proposal = _refit(parameters, seen, weight, min(number + 1, MAX_COMPONENTS), rng)
    return best


def _effective(log_ratio: np.ndarray) -> float:
    weight = _weights(log_ratio)
    return float(1 / (weight**2).sum() / len(weight))


def _weights(log_ratio: np.ndarray) -> np.ndarray:
    shifted = np.exp(log_ratio - log_ratio.max())
    return np.asarray(shifted / shifted.sum())


def _refit(
    parameters: Parameters,
    points: np.ndarray,
    weight: np.ndarray,
    components: int,
    rng: np.random.Generator,
) -> Proposal:
    """Fit a mixture to weighted points by EM; components that die out are left out."""
    weight = np.minimum(weight, 1 / np.sqrt(len(weight)))
    weight = weight / weight.sum()
    d = points.shape[1]
    centre = weight @ points
    spread = _covariance(points - centre, weight)
    mean = points[rng.choice(len(points), size=components, p=weight)]
    if components == 1:
        mean = centre[None]
    share = np.full(components, 1 / components)
    cov = np.repeat(spread[None], components, axis=0)
    for _ in range(EM_STEPS):
        log_density, distance = _log_t(points, mean, np.linalg.cholesky(cov))
        part = special.softmax(log_density + np.log(share), axis=1) * weight[:, None]
        share = part.sum(axis=0)
        alive = share * len(points) > MIN_POINTS * d
        if not alive.all():
            part, share, distance = part[:, alive], share[alive], distance[:, alive]
        scaled = part * (NU + d) / (NU + distance)
        mean = (scaled.T @ points) / scaled.sum(axis=0)[:, None]
        cov = np.array(
            [_covariance(points - m, s / p) for m, s, p in zip(mean, scaled.T, share, strict=True)]
        )
        share = share / share.sum()
    return Proposal(parameters, share, mean, np.linalg.cholesky(WIDEN * cov))


def _covariance(centred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return a weighted covariance matrix, kept away from singular."""
    matrix = (centred * weight[:, None]).T @ centred
    floor = 1e-6 * np.trace(matrix) / len(matrix) + 1e-300
    return np.asarray(matrix + floor * np.eye(len(matrix)))


def _log_t(points: np.ndarray, mean: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log densities ``(D, K)`` of the components and squared distances ``(D, K)``."""
    d = points.shape[1]
    inverse = np.linalg.inv(root)
    white = np.einsum("kij,nkj->nki", inverse, points[:, None] - mean)
    distance = (white**2).sum(axis=2)
    log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    constant = (
        special.gammaln((NU + d) / 2) - special.gammaln(NU / 2) - 0.5 * d * np.log(NU * np.pi)
    )
    return constant - log_det - 0.5 * (NU + d) * np.log1p(distance / NU), distance
