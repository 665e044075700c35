"""The exact engine samples the posterior that the Bambi-built PyMC model states.

At random points of all parameters: log p(y, b, u | v) from the arrays that the engine read from the
Bambi model, plus its prior of the variance parameters v, is the log density of the PyMC model.
`tests/unit/engines/exact` holds the collapsed density and the conditional draws against the same
arrays.
"""

from dataclasses import replace

import numpy as np
import pytest
from exact_support import MODELS
from model_support import panel, plan_of
from scipy import special, stats

from hiermix.engines.bambi_model import build_model
from hiermix.engines.exact.statement import read_statement
from hiermix.model.distributions import frozen

TOLERANCE = 1e-8  # relative; both are float64 sums of some 100 terms

# Matrices of three or more effects are compared with the LKJ density in test_correlations.py.
NAMES = [name for name in MODELS if name not in ("correlated", "factor slopes", "two bars")]

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


def normal_log_density(values, mean, covariance):
    return stats.multivariate_normal(mean, covariance).logpdf(values).sum()


def joint(stated, built, at):
    """Return log p(y, b, u, v) from the statement, at named values of the model."""
    ours = {plan_name: at[name] for name, plan_name in built.names.items()}
    common = stated.coefficients
    total = 0.0
    mean = np.zeros(len(stated.y))
    for name, places in common.places.items():
        value = np.atleast_1d(ours[name])
        mean += common.values[:, places] @ value
        total += stats.norm(common.mean[places], common.sd[places]).logpdf(value).sum()
    for effects in stated.factors:
        q = effects.values.shape[1]
        u = np.zeros((effects.factor.n_groups, q))
        sd = np.zeros(q)
        for name, places in effects.places.items():
            u[:, places] = ours[name].reshape(len(u), -1)
            sd[places] = ours[f"{name}_sigma"]
        correlation = np.eye(q)
        if effects.blocks:
            ((members, eta),) = effects.blocks
            i, j = members
            correlation[i, j] = correlation[j, i] = r = float(
                np.ravel(ours[f"cor|{effects.factor.name}"])[0]
            )
            total += (eta - 1) * np.log1p(-(r**2)) - special.betaln(eta, eta)
            total -= (2 * eta - 1) * np.log(2)
        total += normal_log_density(u, np.zeros(q), correlation * np.outer(sd, sd))
        # PyMC has standardised effects in place of u.
        _, log_det = np.linalg.slogdet(correlation * np.outer(sd, sd))
        total += 0.5 * len(u) * log_det
        total += sum(
            frozen(prior).logpdf(x) for prior, x in zip(effects.sd_priors, sd, strict=True)
        )
        mean += (u[effects.factor.index] * effects.values).sum(axis=1)
    sigma = stated.sigma
    if not isinstance(sigma, float):
        sigma = float(ours["sigma"])
        total += frozen(stated.sigma).logpdf(sigma)
    if stated.counted:
        return total + stated.weight @ stats.norm(mean, sigma).logpdf(stated.y)
    return total + stats.norm(mean, sigma / np.sqrt(stated.weight)).logpdf(stated.y).sum()


@pytest.mark.parametrize("name", NAMES)
def test_the_statement_is_the_model_that_bambi_built(name):
    formula, options = MODELS[name]
    plan = replace(plan_of(panel(), formula, **options), centring=())
    built = build_model(plan)
    stated = read_statement(plan, built)
    model = built.pymc_model
    density = model.compile_logp(jacobian=False)
    named = [model[n] for n in built.names]
    values = model.compile_fn(model.replace_rvs_by_values(named), point_fn=True)
    rng = np.random.default_rng(0)
    start = model.initial_point()
    for _ in range(5):
        point = {n: v + rng.normal(0, 0.5, np.shape(v)) for n, v in start.items()}
        at = dict(zip(built.names, values(point), strict=True))
        # Every partial correlation has a factor 2: PyMC's Beta is of (r + 1) / 2.
        doubled = sum(np.log(2) for effects in stated.factors for _ in effects.blocks)
        expected = float(density(point)) - doubled
        assert joint(stated, built, at) == pytest.approx(expected, rel=TOLERANCE)
