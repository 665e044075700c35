import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.design.grouping import is_nested
from hiermix.model.centring import build_order, with_forms
from hiermix.model.pilot import log_density, run_pilot
from hiermix.model.working import working_data
from hiermix.spec.priors import parse_prior


def balanced(n_groups, rows, tau, seed=1):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), rows)
    y = rng.normal(0, tau, n_groups)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": rng.normal(size=len(g)), "g": [f"g{i}" for i in g]})


def pilot_of(plan):
    design = plan.design
    working = working_data(design, plan.family, plan.links[design.main.parameter])
    priors = {t.name: plan.parameter(f"{t.name}_sigma").prior for t in design.main.group}
    return run_pilot(design.main.group, working, priors)


def test_levels_with_strong_data_are_centred_and_with_weak_data_are_not():
    (strong,) = plan_of(balanced(30, 200, tau=1.0), "y ~ x + (1 | g)").centring
    (weak,) = plan_of(balanced(30, 2, tau=0.1), "y ~ x + (1 | g)").centring
    assert strong.weight.min() > 0.9
    assert weak.weight.max() < 0.4
    assert strong.form == weak.form == "adapted"


@pytest.mark.parametrize("tau", [0.3, 1.0, 3.0])
def test_the_pilot_finds_the_group_sd_to_a_factor_of_two(tau):
    pilot = pilot_of(plan_of(balanced(60, 20, tau=tau), "y ~ x + (1 | g)"))
    assert tau / 2 < pilot.sds["1|g"][0] < tau * 2
    assert pilot.dispersion == pytest.approx(1.0, rel=0.3)


def test_with_few_levels_the_pilot_follows_the_prior_and_is_not_stuck_at_zero():
    table = pd.DataFrame({"y": [0.1, 0.1, 0.1, 0.1], "se": 1.0, "g": list("abcd")})
    plan = plan_of(table, "y ~ 1 + (1 | g)", known_se="se", priors={"1|g": "HalfNormal(0.2)"})
    # the likelihood is flat for tau far below se: the mean is about that of the prior, .16
    assert pilot_of(plan).sds["1|g"][0] == pytest.approx(0.2 * np.sqrt(2 / np.pi), rel=0.1)


@pytest.mark.parametrize("lower", [1, 0.3, 1e-7, 1e7])
def test_a_prior_between_two_points_of_the_grid_is_followed(lower):
    prior = f"Uniform({lower}, {1.0001 * lower})"
    plan = plan_of(balanced(12, 5, tau=1.0), "y ~ x + (x | g)", priors={"1|g": prior})
    assert pilot_of(plan).sds["1|g"][0] == pytest.approx(lower, rel=1e-3)


@pytest.mark.parametrize(
    "text",
    ["HalfNormal(0.5)", "HalfStudentT(3, 0.5)", "HalfCauchy(0.5)", "Exponential(2)", "Gamma(2, 3)"],
)
def test_prior_densities_integrate_to_one(text):
    grid = np.linspace(1e-6, 400, 2_000_001)
    density = np.exp(log_density(parse_prior(text), grid))
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=2e-3)


def test_information_and_estimate_of_an_intercept_are_those_of_the_level_mean():
    table = panel()
    plan = plan_of(table, "y ~ 1 + (1 | g)", known_se="se")
    (centring,) = plan.centring
    weight = 1 / table["se"] ** 2
    expected = weight.groupby(table["g"]).sum()
    np.testing.assert_allclose(centring.information[:, 0], expected)
    means = (weight * table["y"]).groupby(table["g"]).sum() / expected
    np.testing.assert_allclose(centring.estimate[:, 0], means)


def test_information_and_estimate_of_a_slope_are_those_of_regression_within_the_level():
    table = panel()
    plan = plan_of(table, "y ~ x + (x | g)")
    slope = {c.term: c for c in plan.centring}["x|g"]
    for position, (_, rows) in enumerate(table.groupby("g")):
        own = np.polyfit(rows["x"], rows["y"], 1)[0]
        assert slope.estimate[position, 0] == pytest.approx(own)


def test_later_factors_dilute_what_a_level_mean_tells():
    table = panel()
    alone = plan_of(table, "y ~ x + (1 | h)", known_se="se").centring[0]
    both = {c.term: c for c in plan_of(table, "y ~ x + (1 | h) + (1 | g)", known_se="se").centring}
    assert (both["1|h"].information < alone.information).all()


def test_terms_are_built_coarse_factors_first_and_intercepts_last():
    plan = plan_of(panel(), "y ~ x + (x | g / sub)")
    assert [t.name for t in build_order(plan.design.main.group)] == [
        "x|g",
        "1|g",
        "x|g:sub",
        "1|g:sub",
    ]


def test_nesting_is_told_from_the_data():
    plan = plan_of(panel(), "y ~ x + (1 | g / sub) + (1 | h)")
    factors = {f.name: f for f in plan.design.main.factors}
    assert is_nested(factors["g:sub"], factors["g"])
    assert not is_nested(factors["g"], factors["g:sub"])
    assert not is_nested(factors["g"], factors["h"])


def test_families_without_a_rough_picture_are_noncentred_and_say_so():
    plan = plan_of(panel(), "grade ~ x + (1 | g)", family="cumulative")
    (centring,) = plan.centring
    assert centring.form == "noncentered"
    assert "no rough estimate" in centring.reason


def test_fixed_forms_know_whether_the_spec_states_them():
    table = panel()
    stated = plan_of(table, "y ~ x + (x | g)", parameterization={"x|g": "noncentered"})
    assert {c.term: c.stated for c in stated.centring} == {"1|g": False, "x|g": True}
    ordinal = plan_of(table, "grade ~ x + (1 | g)", family="cumulative")
    assert [c.stated for c in ordinal.centring] == [False]


def test_other_forms_change_the_coordinates_of_the_terms_that_are_named_and_nothing_else():
    plan = plan_of(panel(), "y ~ x + (x | g)")
    other = with_forms(plan, {"x|g": "centered"})
    before, after = ({c.term: c for c in p.centring} for p in (plan, other))
    assert after["1|g"] is before["1|g"]
    assert after["x|g"].form == "centered"
    assert "adapted" in after["x|g"].reason
    np.testing.assert_array_equal(after["x|g"].weight, np.ones((7, 1)))
    assert other.parameters is plan.parameters
