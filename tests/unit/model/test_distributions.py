import numpy as np
import pytest
from scipy import stats

from hiermix.model.distributions import frozen
from hiermix.spec.priors import parse_prior

# What is written out in place of SciPy's distributions.
SCIPYS = {
    "HalfNormal(2)": stats.halfnorm(scale=2),
    "HalfCauchy(1.5)": stats.halfcauchy(scale=1.5),
    "Exponential(0.7)": stats.expon(scale=1 / 0.7),
}
T = "HalfStudentT(nu=4, sigma=2)"
X = np.array([0.0, 1e-12, 0.3, 2.0, 50.0, 1e6])
P = np.array([0.0, 1e-12, 0.01, 0.5, 0.99, 1 - 1e-12])


@pytest.mark.parametrize("text", SCIPYS)
def test_density_quantiles_and_median_are_scipys(text):
    ours, theirs = frozen(parse_prior(text)), SCIPYS[text]
    np.testing.assert_allclose(ours.logpdf(X), theirs.logpdf(X), rtol=1e-13)
    np.testing.assert_allclose(ours.ppf(P), theirs.ppf(P), rtol=1e-9, atol=1e-15)
    assert ours.median() == pytest.approx(theirs.median(), rel=1e-12)


def test_a_half_t_is_twice_the_positive_half_of_a_t():
    ours, whole = frozen(parse_prior(T)), stats.t(4, scale=2)
    np.testing.assert_allclose(ours.logpdf(X), np.log(2) + whole.logpdf(X), rtol=1e-13)
    np.testing.assert_allclose(ours.ppf(P), whole.isf((1 - P) / 2), rtol=1e-9, atol=1e-15)
    assert ours.median() == pytest.approx(whole.ppf(0.75), rel=1e-12)


@pytest.mark.parametrize("text", [*SCIPYS, T])
def test_negative_values_have_no_density(text):
    assert frozen(parse_prior(text)).logpdf(np.array([-1.0, -1e-9])).tolist() == [-np.inf] * 2
