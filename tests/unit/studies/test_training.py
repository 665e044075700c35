"""Models for some of their rows."""

from dataclasses import replace

import numpy as np
import pytest
from model_support import panel, plan_of

from hiermix.engines.bambi_model import build_model
from hiermix.engines.exact.statement import read_statement
from hiermix.studies.training import rows_of, training_plan

FORMULA = "y ~ x + f + (x | g) + (1 | g:sub)"


def test_columns_priors_and_centres_stay_and_levels_without_rows_go() -> None:
    data = panel()
    plan = plan_of(data, FORMULA)
    rows = np.flatnonzero(data["g"] != "g2")
    part = training_plan(plan, rows)
    np.testing.assert_array_equal(
        part.design.main.common_matrix, plan.design.main.common_matrix[rows]
    )
    assert part.column_means is plan.column_means
    by_name = {p.name: p for p in plan.parameters}
    for parameter in part.parameters:
        whole = by_name[parameter.name]
        assert (parameter.role, parameter.prior) == (whole.role, whole.prior)
    g, sub = part.design.main.factors
    assert g.levels == ("g0", "g1", "g3", "g4", "g5", "g6")
    assert [g.levels[i] for i in g.index] == data["g"].iloc[rows].tolist()
    assert part.parameter("1|g").shape == (6,) and part.parameter("x|g").shape == (6,)
    assert not any(level.startswith("g2:") for level in sub.levels)
    assert part.parameter("1|g:sub").shape == (sub.n_groups,)
    assert (g.counts == np.bincount(g.index)).all() and g.counts.min() > 0


def test_the_density_of_a_part_is_that_of_the_same_model_of_the_part() -> None:
    """Bambi's density at a point is that of the whole model with the other rows' taken off."""
    data = panel()
    plan = plan_of(data, "y ~ x + (1 | g)", parameterization="noncentered")
    even = data.groupby("g").cumcount().to_numpy() % 2 == 0
    rows, left = np.flatnonzero(even), np.flatnonzero(~even)
    assert set(data["g"].iloc[rows]) == set(data["g"]) == set(data["g"].iloc[left])
    whole, part, rest = (
        build_model(p).pymc_model
        for p in (plan, training_plan(plan, rows), training_plan(plan, left))
    )
    point = whole.initial_point(random_seed=3)
    point = {name: value + 0.3 for name, value in point.items()}
    prior = whole.compile_logp(whole.free_RVs)(point)
    together = part.compile_logp()(point) + rest.compile_logp()(point) - prior
    assert np.isclose(together, whole.compile_logp()(point), rtol=1e-10)


def test_what_belongs_to_all_rows_is_left_out_of_a_design_of_some() -> None:
    data = panel()
    plan = plan_of(data, "y ~ x + (1 | g)", cre=[{"group": "g"}])
    rows = np.array([0, 4, 9])
    design = rows_of(plan.design, rows)
    assert plan.design.contextual is not None and design.contextual is None
    # Group means stay those of all rows.
    column = design.main.common_columns.index("cre_mean_x")
    means = data.groupby("g")["x"].transform("mean").to_numpy()[rows]
    np.testing.assert_allclose(design.main.common_matrix[:, column], means)


def test_trials_weights_and_errors_go_with_their_rows() -> None:
    data = panel()
    rows = np.array([1, 2, 7])
    trials = rows_of(plan_of(data, "p(k, n) ~ 1 + (1 | g)", family="binomial").design, rows)
    np.testing.assert_array_equal(trials.response.values, data["k"].to_numpy()[rows])
    np.testing.assert_array_equal(trials.response.trials, [12, 12, 12])
    weights = rows_of(plan_of(data, "weighted(y, w) ~ 1 + (1 | g)").design, rows)
    np.testing.assert_array_equal(weights.response.weights, data["w"].to_numpy()[rows])
    errors = rows_of(plan_of(data, "y ~ 1 + (1 | g)", known_se="se").design, rows)
    np.testing.assert_array_equal(errors.known_se, data["se"].to_numpy()[rows])


def test_a_component_loses_the_same_levels() -> None:
    data = panel()
    plan = plan_of(data, "y ~ 1 + (1 | g)", components={"sigma": "~ x + (1 | g)"})
    part = training_plan(plan, np.flatnonzero(data["g"] != "g0"))
    assert part.parameter("sigma_1|g").shape == (6,)
    assert part.design.components["sigma"].factors[0].levels == part.design.main.factors[0].levels
    build_model(part)


def test_a_column_that_is_constant_in_the_part_keeps_its_prior_and_its_place() -> None:
    data = panel()
    data["dose"] = np.where(data["g"] == "g2", 2.0, 0.5)
    plan = plan_of(data, "y ~ dose + (1 | g)", parameterization="noncentered")
    part = training_plan(plan, np.flatnonzero(data["g"] != "g2"))
    built = build_model(part)
    statement = read_statement(replace(part, centring=()), built)
    centred = 0.5 - data["dose"].mean()
    (place,) = statement.coefficients.places["dose"]
    np.testing.assert_allclose(statement.coefficients.values[:, place], centred)
    # Bambi's likelihood cannot tell it from the intercept.
    model = built.pymc_model
    likelihood = model.compile_logp(model.observed_RVs)
    point = model.initial_point(random_seed=1)
    one = likelihood({**point, "c0_0": point["c0_0"] + 0.3})
    other = likelihood({**point, "Intercept": point["Intercept"] + 0.3 * centred})
    assert one == pytest.approx(other, rel=1e-12)
    assert one != pytest.approx(likelihood(point), rel=1e-6)
