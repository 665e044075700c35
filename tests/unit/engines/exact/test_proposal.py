"""Proposals against quadrature, and on posteriors that reach down to an sd of zero."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from hiermix.engines.exact.densities import Partial, Scale
from hiermix.engines.exact.parameters import Parameters
from hiermix.engines.exact.proposal import Proposal, fit_proposal
from hiermix.engines.exact.warp import Warp
from hiermix.spec.priors import parse_prior

SD = Scale.of(parse_prior("HalfNormal(2)"))
BOUNDED = Scale.of(parse_prior("Uniform(0.5, 3)"))
CORRELATION = Partial(2.0)


def parameters(*transforms) -> Parameters:
    return Parameters(transforms, 1.0, (), (1.0,) * len(transforms))


@pytest.mark.parametrize("transform", [SD, BOUNDED, CORRELATION])
def test_draws_have_the_density_that_is_claimed(transform):
    proposal = Proposal(
        parameters(transform),
        Warp.at(parameters(transform), np.array([0.2])),
        np.array([0.3, 0.7]),
        np.array([[-1.0], [0.5]]),
        np.full((2, 1, 1), 0.4),
    )

    def density(u: float) -> float:
        return float(np.exp(proposal.log_density(np.array([[u]]))[0]))

    edges = np.array([-40.0, -4.0, -2.0, -1.0, 0.05, 0.5, 1.5, 3.0, 40.0])
    shares = [integrate.quad(density, a, b, limit=200)[0] for a, b in pairwise(edges)]
    assert sum(shares) == pytest.approx(1.0, abs=1e-6)
    n = 200_000
    counts, _ = np.histogram(proposal.draw(np.random.default_rng(1), n)[:, 0], edges)
    assert stats.chisquare(counts, np.array(shares) / sum(shares) * n).pvalue > 1e-3


def test_in_three_dimensions_the_density_averages_a_known_one_to_one():
    root = np.linalg.cholesky(
        np.array([[[0.2, 0.1, 0.0], [0.1, 0.3, -0.05], [0.0, -0.05, 0.1]]]) + 0.05 * np.eye(3)
    )
    free = parameters(SD, SD, CORRELATION)
    warp = Warp.at(free, np.array([-1.0, 0.0, 0.3]))
    proposal = Proposal(free, warp, np.ones(1), np.array([[0.4, 0.5, 0.3]]), root)
    points = proposal.draw(np.random.default_rng(2), 200_000)
    for mean in ([-1.0, 0.0, 0.3], [-4.0, 0.0, 0.3], [-1.0, -2.5, 0.3]):
        known = stats.multivariate_normal(mean, 0.05 * np.eye(3)).logpdf(points)
        weight = np.exp(known - proposal.log_density(points))
        error = weight.std() / np.sqrt(len(weight))
        assert weight.mean() == pytest.approx(1.0, abs=4 * error)
        assert error < 0.2


@pytest.mark.parametrize("share_at_zero", [0.002, 0.02, 0.2])
def test_an_sd_that_may_be_zero_leaves_no_point_where_a_chain_sticks(share_at_zero):
    # Mostly near 0.35, and flat down to zero with a small share.
    bump, flat = stats.gamma(16, scale=0.35 / 16), stats.uniform(0, 0.7)

    def target(points: np.ndarray) -> np.ndarray:
        sd = np.exp(points[:, 0])
        density = (1 - share_at_zero) * bump.pdf(sd) + share_at_zero * flat.pdf(sd)
        with np.errstate(divide="ignore"):
            own = np.log(density) + points[:, 0]
        return own + stats.norm(0.0, 0.05).logpdf(points[:, 1])

    rng = np.random.default_rng(3)
    proposal = fit_proposal(parameters(SD, SD), target, rng, 1000)
    points = proposal.draw(rng, 200_000)
    weight = np.exp(target(points) - proposal.log_density(points))
    assert weight.max() / weight.mean() < 50
    assert weight.mean() ** 2 / (weight**2).mean() > 0.6


def test_warped_points_come_back_and_their_slope_is_the_jacobian():
    warp = Warp.at(parameters(SD, BOUNDED, CORRELATION), np.array([0.3, 0.0, 0.0]))
    u = np.random.default_rng(0).normal(-0.5, 1.0, (500, 3))
    v, slope = warp.image(u)
    np.testing.assert_allclose(warp.origin(v), u, atol=1e-8)
    step = 1e-6 * np.eye(3)
    moved = [(warp.image(u + s)[0] - warp.image(u - s)[0])[:, i] / 2e-6 for i, s in enumerate(step)]
    np.testing.assert_allclose(np.log(moved).T, slope, atol=1e-6)


def test_a_half_cauchy_sd_is_standard_normal_when_warped():
    warp = Warp.at(parameters(SD), np.log([0.7]))
    sd = stats.halfcauchy(scale=0.7).ppf(stats.uniform.rvs(size=2000, random_state=1))
    assert stats.kstest(warp.image(np.log(sd)[:, None])[0][:, 0], "norm").pvalue > 1e-3
