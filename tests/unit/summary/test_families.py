"""Means and new observations against PyMC's distributions, which Bambi's families are made of."""

import numpy as np
import pytest

from hiermix.design.response import UNSUPPORTED
from hiermix.spec.families import CATEGORY_FAMILIES, FAMILIES
from hiermix.summary.families import PREDICTIVES, predicted

N = 60_000
Z = 5.0
"""Standard errors that a moment may be off: over 100 moments, a false alarm in 10,000 runs."""

PARAMETERS = {
    "asymmetriclaplace": {"mu": 0.5, "b": 1.3, "kappa": 0.7},
    "bernoulli": {"p": 0.3},
    "beta": {"mu": 0.3, "kappa": 4.0},
    "beta_binomial": {"mu": 0.3, "kappa": 4.0, "n": 9.0},
    "binomial": {"p": 0.3, "n": 9.0},
    "exgaussian": {"mu": 0.5, "sigma": 0.8, "nu": 1.5},
    "exponential": {"mu": 2.0},
    "gamma": {"mu": 2.0, "alpha": 3.0},
    "gaussian": {"mu": 0.5, "sigma": 1.5},
    "hurdle_gamma": {"mu": 2.0, "alpha": 3.0, "psi": 0.6},
    "hurdle_lognormal": {"mu": 0.2, "sigma": 0.5, "psi": 0.6},
    "hurdle_negativebinomial": {"mu": 1.2, "alpha": 2.0, "psi": 0.6},
    "hurdle_poisson": {"mu": 0.8, "psi": 0.6},
    "laplace": {"mu": 0.5, "b": 1.3},
    "lognormal": {"mu": 0.2, "sigma": 0.5},
    "negativebinomial": {"mu": 3.0, "alpha": 2.0},
    "poisson": {"mu": 3.0},
    "t": {"mu": 0.5, "sigma": 1.5, "nu": 9.0},
    "vonmises": {"mu": 0.5, "kappa": 3.0},
    "wald": {"mu": 2.0, "lam": 5.0},
    "weibull": {"mu": 2.0, "alpha": 1.7},
    "zero_inflated_binomial": {"p": 0.3, "psi": 0.6, "n": 9.0},
    "zero_inflated_negativebinomial": {"mu": 3.0, "alpha": 2.0, "psi": 0.6},
    "zero_inflated_poisson": {"mu": 3.0, "psi": 0.6},
}


def own(family, n, seed=1, **changed):
    values = {**PARAMETERS[family], **changed}
    parameters = {name: np.full((1, n), value) for name, value in values.items()}
    rng = None if seed is None else np.random.default_rng(seed)
    return predicted(family, parameters, rng)[0]


def theirs(family):
    import pymc as pm
    from bambi.defaults import get_builtin_family

    built = get_builtin_family(family)
    arguments = dict(PARAMETERS[family])
    if hasattr(built, "transform_kwargs"):
        arguments = built.transform_kwargs(arguments)
    if "n" in arguments:
        arguments["n"] = int(arguments["n"])
    distribution = getattr(pm, built.likelihood.name)
    return pm.draw(distribution.dist(**arguments, size=N), random_seed=2, mode="FAST_COMPILE")


def test_every_family_that_can_be_fitted_can_predict():
    assert set(PREDICTIVES) | CATEGORY_FAMILIES == set(FAMILIES) - UNSUPPORTED
    assert set(PARAMETERS) == set(PREDICTIVES)
    for name, predictive in PREDICTIVES.items():
        assert set(predictive.needs) <= {p.name for p in FAMILIES[name].parameters}


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(PREDICTIVES))
def test_new_observations_are_distributed_as_in_pymc(family):
    a, b = own(family, N), theirs(family)
    for statistic in (
        lambda y: y,
        lambda y: (y - b.mean()) ** 2,
        lambda y: y == 0,
        *(lambda y, q=q: y <= np.quantile(b, q) for q in (0.1, 0.5, 0.9)),
    ):
        x, y = np.asarray(statistic(a), dtype=float), np.asarray(statistic(b), dtype=float)
        se = np.sqrt((x.var() + y.var()) / N)
        assert abs(x.mean() - y.mean()) <= Z * se + 1e-12


@pytest.mark.parametrize("family", sorted(PREDICTIVES))
def test_the_expected_response_is_the_mean_of_new_observations(family):
    draws = own(family, N)
    mean = own(family, 1, seed=None)[0]
    # The mean of von Mises is that of the circle, and mu is its centre.
    if family == "vonmises":
        draws = np.angle(np.exp(1j * (draws - 0.5))) + 0.5
    assert abs(draws.mean() - mean) <= Z * draws.std() / np.sqrt(N)


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        ("bernoulli", {"p": 1.2}),
        ("binomial", {"p": -0.1}),
        ("gamma", {"mu": -1.0}),
        ("poisson", {"mu": -0.5}),
        ("poisson", {"mu": np.inf}),
        ("hurdle_poisson", {"mu": 1e300}),
        ("hurdle_negativebinomial", {"mu": 1e300}),
        ("negativebinomial", {"mu": 1e300}),
        ("gaussian", {"mu": np.nan}),
    ],
)
@pytest.mark.parametrize("seed", [None, 1])
def test_parameters_outside_the_family_have_no_prediction(family, changed, seed):
    assert np.isnan(own(family, 3, seed=seed, **changed)).all()


@pytest.mark.parametrize("mu", [0.0, 1e-320, 1.0])
def test_shares_at_the_edge_are_drawn_at_the_edge(mu):
    assert np.allclose(own("beta", 50, mu=mu), round(mu))
    assert np.allclose(own("beta_binomial", 50, mu=mu), 9 * round(mu))


def test_rare_counts_are_drawn_by_their_quantiles():
    draws = own("hurdle_negativebinomial", 4000, mu=1e-9, alpha=0.5, psi=1.0)
    assert set(np.unique(draws)) <= {1.0, 2.0, 3.0}
    assert own("hurdle_poisson", 100, mu=1e-12, psi=1.0).tolist() == [1.0] * 100
