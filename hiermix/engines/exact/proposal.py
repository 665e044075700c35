"""A proposal that is close to a low-dimensional posterior: mixtures of t distributions.

Starting from the mode, the mixture is fitted to importance-weighted draws by EM (Cappe, Douc,
Guillin, Marin and Robert 2008, doi:10.1007/s11222-008-9059-x), with all draws so far weighted by
the average of the proposals that they came from (Cornuet, Marin, Mira and Robert 2012,
doi:10.1111/j.1467-9469.2011.00756.x). Defensive components bound the ratio of posterior to proposal
(Hesterberg 1995, doi:10.1080/00401706.1995.10484303): the prior; and for each sd its own prior, and
a half-Cauchy density about the mode, with all else from the mixture. An sd may run out to where its
prior ends, or down to zero, while 10^8 rows hold the others where no draw from the joint prior ever
comes. A mode that priors and search both miss is for R-hat to find, since chains start where the
proposal has no say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from hiermix.engines.exact.densities import Scale
from hiermix.engines.exact.mode import covariance, find_modes, find_starts
from hiermix.engines.exact.parameters import Parameters
from hiermix.engines.exact.warp import Warp

NU = 6.0
"""Degrees of freedom of the components."""

PRIOR_SHARE = 0.02
"""Share of proposals that are drawn from the prior."""

TAIL_SHARE = 0.05
"""Share of proposals that have one sd drawn from its prior or from the half-Cauchy density, one as
often as the other, for all sds together."""

WIDEN = 1.15
"""Factor on the covariances of a fit: a proposal should be a little wider than its target."""

GOOD_SHARE = 0.7
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
    """A mixture of ``K`` t distributions in ``d`` warped dimensions, and defensive components.

    ``share`` ``(K,)`` sums to one, ``mean`` is ``(K, d)``, ``root`` ``(K, d, d)`` has Cholesky
    factors of the scale matrices, both of points warped by ``warp``. ``effective`` is the
    effective share of importance draws.
    """

    parameters: Parameters
    warp: Warp
    share: np.ndarray
    mean: np.ndarray
    root: np.ndarray
    effective: float = 0.0

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density at points ``(D, d)``."""
        image, slope = self.warp.image(points)
        prior = self.parameters.log_priors(points)
        tails, every = self._tails, np.arange(points.shape[1])
        part = TAIL_SHARE / max(len(tails), 1)
        found = [
            prior.sum(axis=1) + np.log(PRIOR_SHARE),
            self._mixture(image, slope, every) + np.log(1 - PRIOR_SHARE - part * len(tails)),
        ]
        for one in tails:
            rest = self._mixture(image, slope, every[every != one])
            cauchy = slope[:, one] - 0.5 * image[:, one] ** 2 - 0.5 * np.log(2 * np.pi)
            own = np.logaddexp(prior[:, one], np.where(np.isnan(cauchy), -np.inf, cauchy))
            found.append(rest + own + np.log(part / 2))
        return np.asarray(special.logsumexp(found, axis=0))

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw ``(size, d)`` points."""
        d = self.mean.shape[1]
        component = rng.choice(len(self.share), size=size, p=self.share)
        normal = rng.standard_normal((size, d))
        scale = np.sqrt(NU / rng.chisquare(NU, size=size))
        kind = rng.uniform(size=size)
        prior = self.parameters.draw_prior(rng, size)
        offset = np.einsum("nij,nj->ni", self.root[component], normal) * scale[:, None]
        points = self.warp.origin(self.mean[component] + offset)
        cauchy = self.warp.origin(rng.standard_normal((size, d)))
        of_cauchy = rng.uniform(size=(size, 1)) < 0.5
        tails = np.array(self._tails, dtype=np.int64)
        share = TAIL_SHARE / max(len(tails), 1)
        which = np.clip((kind - PRIOR_SHARE) / share, 0, len(tails)).astype(np.int64)
        of_tail = np.append(tails, -1)[which]
        of_prior = (kind < PRIOR_SHARE)[:, None]
        replaced = ~of_prior & (np.arange(d) == of_tail[:, None])
        points = np.where(replaced, np.where(of_cauchy, cauchy, prior), points)
        return np.where(of_prior, prior, points)

    @property
    def _tails(self) -> list[int]:
        """Dimensions that are sds, where there are others beside them."""
        sds = [i for i, t in enumerate(self.parameters.transforms) if isinstance(t, Scale)]
        return sds if self.parameters.size > 1 else []

    def _mixture(self, image: np.ndarray, slope: np.ndarray, dims: np.ndarray) -> np.ndarray:
        """Return log densities of the mixture's marginal distribution of some dimensions."""
        root = self.root
        if len(dims) < root.shape[1]:
            rows = root[:, dims]
            root = np.linalg.cholesky(rows @ rows.transpose(0, 2, 1))
        with np.errstate(invalid="ignore"):
            components = _log_t(image[:, dims], self.mean[:, dims], root)[0] + np.log(self.share)
            found = special.logsumexp(components, axis=1) + slope[:, dims].sum(axis=1)
        return np.where(np.isfinite(slope[:, dims]).all(axis=1), found, -np.inf)


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
    modes = find_modes(find_starts(parameters, target, rng), target)
    warp = Warp.at(parameters, modes[0][0])

    def warped(image: np.ndarray) -> np.ndarray:
        points = warp.origin(image)
        return log_ratio(target(points), warp.image(points)[1].sum(axis=1))

    starts, _ = warp.image(np.array([at for at, _ in modes]))
    modes = find_modes(starts[np.isfinite(starts).all(axis=1)], warped)
    proposal = Proposal(
        parameters,
        warp,
        np.full(len(modes), 1 / len(modes)),
        np.array([at for at, _ in modes]),
        np.array([np.linalg.cholesky(WIDEN * covariance(*mode, warped)) for mode in modes]),
    )
    size = max(MIN_DRAWS, draws, DRAWS_A_DIMENSION * parameters.size)
    tried: list[Proposal] = []
    seen, values = np.zeros((0, parameters.size)), np.zeros(0)
    best = proposal
    for number in range(ROUNDS):
        points = proposal.draw(rng, size)
        found = target(points)
        effective = _effective(log_ratio(found, proposal.log_density(points)))
        proposal = replace(proposal, effective=effective)
        best = max(best, proposal, key=lambda p: p.effective)
        tried.append(proposal)
        if effective > GOOD_SHARE or number == ROUNDS - 1:
            break
        seen, values = np.vstack([seen, points]), np.concatenate([values, found])
        average = special.logsumexp([p.log_density(seen) for p in tried], axis=0)
        weight = _weights(log_ratio(values, average))
        image, _ = warp.image(seen)
        inside = np.isfinite(image).all(axis=1) & (weight > 0)
        if inside.sum() <= MIN_POINTS * parameters.size:
            break
        fitted = _refit(image[inside], weight[inside], min(number + 1, MAX_COMPONENTS), rng)
        proposal = Proposal(parameters, warp, *fitted)
    return best


def log_ratio(target: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Return ``target - density`` of log densities, minus infinity where the target is."""
    with np.errstate(invalid="ignore"):
        return np.where(target == -np.inf, -np.inf, target - density)


def _effective(ratio: np.ndarray) -> float:
    weight = _weights(ratio)
    total = float((weight**2).sum())
    return 1 / total / len(weight) if total else 0.0


def _weights(ratio: np.ndarray) -> np.ndarray:
    """Return weights that sum to one; zeros if no ratio is above zero."""
    largest = ratio.max()
    if not np.isfinite(largest):
        return np.zeros(len(ratio))
    shifted = np.exp(ratio - largest)
    return np.asarray(shifted / shifted.sum())


def _refit(
    points: np.ndarray, weight: np.ndarray, components: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a mixture to weighted points by EM; components that die out are left out.

    Returns shares, means and Cholesky factors.
    """
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
    return share, mean, np.linalg.cholesky(WIDEN * cov)


def _covariance(centred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return a weighted covariance matrix, kept away from singular."""
    matrix = (centred * weight[:, None]).T @ centred
    return np.asarray(matrix + np.diag(1e-6 * np.diagonal(matrix) + 1e-300))


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
