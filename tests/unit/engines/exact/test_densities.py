"""Priors of variance parameters against PyMC, quadrature and the LKJ density."""

import numpy as np
import pymc as pm
import pytest
from scipy import integrate, stats

from hiermix.engines.exact.densities import Scale, cholesky_factors, lkj_partials
from hiermix.model.distributions import frozen
from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import parse_prior

TEXTS = [
    "HalfNormal(2)",
    "HalfStudentT(nu=4, sigma=2)",
    "HalfCauchy(1.5)",
    "Exponential(0.7)",
    "Gamma(2, 3)",
    "Gamma(mu=2, sigma=0.5)",
    "InverseGamma(3, 2)",
    "InverseGamma(mu=2, sigma=0.5)",
    "Weibull(1.5, 2)",
    "LogNormal(0.3, 0.8)",
    "Wald(2, 3)",
    "Beta(2, 3)",
    "Beta(mu=0.4, sigma=0.2)",
    "Uniform(0.5, 3)",
    "TruncatedNormal(mu=1, sigma=2, lower=0.1)",
    "TruncatedNormal(mu=1, sigma=2, lower=0, upper=2)",
]

SCIPYS = {
    "HalfNormal(2)": stats.halfnorm(scale=2).cdf,
    "HalfStudentT(nu=4, sigma=2)": lambda x: 2 * stats.t(4, scale=2).cdf(x) - 1,
    "HalfCauchy(1.5)": stats.halfcauchy(scale=1.5).cdf,
    "Exponential(0.7)": stats.expon(scale=1 / 0.7).cdf,
}
"""Those that are written out here; the others are SciPy's own."""


def test_every_positive_distribution_of_the_spec_is_there():
    named = {parse_prior(text).distribution for text in TEXTS}
    positive = {
        d.name for d in DISTRIBUTIONS.values() if d.support in ("positive", "unit", "interval")
    }
    assert named == positive


@pytest.mark.parametrize("text", TEXTS)
def test_the_density_is_pymcs(text):
    prior = parse_prior(text)
    x = frozen(prior).ppf(np.array([0.01, 0.3, 0.5, 0.9, 0.99]))
    arguments = {name: np.float64(value) for name, value in prior.arguments}
    theirs = pm.logp(getattr(pm, prior.distribution).dist(**arguments), x).eval()
    np.testing.assert_allclose(frozen(prior).logpdf(x), theirs, atol=1e-9)


@pytest.mark.parametrize("text", TEXTS)
def test_the_density_on_the_real_line_integrates_to_one(text):
    scale = Scale.of(parse_prior(text))
    middle = float(scale.unbounded(scale.quantile(np.array(0.5))))
    total, _ = integrate.quad(
        lambda u: float(np.exp(scale.log_prior(np.array(u)))),
        middle - 60,
        middle + 60,
        points=[middle],
        limit=500,
    )
    assert total == pytest.approx(1, abs=1e-6)
    u = np.array([-1.0, 0.3, 2.0])
    np.testing.assert_allclose(scale.unbounded(scale.value(u)), u, rtol=1e-9)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_partial_correlations_give_the_lkj_density(k):
    eta = 1.7
    partials = lkj_partials(k, eta)
    rng = np.random.default_rng(k)

    def correlations(u):
        lower = cholesky_factors(np.tanh(u), k)
        return (lower @ lower.T)[np.triu_indices(k, 1)]

    def log_density(u):
        step = 1e-6 * np.eye(len(u))
        jacobian = np.array([(correlations(u + s) - correlations(u - s)) / 2e-6 for s in step])
        own = sum(p.log_prior(np.array(x)) for p, x in zip(partials, u, strict=True))
        lower = cholesky_factors(np.tanh(u), k)
        lkj = (eta - 1) * np.log(np.linalg.det(lower @ lower.T))
        return own - np.linalg.slogdet(jacobian)[1] - lkj

    constants = [log_density(rng.normal(0, 0.7, len(partials))) for _ in range(5)]
    np.testing.assert_allclose(constants, constants[0], atol=1e-6)


@pytest.mark.parametrize("text", TEXTS)
def test_prior_draws_have_the_prior(text):
    prior = parse_prior(text)
    scale = Scale.of(prior)
    drawn = scale.value(scale.draw(np.random.default_rng(0), 2000))
    theirs = SCIPYS.get(text) or frozen(prior).cdf
    assert stats.kstest(drawn, theirs).pvalue > 1e-4


def test_prior_draws_of_a_correlation_are_beta():
    (partial,) = lkj_partials(2, 2.0)
    drawn = np.tanh(partial.draw(np.random.default_rng(0), 2000))
    assert stats.kstest((drawn + 1) / 2, stats.beta(2, 2).cdf).pvalue > 1e-4
