"""Simulation-based calibration of the exact engine (Talts et al. 2018, arXiv:1804.06788).

Parameters are drawn from their priors, data from the model; the rank of each parameter among
draws of its posterior is then uniform, whatever the model, if and only if the draws are right.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exact_support import marginal_of, statement_of
from model_support import plan_of
from scipy import stats
from threadpoolctl import threadpool_limits

from hiermix.engines.exact.chains import run_chain
from hiermix.engines.exact.proposal import fit_proposal

SIMULATIONS = 300
DRAWS = 99
THIN = 5
"""One draw in so many is ranked: they have to be nearly independent."""

BINS = 20
ALARM = 1e-5
"""P value of the chi-square test below which a parameter fails: 5e-4 for some 50 of them."""

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

PRIORS = {"Intercept": "Normal(0, 1)", "x": "Normal(0, 1)", "sigma": "HalfNormal(1)"}


def table(levels, rows):
    rng = np.random.default_rng(0)
    n = levels * rows
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "g": [f"g{i // rows}" for i in range(n)],
            "h": [f"h{i % 4}" for i in range(n)],
            "se": rng.uniform(0.3, 1.0, size=n),
        }
    )


DESIGNS = {
    "correlated slopes": (
        table(8, 5),
        "y ~ x + (x | g)",
        {"priors": {**PRIORS, "1|g": "HalfNormal(1)", "x|g": "HalfNormal(0.5)"}},
    ),
    "crossed": (
        table(10, 4),
        "y ~ x + (1 | g) + (x || h)",
        {
            "priors": {
                **PRIORS,
                "1|g": "Exponential(1)",
                "1|h": "Gamma(2, 3)",
                "x|h": "HalfStudentT(4, 0.5)",
            }
        },
    ),
    "known errors, five levels": (
        table(5, 1),
        "y ~ 1 + (1 | g)",
        {"known_se": "se", "priors": {"Intercept": "Normal(0, 1)", "1|g": "HalfNormal(1)"}},
    ),
}


def simulate(stated, marginal, rng):
    """Draw everything from the priors, and a response; return it and all parameters by name."""
    point = marginal.parameters.draw_prior(rng, 1)
    values = marginal.parameters.values(point)
    common = stated.coefficients
    truth = {f"v{i}": float(x) for i, x in enumerate(point[0])}
    b = common.mean + common.sd * rng.standard_normal(len(common.sd))
    truth |= {f"b{i}": float(x) for i, x in enumerate(b)}
    mean = common.values @ b
    for number, (effects, lower) in enumerate(zip(stated.factors, values.lower, strict=True)):
        shape = (effects.factor.n_groups, effects.values.shape[1])
        u = rng.standard_normal(shape) @ lower[0].T
        truth |= {f"u{number}_{i}": float(u[0, i]) for i in range(shape[1])}
        mean = mean + (u[effects.factor.index] * effects.values).sum(axis=1)
    noise = values.sigma[0] / np.sqrt(stated.weight)
    return truth, mean + noise * rng.standard_normal(len(mean))


def draws_of(marginal, seed):
    """Fit and return nearly independent draws by the same names."""
    rng = np.random.default_rng([seed, 0])
    proposal = fit_proposal(marginal.parameters, marginal.log_posterior, rng, 500)
    path = run_chain(marginal, proposal, THIN * DRAWS, [seed, 1])
    points = path.points[::THIN]
    drawn = {f"v{i}": x for i, x in enumerate(points.T)}
    pieces = marginal.draw(points, lambda chunk: np.random.default_rng([seed, 2, chunk]))
    for part, piece in pieces:
        for i, x in enumerate(piece.common.T):
            drawn.setdefault(f"b{i}", np.empty(DRAWS))[part] = x
        for number, effects in enumerate(piece.effects):
            for i in range(effects.shape[2]):
                drawn.setdefault(f"u{number}_{i}", np.empty(DRAWS))[part] = effects[:, 0, i]
    return drawn


@pytest.mark.parametrize("name", DESIGNS)
def test_ranks_of_the_truth_are_uniform(name):
    data, formula, options = DESIGNS[name]
    stated = statement_of(plan_of(data, formula, **options))
    prior = marginal_of(stated)
    rng = np.random.default_rng(20261121)
    ranks: dict[str, list[int]] = {}
    for seed in range(SIMULATIONS):
        truth, y = simulate(stated, prior, rng)
        with threadpool_limits(1):
            drawn = draws_of(marginal_of(replace(stated, y=y)), seed)
        assert drawn.keys() == truth.keys()
        for parameter, value in truth.items():
            ranks.setdefault(parameter, []).append(int((drawn[parameter] < value).sum()))
    for parameter, found in ranks.items():
        counts = np.bincount(np.array(found) * BINS // (DRAWS + 1), minlength=BINS)
        assert stats.chisquare(counts).pvalue > ALARM, (parameter, counts)
