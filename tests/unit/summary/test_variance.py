"""Variance components and explained variance against closed forms."""

import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.design.types import LinearPart
from hiermix.model.plan import ModelPlan, Parameter
from hiermix.summary import r2
from hiermix.summary.icc import icc
from hiermix.summary.pooling import of_draws
from hiermix.summary.r2 import bayes_r2
from hiermix.summary.variance import COLUMNS, variance
from tests.unit.summary import small

RNG = np.random.default_rng(5)
X = RNG.normal(size=40)
FACTOR = small.factor("g", ("a", "b", "c", "d"), [0, 1, 2, 3] * 10)
SIGMA = Parameter("sigma", "residual")
INTERCEPT = Parameter("Intercept", "common")


def model(family: str = "gaussian", link: str = "identity", *auxiliary: Parameter) -> ModelPlan:
    groups = (small.intercept_of(FACTOR), small.slope_of(FACTOR, "x", X))
    return small.plan(
        small.design(np.abs(X), (small.common("x", X),), groups),
        (
            INTERCEPT,
            Parameter("x", "common"),
            *small.group_parameters(groups[0]),
            *small.group_parameters(groups[1]),
            *auxiliary,
        ),
        family,
        {"mu": link},
    )


def test_sds_and_variances_are_those_of_the_draws() -> None:
    plan = model("gaussian", "identity", SIGMA)
    draws = small.normal(RNG, plan)
    table = variance(small.fit(plan, draws), plan, 0.9, "eti")
    assert tuple(table.columns) == COLUMNS
    rows = table.set_index(["group", "term", "quantity"])
    tau = draws["x|g_sigma"]
    assert rows.loc[("g", "x", "sd"), "mean"] == pytest.approx(tau.mean())
    assert rows.loc[("g", "x", "variance"), "mean"] == pytest.approx((tau**2).mean())
    assert rows.loc[("g", "x", "variance"), "upper"] == pytest.approx(np.quantile(tau**2, 0.95))
    residual = draws["sigma"] ** 2
    assert rows.loc[("", "residual", "variance"), "sd"] == pytest.approx(residual.std(ddof=1))


def test_icc_is_the_share_of_the_intercepts_variance() -> None:
    plan = model("gaussian", "identity", SIGMA)
    draws = small.normal(RNG, plan)
    tau2, sigma2 = draws["1|g_sigma"] ** 2, draws["sigma"] ** 2
    found = icc(small.fit(plan, draws), plan)
    assert list(found) == ["g"]
    np.testing.assert_allclose(found["g"], tau2 / (tau2 + sigma2))


@pytest.mark.parametrize(
    ("formula", "groups"),
    [
        ("y ~ x + (1 | g) + (0 + f | h)", []),
        ("y ~ x + (1 | g) + (0 + f:n | h)", []),
        ("y ~ x + (1 | g) + (f | h)", ["g", "h"]),
        ("y ~ x + (1 | g) + (0 + x:f + z | h)", ["g"]),
    ],
)
def test_effects_of_every_category_leave_no_variance_between_intercepts(formula, groups) -> None:
    # No row is free of them: a share of the intercepts would leave their variance out.
    plan = plan_of(panel().assign(n=lambda t: np.where(t["z"] > 0, "hi", "lo")), formula)
    draws = small.normal(np.random.default_rng(2), plan)
    assert list(icc(small.fit(plan, draws), plan)) == groups


def test_crossed_factors_share_one_denominator() -> None:
    other = small.factor("h", ("p", "q"), [0] * 20 + [1] * 20)
    groups = (small.intercept_of(FACTOR), small.intercept_of(other))
    parameters = (
        INTERCEPT,
        *small.group_parameters(groups[0]),
        *small.group_parameters(groups[1]),
        SIGMA,
    )
    plan = small.plan(small.design(X, (), groups), parameters)
    draws = small.normal(RNG, plan)
    found = icc(small.fit(plan, draws), plan)
    total = sum(draws[name] ** 2 for name in ("1|g_sigma", "1|h_sigma", "sigma"))
    np.testing.assert_allclose(found["g"] + found["h"], 1 - draws["sigma"] ** 2 / total)


@pytest.mark.parametrize(
    ("family", "link", "residual"),
    [
        ("bernoulli", "logit", np.pi**2 / 3),
        ("binomial", "probit", 1.0),
        ("binomial", "cloglog", np.pi**2 / 6),
        ("poisson", "log", np.log1p(1 / np.abs(X).mean())),
    ],
)
def test_icc_of_a_latent_scale_uses_the_variance_of_its_distribution(
    family: str, link: str, residual: float
) -> None:
    plan = model(family, link)
    draws = small.normal(RNG, plan)
    tau2 = draws["1|g_sigma"] ** 2
    found = icc(small.fit(plan, draws), plan)
    np.testing.assert_allclose(found["g"], tau2 / (tau2 + residual))


