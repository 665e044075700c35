"""The log likelihood of all data against row-by-row densities of SciPy."""

import numpy as np
import pytest
import xarray as xr
from model_support import panel, plan_of
from scipy import stats
from scipy.special import expit

from hiermix.engines.base import Fit, FitRequest
from hiermix.model.reduction import reduce_plan
from hiermix.studies.sensitivity import log_likelihood
from hiermix.studies.sensitivity.log_likelihood import total_log_likelihood

N_CHAINS, N_DRAWS = 2, 40

MODELS = {
    "gaussian": ("y ~ f + (1 | g)", {}),
    "slopes": ("y ~ x + (x || g)", {}),
    "known errors": ("y ~ x + (1 | g)", {"known_se": "se"}),
    "fixed sigma": ("y ~ f + (1 | g)", {"priors": {"sigma": 0.7}}),
    "poisson": ("count ~ f + offset(log(exposure)) + (1 | g)", {"family": "poisson"}),
    "bernoulli": ("hit ~ f + (1 | g)", {"family": "bernoulli"}),
    "binomial": ("p(k, n) ~ f + (1 | g)", {"family": "binomial"}),
}


def table():
    found = panel(n_groups=8, rows=12)
    # Few values, so that rows can be merged.
    found["exposure"] = found["exposure"].round()
    return found


def random_fit(plan) -> Fit:
    rng = np.random.default_rng(3)
    variables = {}
    for parameter in plan.parameters:
        if parameter.is_fixed:
            continue
        values = 0.4 * rng.normal(size=(N_CHAINS, N_DRAWS, *parameter.shape))
        if parameter.role in ("group_sd", "residual"):
            values = np.exp(values)
        dims = ("chain", "draw", *(name for name, _ in parameter.dims))
        variables[parameter.variable] = (dims, values)
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})
    return Fit(tree, "nuts", "nutpie", FitRequest(N_DRAWS, 0, N_CHAINS, 1, 1))


def by_rows(plan, fit, data) -> np.ndarray:
    """Return the total of SciPy's densities of all rows, ``(N_CHAINS, N_DRAWS)``."""
    posterior = fit.tree["posterior"]
    design = plan.design
    eta = np.zeros((N_CHAINS, N_DRAWS, design.n_obs))
    eta += posterior["Intercept"].to_numpy()[..., None]
    for term in design.main.common:
        values = posterior[term.name].to_numpy().reshape(N_CHAINS, N_DRAWS, -1)
        eta += np.einsum("cdk,nk->cdn", values, term.values)
    for term in design.main.group:
        values = posterior[term.name].to_numpy()
        eta += values[..., term.factor.index] * term.values[:, 0]
    if design.main.offset is not None:
        eta += design.main.offset
    if plan.family == "poisson":
        return stats.poisson(np.exp(eta)).logpmf(data["count"].to_numpy()).sum(-1)
    if plan.family == "bernoulli":
        return stats.bernoulli(expit(eta)).logpmf(data["hit"].to_numpy()).sum(-1)
    if plan.family == "binomial":
        return stats.binom(data["n"].to_numpy(), expit(eta)).logpmf(data["k"].to_numpy()).sum(-1)
    if design.known_se is not None:
        sd = design.known_se
    elif "sigma" in posterior:
        sd = posterior["sigma"].to_numpy()[..., None]
    else:
        sd = 0.7
    return stats.norm(eta, sd).logpdf(data["y"].to_numpy()).sum(-1)


@pytest.mark.parametrize("name", MODELS)
def test_totals_are_those_of_the_rows_up_to_a_constant(name) -> None:
    data = table()
    formula, options = MODELS[name]
    plan = plan_of(data, formula, **options)
    fit = random_fit(plan)
    found = total_log_likelihood(fit, plan)
    assert found.reason == "" and found.kept.tolist() == list(range(N_DRAWS))
    difference = found.values - by_rows(plan, fit, data)
    np.testing.assert_allclose(difference - difference.mean(), 0, atol=1e-8)


def test_means_of_merged_rows_know_the_total_of_the_rows() -> None:
    data = table()
    plan = plan_of(data, "y ~ f + (1 | g)")
    fit = random_fit(plan)
    cells = reduce_plan(plan).plan
    assert cells.has_means and cells.within_ss > 0
    found = total_log_likelihood(fit, cells)
    difference = found.values - by_rows(plan, fit, data)
    np.testing.assert_allclose(difference - difference.mean(), 0, atol=1e-8)


def test_the_stored_log_likelihood_is_preferred() -> None:
    plan = plan_of(table(), "y ~ x + (1 | g)", family="t")
    fit = random_fit(plan)
    values = np.random.default_rng(1).normal(size=(N_CHAINS, N_DRAWS, 5))
    fit.tree["log_likelihood"] = xr.DataTree(
        xr.Dataset({"y": (("chain", "draw", "__obs__"), values)})
    )
    np.testing.assert_allclose(total_log_likelihood(fit, plan).values, values.sum(-1))


def test_what_cannot_be_worked_out_says_why() -> None:
    plan = plan_of(table(), "y ~ x + (1 | g)", family="t")
    found = total_log_likelihood(random_fit(plan), plan)
    assert found.values is None and found.reason == "family t"


def test_of_too_many_rows_evenly_spaced_draws_are_used(monkeypatch) -> None:
    data = table()
    plan = plan_of(data, "y ~ x + (1 | g)")
    fit = random_fit(plan)
    monkeypatch.setattr(log_likelihood, "MIN_DRAWS", 4)
    monkeypatch.setattr(log_likelihood, "MAX_CELLS", 5 * N_CHAINS * len(data))
    found = total_log_likelihood(fit, plan)
    assert found.kept.tolist() == [0, 10, 20, 29, 39]
    every = by_rows(plan, fit, data)[:, found.kept]
    np.testing.assert_allclose(found.values - found.values.mean(), every - every.mean())
    monkeypatch.setattr(log_likelihood, "MAX_CELLS", N_CHAINS * len(data))
    assert "rows are too many" in total_log_likelihood(fit, plan).reason
