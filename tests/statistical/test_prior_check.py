"""Prior predictive draws against those of the Bambi-built model."""

import numpy as np
import pymc as pm
import pytest
from model_support import panel, plan_of
from scipy import stats

from hiermix.engines.bambi_model import build_model
from hiermix.studies.priors.outcomes import draw_outcomes
from hiermix.studies.priors.parameters import draw_parameters

pytestmark = pytest.mark.statistical

N = 4000

MODELS = [
    ("gaussian", "y ~ x * f + (x + z | g) + (1 | h)"),
    ("bernoulli", "hit ~ x + (x | g)"),
    ("negativebinomial", "count ~ x + offset(log(exposure)) + (1 | g)"),
    ("zero_inflated_poisson", "count ~ 1 + (1 | g)"),
    ("binomial", "p(k, n) ~ f + (f || g)"),
    ("categorical", "grade ~ x + (1 | g)"),
    ("sratio", "grade ~ x + (1 | g)"),
]


# PyMC has one coordinate more than an ordinal model has thresholds.
@pytest.mark.filterwarnings("ignore:Incompatible coordinate length")
@pytest.mark.parametrize(("family", "formula"), MODELS, ids=[m[0] for m in MODELS])
def test_rows_have_the_distribution_that_pymc_draws(family: str, formula: str) -> None:
    table = panel()
    plan = plan_of(table, formula, family=family)
    parameters = draw_parameters(plan, N, np.random.default_rng(1))
    ours = draw_outcomes(plan, parameters, N, np.random.default_rng(2)).values
    if plan.design.response.trials is not None:
        ours = ours * plan.design.response.trials[:, None]
    with build_model(plan).pymc_model:
        tree = pm.sample_prior_predictive(N, random_seed=3)
    (theirs,) = tree["prior_predictive"].dataset.data_vars.values()
    theirs = theirs.to_numpy()[0].astype(float)
    level = np.flatnonzero(table["g"] == table["g"][0])
    for of in (
        lambda y: y[0],
        lambda y: y[-1],
        lambda y: y[level].mean(axis=0) - y.mean(axis=0),
        lambda y: y.std(axis=0),
    ):
        # Rounded: sums in another order break ties of discrete outcomes.
        assert stats.ks_2samp(np.round(of(ours), 9), np.round(of(theirs.T), 9)).pvalue > 1e-4