@pytest.mark.parametrize("family", ["gamma", "negativebinomial", "t"])
def test_families_without_an_agreed_residual_variance_have_no_ratios(family: str) -> None:
    plan = model(family, "log", Parameter("alpha", "auxiliary"))
    table = variance(small.fit(plan, small.normal(RNG, plan)), plan, 0.9, "eti")
    assert set(table["quantity"]) == {"sd", "variance", "pooling_factor"}


def fitted(plan: ModelPlan, draws: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Common and group part of the linear predictor with a dense indicator matrix."""
    indicator = np.eye(4)[FACTOR.index]
    common = draws["Intercept"][:, None] + draws["x"][:, None] * X
    group = draws["1|g"] @ indicator.T + (draws["x|g"] @ indicator.T) * X
    return common, group


def test_r2_is_that_of_dense_matrices() -> None:
    plan = model("gaussian", "identity", SIGMA)
    draws = small.normal(RNG, plan)
    common, group = fitted(plan, draws)
    residual = draws["sigma"] ** 2
    found = bayes_r2(small.fit(plan, draws), plan)
    whole = (common + group).var(axis=1)
    np.testing.assert_allclose(found["r2_conditional"], whole / (whole + residual))
    left = group.var(axis=1) + residual
    marginal = common.var(axis=1) / (common.var(axis=1) + left)
    np.testing.assert_allclose(found["r2_marginal"], marginal)


def test_r2_of_a_model_without_predictors_is_zero_and_no_rounding() -> None:
    plan = plan_of(pd.DataFrame({"y": RNG.normal(size=37)}), "y ~ 1")
    draws = {"Intercept": 1e6 * RNG.normal(size=200) / 3, "sigma": np.full(200, 0.1)}
    assert (bayes_r2(small.fit(plan, draws), plan)["r2_conditional"] == 0).all()


def test_r2_does_not_depend_on_the_pieces_it_is_computed_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = model("gaussian", "identity", SIGMA)
    fit = small.fit(plan, small.normal(RNG, plan))
    whole = bayes_r2(fit, plan)
    monkeypatch.setattr(r2, "CHUNK_CELLS", 7 * 40)
    for name, draws in bayes_r2(fit, plan).items():
        np.testing.assert_allclose(draws, whole[name])


def test_r2_takes_at_most_500_evenly_spaced_draws() -> None:
    plan = small.plan(
        small.design(X, (small.common("x", X),)), (INTERCEPT, Parameter("x", "common"), SIGMA)
    )
    slopes = np.linspace(1, 2, 1200)
    draws = {"Intercept": np.zeros(1200), "x": slopes, "sigma": np.ones(1200)}
    found = bayes_r2(small.fit(plan, draws), plan)
    assert list(found) == ["r2_conditional"]
    used = found["r2_conditional"]
    assert len(used) == 500
    ends = slopes[[0, -1]] ** 2 * X.var()
    np.testing.assert_allclose(used[[0, -1]], ends / (ends + 1))


def test_r2_of_a_model_with_known_standard_errors_uses_their_mean_square() -> None:
    se = np.linspace(0.5, 1.5, 40)
    plan = small.plan(
        small.design(X, (small.common("x", X),), known_se=se), (INTERCEPT, Parameter("x", "common"))
    )
    found = bayes_r2(small.fit(plan, {"Intercept": np.zeros(10), "x": np.full(10, 2.0)}), plan)
    explained = 4 * X.var()
    np.testing.assert_allclose(found["r2_conditional"], explained / (explained + (se**2).mean()))


def test_r2_of_a_model_of_sigma_uses_the_mean_variance_of_the_rows() -> None:
    part = LinearPart("sigma", True, (small.common("x", X),), ())
    parameters = (
        INTERCEPT,
        Parameter("x", "common"),
        Parameter("sigma_Intercept", "common", component="sigma"),
        Parameter("sigma_x", "common", component="sigma"),
    )
    plan = small.plan(
        small.design(X, (small.common("x", X),), components={"sigma": part}),
        parameters,
        links={"mu": "identity", "sigma": "log"},
    )
    values = {"Intercept": 0.0, "x": 2.0, "sigma_Intercept": 0.1, "sigma_x": 0.3}
    fit = small.fit(plan, {name: np.full(10, value) for name, value in values.items()})
    residual = np.exp(2 * (0.1 + 0.3 * X)).mean()
    explained = 4 * X.var()
    expected = explained / (explained + residual)
    np.testing.assert_allclose(bayes_r2(fit, plan)["r2_conditional"], expected)


def test_an_intercept_alone_explains_nothing() -> None:
    plan = small.plan(small.design(X), (INTERCEPT, SIGMA))
    found = bayes_r2(small.fit(plan, {"Intercept": np.ones(10), "sigma": np.ones(10)}), plan)
    assert found["r2_conditional"].tolist() == [0.0] * 10


def test_a_fixed_residual_sd_counts_like_any_other() -> None:
    plan = small.plan(
        small.design(X, (), (small.intercept_of(FACTOR),)),
        (
            INTERCEPT,
            *small.group_parameters(small.intercept_of(FACTOR)),
            Parameter("sigma", "residual", prior=2.0),
        ),
    )
    draws = small.normal(RNG, plan)
    del draws["sigma"]
    tau2 = draws["1|g_sigma"] ** 2
    np.testing.assert_allclose(icc(small.fit(plan, draws), plan)["g"], tau2 / (tau2 + 4))


def test_pooling_factor_of_a_normal_model_is_the_weight_of_the_mean() -> None:
    # u_j given the data is Normal((1 - w) y_j, v): the mean is taken with weight w.
    rng = np.random.default_rng(7)
    n_groups, tau2, se2 = 4000, 4.0, 1.0
    weight = se2 / (se2 + tau2)
    y = rng.normal(0, np.sqrt(tau2 + se2), n_groups)
    posterior_sd = np.sqrt(tau2 * se2 / (tau2 + se2))
    draws = (1 - weight) * y + rng.normal(0, posterior_sd, (400, n_groups))
    assert of_draws(draws) == pytest.approx(weight, abs=0.02)


def test_a_single_level_has_no_pooling_factor() -> None:
    assert np.isnan(of_draws(np.ones((10, 1))))


def test_damaged_draws_leave_no_number_and_no_error() -> None:
    plan = model("gaussian", "identity", SIGMA)
    draws = small.normal(RNG, plan)
    draws["1|g_sigma"][0] = np.nan
    draws["1|g"][0] = np.inf
    table = variance(small.fit(plan, draws), plan, 0.9, "hdi")
    rows = table.set_index(["group", "term", "quantity"])
    assert rows.loc[("g", "Intercept", "sd"), ["mean", "lower", "upper"]].isna().all()
    assert rows.loc[("", "", "r2_conditional"), ["mean", "lower"]].isna().all()


def test_correlations_and_covariances_of_a_bar_are_those_of_the_draws() -> None:
    plan = plan_of(panel(), "y ~ x + z + (x + z | g) + (1 | h)")
    draws = small.normal(np.random.default_rng(8), plan)
    table = variance(small.fit(plan, draws), plan, 0.9, "eti")
    rows = table.set_index(["group", "term", "quantity"])
    pairs = {"Intercept, x": (0, "1", "x"), "Intercept, z": (1, "1", "z"), "x, z": (2, "x", "z")}
    for names, (place, one, other) in pairs.items():
        correlation = draws["cor|g"][:, place]
        assert rows.loc[("g", names, "correlation"), "mean"] == pytest.approx(correlation.mean())
        covariance = correlation * draws[f"{one}|g_sigma"] * draws[f"{other}|g_sigma"]
        found = rows.loc[("g", names, "covariance")]
        assert found["mean"] == pytest.approx(covariance.mean())
        assert found["upper"] == pytest.approx(np.quantile(covariance, 0.95))
    assert (table["quantity"] == "correlation").sum() == 3


def test_r2_of_a_latent_scale_has_the_variance_of_its_distribution() -> None:
    plan = model("bernoulli", "logit")
    draws = small.normal(RNG, plan)
    common, group = fitted(plan, draws)
    found = bayes_r2(small.fit(plan, draws), plan)
    residual = np.pi**2 / 3
    whole = (common + group).var(axis=1)
    np.testing.assert_allclose(found["r2_conditional"], whole / (whole + residual))
    left = group.var(axis=1) + residual
    marginal = common.var(axis=1) / (common.var(axis=1) + left)
    np.testing.assert_allclose(found["r2_marginal"], marginal)


def test_r2_counts_trials_whether_they_were_added_or_not() -> None:
    cells = pd.DataFrame(
        {"g": list("aabbcc"), "x": [0.0, 1.0] * 3, "k": [3, 5, 2, 8, 1, 1], "n": [9, 7, 5, 9, 2, 6]}
    )
    single = cells.loc[cells.index.repeat(cells["n"])].reset_index(drop=True)
    single["hit"] = (single.groupby(["g", "x"]).cumcount() < single["k"]).astype(int)
    few = plan_of(cells, "p(k, n) ~ x + (1 | g)", family="binomial")
    many = plan_of(single, "hit ~ x + (1 | g)", family="bernoulli")
    draws = small.normal(np.random.default_rng(2), few)
    one, other = bayes_r2(small.fit(few, draws), few), bayes_r2(small.fit(many, draws), many)
    for name in ("r2_conditional", "r2_marginal"):
        np.testing.assert_allclose(one[name], other[name])
