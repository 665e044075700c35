"""Random numbers of every prior against SciPy's distribution functions."""

import numpy as np
import pytest
from scipy import stats

from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import parse_prior
from hiermix.studies.priors.sampling import (
    SAMPLERS,
    draw_prior,
    ordered_normals,
    truncated_normal,
)

N = 20_000

PRIORS = {
    "Normal(1, 2)": stats.norm(1, 2),
    "StudentT(4, 1, 2)": stats.t(4, 1, 2),
    "Cauchy(1, 2)": stats.cauchy(1, 2),
    "Laplace(1, 2)": stats.laplace(1, 2),
    "Logistic(1, 2)": stats.logistic(1, 2),
    "Gumbel(1, 2)": stats.gumbel_r(1, 2),
    "SkewNormal(alpha=-3, mu=1, sigma=2)": stats.skewnorm(-3, 1, 2),
    "ExGaussian(1, 2, 3)": stats.exponnorm(1.5, 1, 2),
    "HalfNormal(2)": stats.halfnorm(0, 2),
    "HalfStudentT(4, 2)": stats.foldnorm(0),
    "HalfCauchy(2)": stats.halfcauchy(0, 2),
    "Exponential(2)": stats.expon(0, 0.5),
    "Gamma(2, 3)": stats.gamma(2, scale=1 / 3),
    "Gamma(mu=2, sigma=3)": stats.gamma(4 / 9, scale=9 / 2),
    "InverseGamma(3, 2)": stats.invgamma(3, scale=2),
    "InverseGamma(mu=2, sigma=1)": stats.invgamma(6, scale=10),
    "Weibull(2, 3)": stats.weibull_min(2, scale=3),
    "LogNormal(1, 0.5)": stats.lognorm(0.5, scale=np.e),
    "Wald(2, 3)": stats.invgauss(2 / 3, scale=3),
    "Beta(2, 3)": stats.beta(2, 3),
    "Beta(mu=0.5, sigma=0.25)": stats.beta(1.5, 1.5),
    "Uniform(2, 5)": stats.uniform(2, 3),
    "TruncatedNormal(1, 2, 0, 3)": stats.truncnorm(-0.5, 1, 1, 2),
    "TruncatedNormal(1, 2, lower=0)": stats.truncnorm(-0.5, np.inf, 1, 2),
    "TruncatedNormal(1, 2, upper=-9)": stats.truncnorm(-np.inf, -5, 1, 2),
}


@pytest.mark.parametrize("text", PRIORS)
def test_draws_have_the_distribution_that_the_prior_names(text: str) -> None:
    draws = draw_prior(parse_prior(text), np.random.default_rng(1), N)
    if text.startswith("HalfStudentT"):
        fit = stats.kstest(draws / 2, lambda x: 2 * stats.t(4).cdf(x) - 1)
    else:
        fit = stats.kstest(draws, PRIORS[text].cdf)
    assert draws.shape == (N,) and fit.pvalue > 1e-4


def test_every_distribution_that_a_prior_may_name_can_be_drawn() -> None:
    assert set(SAMPLERS) == set(DISTRIBUTIONS) - {"LKJ"}
    assert {text.partition("(")[0] for text in PRIORS} == set(SAMPLERS)


@pytest.mark.parametrize(("lower", "upper"), [(8.0, np.inf), (-np.inf, -8.0), (30.0, 30.01)])
def test_truncation_far_out_stays_inside_and_has_the_tails_mean(lower, upper) -> None:
    ends = np.full(N, lower), np.full(N, upper)
    x = truncated_normal(np.random.default_rng(2), *ends)
    assert ((x >= lower) & (x <= upper)).all()
    truth = stats.truncnorm(lower, upper)
    assert abs(x.mean() - truth.mean()) < 4 * x.std() / np.sqrt(N)


def test_ordered_normals_are_those_that_rejection_keeps() -> None:
    mu, sigma = np.array([-1.0, 0.0, 0.5]), np.array([1.0, 0.7, 1.0])
    rng = np.random.default_rng(3)
    x = ordered_normals(rng, mu, sigma, N)
    tried = rng.normal(mu[:, None], sigma[:, None], (3, 8 * N))
    kept = tried[:, (np.diff(tried, axis=0) > 0).all(axis=0)]
    assert (np.diff(x, axis=0) > 0).all()
    for ours, theirs in zip(x, kept, strict=True):
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-4
