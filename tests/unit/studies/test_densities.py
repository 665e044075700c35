"""Log densities of rows, against scipy's and the engine's."""

import decimal

import numpy as np
import pytest
from model_support import panel, plan_of
from run_support import fitted
from scipy import special, stats

from hiermix.studies import densities
from hiermix.studies.accuracy import row_log_likelihood
from hiermix.studies.densities import thinned_log_likelihood, why_no_densities
from hiermix.summary.weights import RowModel, row_model
from tests.unit.summary import small


def drawn(plan, n_draws=40):
    draws = small.normal(np.random.default_rng(2), plan, n_draws)
    return small.fit(plan, draws), draws


@pytest.mark.parametrize("family", ["gaussian", "poisson", "bernoulli", "binomial"])
def test_rows_have_the_densities_of_their_family(family: str) -> None:
    data = panel()
    left = {"gaussian": "y", "poisson": "count", "bernoulli": "hit", "binomial": "p(k, n)"}[family]
    plan = plan_of(data, f"{left} ~ 1 + (1 | g)", family=family)
    fit, draws = drawn(plan)
    values, kept = thinned_log_likelihood(fit, plan, row_model(fit, plan))
    assert kept.tolist() == list(range(20))
    index = plan.design.main.factors[0].index
    eta = draws["Intercept"][:, None] + draws["1|g"][:, index]
    expected = {
        "gaussian": lambda: stats.norm(eta, draws["sigma"][:, None]).logpdf(data["y"].to_numpy()),
        "poisson": lambda: stats.poisson.logpmf(data["count"].to_numpy(), np.exp(eta)),
        "bernoulli": lambda: stats.bernoulli.logpmf(data["hit"].to_numpy(), special.expit(eta)),
        "binomial": lambda: stats.binom.logpmf(data["k"].to_numpy(), 12, special.expit(eta)),
    }[family]()
    np.testing.assert_allclose(values.reshape(40, -1), expected, rtol=1e-9)


@pytest.mark.statistical
def test_they_are_what_the_engine_stores() -> None:
    result = fitted("eight_schools", {})
    plan = result.prepared.plan
    values, _ = thinned_log_likelihood(result.fit, plan, row_model(result.fit, plan))
    np.testing.assert_allclose(values, row_log_likelihood(result.fit), rtol=1e-9)


def test_of_many_rows_evenly_spaced_draws_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(panel(), "y ~ 1 + (1 | g)")
    fit, _ = drawn(plan)
    rows, n = row_model(fit, plan), plan.design.n_obs
    whole, _ = thinned_log_likelihood(fit, plan, rows)
    monkeypatch.setattr(densities, "MIN_DRAWS", 5)
    monkeypatch.setattr(densities, "MAX_CELLS", 2 * n * 5)
    values, kept = thinned_log_likelihood(fit, plan, rows)
    assert kept.tolist() == [0, 5, 10, 14, 19]
    np.testing.assert_allclose(values, whole[:, kept])
    monkeypatch.setattr(densities, "MAX_CELLS", 2 * n * 5 - 1)
    assert thinned_log_likelihood(fit, plan, rows) is None


def test_models_without_them_are_said() -> None:
    assert why_no_densities(plan_of(panel(), "y ~ x + (1 | g)")) == ""
    assert why_no_densities(plan_of(panel(), "share ~ 1 + (1 | g)", family="beta")) == "family beta"


CHANCES = {
    "logit": lambda eta: 1 / (1 + (-eta).exp()),
    "cloglog": lambda eta: 1 - (-eta.exp()).exp(),
    "identity": lambda eta: eta,
}


@pytest.mark.parametrize(
    ("link", "etas"),
    [
        ("logit", [-60.0, -35.0, -2.0, 0.0, 1.5, 9.0, 60.0]),
        ("cloglog", [-60.0, -41.0, -39.0, -2.0, 0.0, 1.5, 4.5]),
        ("identity", [0.25, 0.5, 0.75]),
    ],
)
def test_chances_and_their_complements_have_logs_where_they_round_to_one(link, etas) -> None:
    with decimal.localcontext(prec=80):
        chances = [CHANCES[link](decimal.Decimal(eta)) for eta in etas]
        expected = [[float(c.ln()) for c in chances], [float((1 - c).ln()) for c in chances]]
    np.testing.assert_allclose(densities.log_chances(link, np.array(etas)), expected, rtol=1e-12)


def test_normal_chances_have_the_logs_of_scipy() -> None:
    etas = np.array([-30.0, -2.0, 0.0, 9.0, 30.0])
    expected = stats.norm.logcdf(etas), stats.norm.logsf(etas)
    np.testing.assert_allclose(densities.log_chances("probit", etas), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("family", "link", "response", "eta", "expected"),
    [
        ("bernoulli", "identity", 1.0, 1.2, -np.inf),
        ("bernoulli", "identity", 0.0, -0.2, -np.inf),
        ("bernoulli", "identity", 1.0, 1.0, 0.0),
        ("poisson", "identity", 0.0, -1.0, -np.inf),
        ("poisson", "identity", 0.0, 0.0, 0.0),
        ("poisson", "log", 1.0, 800.0, -np.inf),
        ("poisson", "log", 1.0, -800.0, -800.0),
    ],
)
def test_no_density_is_more_than_one_or_no_number(family, link, response, eta, expected) -> None:
    data = panel().assign(hit=response, count=int(response))
    data.loc[data.index[0], "hit"] = 1 - response
    left = "hit" if family == "bernoulli" else "count"
    plan = plan_of(data, f"{left} ~ 1 + (1 | g)", family=family)
    etas = np.full(1, eta)
    rows = RowModel(family, link, etas, np.array([response]), np.ones(1), 1.0, None)
    found = densities.row_densities(plan, rows, etas[None], None)
    assert found.tolist() == [[expected]]
