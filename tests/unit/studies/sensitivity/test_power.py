"""Diagnoses, names and what is said where a sensitivity cannot be worked out."""

import numpy as np
import pytest
import xarray as xr
from model_support import panel, plan_of

from hiermix.engines.base import Fit, FitRequest
from hiermix.studies.sensitivity.power import (
    CONFLICT,
    POWER_COLUMNS,
    STRONG_PRIOR,
    UNKNOWN,
    diagnose,
    power_scaling,
)

N_CHAINS, N_DRAWS = 2, 200


def random_fit(plan, seed=3) -> Fit:
    rng = np.random.default_rng(seed)
    variables = {}
    for parameter in plan.parameters:
        values = 0.2 * rng.normal(size=(N_CHAINS, N_DRAWS, *parameter.shape))
        if parameter.role in ("group_sd", "residual", "auxiliary"):
            values = np.exp(values)
        dims = ("chain", "draw", *(name for name, _ in parameter.dims))
        variables[parameter.variable] = (dims, values)
    coords = {name: list(labels) for p in plan.parameters for name, labels in p.dims}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords)})
    return Fit(tree, "nuts", "nutpie", FitRequest(N_DRAWS, 0, N_CHAINS, 1, 1))


@pytest.mark.parametrize(
    ("prior", "likelihood", "words"),
    [
        (0.049, 0.0, ""),
        (0.05, 0.05, CONFLICT),
        (0.05, 0.049, STRONG_PRIOR),
        (0.05, np.nan, UNKNOWN),
        (0.049, np.nan, ""),
        (np.nan, 0.2, "unknown"),
    ],
)
def test_diagnoses_follow_the_published_threshold(prior, likelihood, words) -> None:
    assert diagnose(prior, likelihood) == words


def test_there_is_a_row_for_every_parameter_and_every_coefficient() -> None:
    plan = plan_of(panel(), "y ~ x + (0 + f | g)")
    table = power_scaling(random_fit(plan), plan).table
    assert tuple(table.columns) == POWER_COLUMNS
    population = table[table["role"] != "group_specific"]
    assert population["parameter"].tolist()[:3] == ["Intercept", "x", "f|g_sigma[a]"]
    assert np.isfinite(population[["mcse_prior", "mcse_likelihood"]].to_numpy()).all()
    levels = table[table["role"] == "group_specific"]
    assert len(levels) == 3 * len(plan.design.main.factors[0].levels)
    assert levels["parameter"].iloc[0] == "f|g[a, g0]"
    assert np.isfinite(table[["prior", "likelihood"]].to_numpy()).all()


def test_without_a_likelihood_its_column_is_empty_and_a_note_says_why() -> None:
    plan = plan_of(panel(), "y ~ x + (1 | g)", family="t")
    found = power_scaling(random_fit(plan), plan)
    assert found.table["likelihood"].isna().all()
    assert found.notes == ("no sensitivity to the likelihood: family t",)


def test_weights_that_rest_on_a_few_draws_are_not_trusted() -> None:
    plan = plan_of(panel(), "y ~ x + (1 | g)", family="t")
    fit = random_fit(plan)
    values = np.random.default_rng(1).normal(0, 1000, size=(N_CHAINS, N_DRAWS, 1))
    fit.tree["log_likelihood"] = xr.DataTree(
        xr.Dataset({"y": (("chain", "draw", "__obs__"), values)})
    )
    found = power_scaling(fit, plan)
    assert found.table["likelihood"].isna().all()
    assert "rest on a few of the draws" in found.notes[0]


def test_a_draw_that_the_prior_excludes_leaves_the_prior_column_empty() -> None:
    plan = plan_of(panel(), "y ~ x + (1 | g)", priors={"1|g": "Uniform(0, 1)"})
    found = power_scaling(random_fit(plan), plan)
    assert found.table["prior"].isna().all()
    assert (found.table["diagnosis"] == "unknown").all()
    assert found.notes == (
        "no sensitivity to the prior: its log density is not finite at some draw",
    )


def test_a_coefficient_with_an_infinite_draw_has_no_sensitivity() -> None:
    plan = plan_of(panel(), "y ~ x + (1 | g)", family="t")
    fit = random_fit(plan)
    fit.tree["posterior"]["1|g"].to_numpy()[0, 3, 2] = np.inf
    table = power_scaling(fit, plan).table
    assert np.flatnonzero(table["prior"].isna() & (table["group"] == "g")).size == 1
    assert table.loc[table["prior"].isna(), "diagnosis"].tolist() == ["unknown"]
