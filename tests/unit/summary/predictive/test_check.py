"""The table of posterior predictive checks, from posteriors that are stated."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from model_support import panel, plan_of
from predictive_support import fit_of
from scipy import stats

from hiermix.gates import judge
from hiermix.summary.predictive import replicates as drawing
from hiermix.summary.predictive.check import (
    predictive_checks,
    predictive_measurements,
    why_no_replicates,
)
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS, empty_checks

N_DRAWS = 200


def draws_for(plan, **values):
    """Return the same value for every draw; 0 for what is not named."""
    found = {}
    for parameter in plan.parameters:
        value = np.asarray(values.get(parameter.name, 0.0), dtype=float)
        found[parameter.name] = np.broadcast_to(value, (N_DRAWS, *parameter.shape)).copy()
    return found


def gaussian(sigma=0.5, **values):
    plan = plan_of(panel(), "y ~ 1 + (1 | g)")
    table = panel()
    means = table.groupby("g")["y"].mean()[list(plan.design.main.factors[0].levels)].to_numpy()
    stated = {"Intercept": means.mean(), "1|g": means - means.mean(), "sigma": sigma, **values}
    return plan, fit_of(plan, draws_for(plan, **stated))


def row(checks, group, level, statistic):
    found = checks[
        (checks["group"] == group) & (checks["level"] == level) & (checks["statistic"] == statistic)
    ]
    assert len(found) == 1
    return found.iloc[0]


def by_gate(checks, policy="publish"):
    verdict = judge(predictive_measurements(checks), policy=policy, phases={"posterior"})
    return {f.gate: f for f in verdict.findings}


def test_the_table_has_a_row_for_each_statistic_and_level():
    plan, fit = gaussian()
    checks = predictive_checks(fit, plan, 0.9)
    assert tuple(checks.columns) == PREDICTIVE_COLUMNS
    (factor,) = plan.design.main.factors
    overall = checks[checks["group"] == ""]
    assert list(overall["statistic"]) == [
        "mean", "sd", "skewness", "min", "max", "largest_residual",
    ]  # fmt: skip
    assert set(overall["n_rows"]) == {plan.design.n_obs}
    means = checks[(checks["group"] == "g") & (checks["statistic"] == "mean")]
    assert list(means["level"]) == list(factor.levels)
    assert list(means["n_rows"]) == list(factor.counts)
    table = panel().groupby("g")["y"].mean()
    assert means["observed"].to_numpy() == pytest.approx(table[list(factor.levels)].to_numpy())
    # Of levels with few rows there is no spread to look at.
    spread = checks[(checks["group"] == "g") & (checks["statistic"] == "pearson")]
    assert list(spread["level"]) == [
        level for level, n in zip(factor.levels, factor.counts, strict=True) if n >= 5
    ]
    assert 0 < len(spread) < len(means)


def test_replicated_means_are_those_of_the_stated_posterior():
    plan, fit = gaussian(sigma=0.5)
    checks = predictive_checks(fit, plan, 0.9)
    for found in checks[checks["statistic"] == "mean"].to_dict("records"):
        sd = 0.5 / np.sqrt(found["n_rows"])
        error = sd / np.sqrt(found["replicates"])
        assert found["replicated_mean"] == pytest.approx(found["observed"], abs=5 * error)
        assert found["replicated_sd"] == pytest.approx(sd, rel=0.1)
        assert found["lower"] == pytest.approx(found["observed"] - 1.645 * sd, abs=0.2 * sd)
        assert found["upper"] == pytest.approx(found["observed"] + 1.645 * sd, abs=0.2 * sd)
        assert found["p_value"] == pytest.approx(0.5, abs=0.06)


def test_p_values_of_a_known_normal_are_right():
    _, centred = gaussian(sigma=0.5)
    middle = float(centred.tree["posterior"]["Intercept"].mean())
    plan, fit = gaussian(sigma=0.5, Intercept=middle + 0.1)
    checks = predictive_checks(fit, plan, 0.9)
    found = row(checks, "", "", "mean")
    z = (found["observed"] - found["replicated_mean"]) / (0.5 / np.sqrt(plan.design.n_obs))
    assert -3 < z < -0.3
    assert found["p_value"] == pytest.approx(stats.norm.sf(z), abs=0.03)


def test_adjusted_values_are_those_times_the_checks_of_the_factor():
    plan, fit = gaussian()
    checks = predictive_checks(fit, plan, 0.9)
    for _, rows in checks.groupby("group"):
        expected = np.minimum(rows["p_two_sided"] * len(rows), 1.0)
        assert rows["p_adjusted"].to_numpy() == pytest.approx(expected.to_numpy())


def test_the_same_fit_gives_the_same_table_and_other_seeds_other_replicates():
    plan, fit = gaussian()
    one, same = predictive_checks(fit, plan, 0.9), predictive_checks(fit, plan, 0.9)
    assert one.equals(same)
    other = replace(fit, request=replace(fit.request, seed=2))
    assert not one.equals(predictive_checks(other, plan, 0.9))


def test_a_level_that_is_far_out_is_named():
    plan, fit = gaussian()
    (factor,) = plan.design.main.factors
    shifted = plan.design.response.values + 3.0 * (factor.index == 2)
    response = replace(plan.design.response, values=shifted)
    plan = replace(plan, design=replace(plan.design, response=response))
    checks = predictive_checks(fit, plan, 0.9)
    found = by_gate(checks)["predictive_levels"]
    assert found.status == "warn"
    assert found.where.startswith(f"g[{factor.levels[2]}]")
    worst = row(checks, "g", factor.levels[2], "mean")
    assert worst["p_value"] < 1e-5
    assert worst["observed"] > worst["upper"]
    assert f"observed {worst['observed']:.4g}" in found.message or "pearson" in found.where


@pytest.mark.parametrize("sigma", [np.nan, np.inf])
def test_a_posterior_that_is_no_number_warns_and_does_not_fail_nor_pass(sigma):
    one_draw = np.full(N_DRAWS, 0.5)
    one_draw[3] = sigma
    plan, fit = gaussian(sigma=one_draw)
    found = by_gate(predictive_checks(fit, plan, 0.9))
    assert {f.status for f in found.values()} == {"warn"}
    assert np.isnan(found["predictive"].value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("formula", "family", "name"),
    [
        ("count ~ 1 + (1 | g)", "poisson", "Intercept"),
        ("count ~ 1 + (1 | g)", "negativebinomial", "alpha"),
        ("hit ~ 1 + (1 | g)", "bernoulli", "1|g"),
        ("p(k, n) ~ 1 + (1 | g)", "binomial", "1|g"),
    ],
)
def test_damaged_draws_of_any_family_never_pass_as_numbers(formula, family, name, value):
    plan = plan_of(panel(), formula, family=family)
    draws = draws_for(plan, alpha=1.0)
    draws[name][5] = value
    found = by_gate(predictive_checks(fit_of(plan, draws), plan, 0.9))
    if family in ("bernoulli", "binomial") and np.isinf(value):
        # A probability of 0 or 1 is one: outcomes are numbers, and residuals of those are not.
        assert np.isfinite(found["predictive_levels"].value) == (family == "bernoulli")
        return
    assert {f.status for f in found.values()} == {"warn"}
    assert np.isnan(found["predictive"].value)


def test_probabilities_that_are_rounded_to_one_have_no_residuals():
    table = panel()
    table["k"] = table["n"]
    plan = plan_of(table, "p(k, n) ~ 1 + (1 | g)", family="binomial")
    draws = draws_for(plan, Intercept=4.0)
    draws["Intercept"][:7] = 50.0
    checks = predictive_checks(fit_of(plan, draws), plan, 0.9)
    assert np.isfinite(checks["p_two_sided"]).all()
    assert "pearson" in set(checks["statistic"])


def test_effects_that_are_no_numbers_are_named():
    plan, fit = gaussian(sigma=np.nan)
    found = by_gate(predictive_checks(fit, plan, 0.9))
    assert {f.status for f in found.values()} == {"warn"}
    assert all(np.isnan(f.value) for f in found.values())
    assert "could not be computed" in found["predictive"].message
    (factor,) = plan.design.main.factors
    effects = np.zeros(factor.n_groups)
    effects[1] = np.nan
    plan, fit = gaussian(**{"1|g": effects})
    found = by_gate(predictive_checks(fit, plan, 0.9), "strict")["predictive_levels"]
    assert found.status == "warn"
    assert found.where.startswith(f"g[{factor.levels[1]}]")


@pytest.mark.parametrize(
    ("formula", "options", "names", "values"),
    [
        ("count ~ 1 + (1 | g)", {"family": "poisson"}, {"mean", "pearson"}, {}),
        (
            "count ~ x + (1 | g) + (1 | h)",
            {"family": "negativebinomial"},
            {"mean", "pearson"},
            {"alpha": 2.0},
        ),
        ("hit ~ x + (1 | g)", {"family": "bernoulli"}, {"mean"}, {}),
        ("p(k, n) ~ x + (1 | g)", {"family": "binomial"}, {"mean", "pearson"}, {}),
        ("y ~ x + (x | g)", {"known_se": "se"}, {"mean", "pearson"}, {}),
    ],
)
def test_families_are_drawn_with_their_own_variance(formula, options, names, values):
    plan = plan_of(panel(), formula, **options)
    fit = fit_of(plan, draws_for(plan, **values))
    checks = predictive_checks(fit, plan, 0.9)
    assert set(checks.loc[checks["group"] != "", "statistic"]) <= names
    assert set(checks["group"]) == {"", *(f.name for f in plan.design.main.factors)}
    for found in checks[checks["statistic"] == "pearson"].to_dict("records"):
        # Squared standardised residuals of replicates are 1 on average, whatever the family.
        error = found["replicated_sd"] / np.sqrt(found["replicates"])
        assert found["replicated_mean"] == pytest.approx(1, abs=5 * error)


def stored(plan, values):
    data = xr.Dataset({plan.design.response.name: (("chain", "draw", "__obs__"), values)})
    return fit_of(plan, draws_for(plan, alpha=1.0), posterior_predictive=data)


def test_other_families_take_the_data_sets_that_the_engine_stored():
    plan = plan_of(panel(), "positive ~ x + (1 | g)", family="gamma", link="log")
    y = plan.design.response.values
    values = np.random.default_rng(1).gamma(3.0, y.mean() / 3, size=(2, 50, len(y)))
    checks = predictive_checks(stored(plan, values), plan, 0.9)
    assert set(checks["replicates"]) == {100}
    flat = values.reshape(100, -1)
    found = row(checks, "", "", "sd")
    assert found["replicated_mean"] == pytest.approx(flat.std(axis=1, ddof=1).mean())
    above = (flat.mean(axis=1) > y.mean()).sum()
    assert row(checks, "", "", "mean")["p_value"] == pytest.approx((above + 0.5) / 101, abs=0.02)
    assert "sd" in set(checks.loc[checks["group"] == "g", "statistic"])


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("weighted(y, w) ~ x + (1 | g)", {}, "weighted"),
        ("censored(y, status) ~ x + (1 | g)", {}, "censored"),
        ("truncated(y, lb=-9) ~ x + (1 | g)", {}, "truncated"),
        ("grade ~ x + (1 | g)", {"family": "cumulative"}, "cumulative"),
        ("angle ~ x + (1 | g)", {"family": "vonmises"}, "vonmises"),
        ("share ~ x + (1 | g)", {"family": "beta"}, "drew no replicated data"),
        ("y ~ x + (1 | g)", {"components": {"sigma": "~ z"}}, "drew no replicated data"),
    ],
)
def test_where_there_is_nothing_to_compare_the_reason_is_said(formula, options, words):
    plan = plan_of(panel(), formula, **options)
    fit = fit_of(plan, draws_for(plan))
    assert words in why_no_replicates(fit, plan)
    assert predictive_checks(fit, plan, 0.9).equals(empty_checks())


def test_the_engine_s_own_reason_is_passed_on():
    plan = plan_of(panel(), "share ~ x + (1 | g)", family="beta")
    left_out = {"left_out": {"posterior_predictive": "90000 rows are too many"}}
    fit = replace(fit_of(plan, draws_for(plan)), facts=left_out)
    assert why_no_replicates(fit, plan) == "90000 rows are too many"


def test_merged_and_too_many_rows_are_not_checked(monkeypatch):
    plan, fit = gaussian()
    merged = replace(plan, merged=1.0)
    assert "merged" in why_no_replicates(fit, merged)
    monkeypatch.setattr(drawing, "MAX_ROWS", 20)
    assert "too many" in why_no_replicates(fit, plan)


def test_more_rows_have_fewer_replicates_within_the_budget(monkeypatch):
    plan, fit = gaussian()
    whole = predictive_checks(fit, plan, 0.9)
    assert set(whole["replicates"]) == {drawing.MOST}
    monkeypatch.setattr(drawing, "CELLS", 300 * plan.design.n_obs)
    monkeypatch.setattr(drawing, "CHUNK_CELLS", 7 * plan.design.n_obs)
    checks = predictive_checks(fit, plan, 0.9)
    assert set(checks["replicates"]) == {300}
    monkeypatch.setattr(drawing, "CHUNK_CELLS", 10**6)
    at_once = predictive_checks(fit, plan, 0.9)
    for name in ("observed", "replicated_mean"):
        assert checks[name].to_numpy() == pytest.approx(at_once[name].to_numpy())


def test_a_statistic_that_cannot_differ_is_left_out():
    plan = plan_of(panel(), "p(k, n) ~ x + (1 | g)", family="binomial")
    low = fit_of(plan, draws_for(plan, Intercept=20.0))
    checks = predictive_checks(low, plan, 0.9)
    values = plan.design.response.values
    assert (values == 0).any() == ("zeros" in set(checks["statistic"]))
    response = replace(plan.design.response, values=np.maximum(values, 1.0))
    plan = replace(plan, design=replace(plan.design, response=response))
    assert "zeros" not in set(predictive_checks(low, plan, 0.9)["statistic"])
