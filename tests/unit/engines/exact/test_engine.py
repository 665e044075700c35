"""What a session keeps from one request to the next."""

import numpy as np
import pytest
from model_support import panel, plan_of
from run_support import Silent

from hiermix.engines import FitRequest
from hiermix.engines.exact import ExactEngine, sampling

SHORT = {"draws": 40, "tune": 300, "chains": 2, "seed": 5, "cores": 1}


@pytest.fixture(scope="module")
def plan():
    return plan_of(panel(), "y ~ x + (1 | g)")


@pytest.fixture
def fitted(monkeypatch):
    """Count the proposals that are fitted, by their draws a round."""
    counted, fit = [], sampling.fit_proposal

    def counting(parameters, target, rng, draws):
        counted.append(draws)
        return fit(parameters, target, rng, draws)

    monkeypatch.setattr(sampling, "fit_proposal", counting)
    return counted


def opened(plan):
    return ExactEngine().open(plan, Silent())


def test_a_session_that_was_asked_before_gives_the_draws_of_a_new_one(plan, fitted):
    session = opened(plan)
    first = session.sample(FitRequest(**SHORT))
    longer = FitRequest(**SHORT | {"draws": 90})
    kept, new = session.sample(longer), opened(plan).sample(longer)
    assert fitted == [300, 300]
    for group in ("posterior", "sample_stats", "log_likelihood", "posterior_predictive"):
        for name, values in new.tree[group].dataset.items():
            np.testing.assert_array_equal(kept.tree[group][name], values)
    assert kept.facts == new.facts
    beginning = kept.tree["posterior"]["1|g"].values[:, :40]
    np.testing.assert_array_equal(first.tree["posterior"]["1|g"], beginning)


def test_another_seed_or_more_tuning_asks_for_another_proposal(plan, fitted):
    session = opened(plan)
    session.sample(FitRequest(**SHORT))
    session.sample(FitRequest(**SHORT | {"tune": 900}))
    session.sample(FitRequest(**SHORT | {"seed": 6}))
    session.sample(FitRequest(**SHORT))
    assert fitted == [300, 900, 300]


def test_nothing_is_fitted_where_no_variance_parameter_is_free(fitted):
    plan = plan_of(panel(), "y ~ x", priors={"sigma": 0.7})
    assert opened(plan).sample(FitRequest(**SHORT)).facts["dimensions"] == 0
    assert fitted == []
