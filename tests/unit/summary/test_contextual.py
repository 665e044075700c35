import numpy as np
import pytest
from model_support import panel, plan_of
from scipy import stats

from hiermix.summary.contextual import contextual_effects, mundlak_test
from hiermix.summary.estimators import comparison, has_closed_form
from hiermix.summary.tables import CRE_COLUMNS, empty_cre
from tests.unit.summary import small


def plan_with(cre, formula="y ~ x + z + (1 | g)", table=None, **options):
    table = panel(n_groups=10) if table is None else table
    return plan_of(table, formula, cre=cre, **options)


def table_of(plan, draws):
    table = contextual_effects(small.fit(plan, draws), plan, 0.9, "eti")
    return table, {(r["group"], r["term"], r["effect"]): r for r in table.to_dict("records")}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_in_mundlaks_form_the_coefficient_of_the_mean_is_the_contextual_effect(rng):
    plan = plan_with([{"group": "g"}])
    draws = small.normal(rng, plan, 400)
    _, rows = table_of(plan, draws)
    assert rows["g", "x", "within"]["mean"] == pytest.approx(draws["x"].mean())
    assert rows["g", "x", "contextual"]["mean"] == pytest.approx(draws["cre_mean_x"].mean())
    between = draws["x"] + draws["cre_mean_x"]
    assert rows["g", "x", "between"]["mean"] == pytest.approx(between.mean())
    assert rows["g", "x", "between"]["sd"] == pytest.approx(between.std(ddof=1))
    assert rows["g", "x", "between"]["median"] == pytest.approx(np.median(between))
    assert rows["g", "x", "between"]["lower"] == pytest.approx(np.quantile(between, 0.05))
    assert rows["g", "x", "between"]["prob_positive"] == pytest.approx((between > 0).mean())


def test_in_the_form_within_between_it_is_the_between_effect(rng):
    plan = plan_with([{"group": "g", "form": "within-between"}])
    draws = small.normal(rng, plan, 400)
    _, rows = table_of(plan, draws)
    assert rows["g", "x", "within"]["mean"] == pytest.approx(draws["cre_within_x"].mean())
    assert rows["g", "x", "between"]["mean"] == pytest.approx(draws["cre_mean_x"].mean())
    contextual = draws["cre_mean_x"] - draws["cre_within_x"]
    assert rows["g", "x", "contextual"]["sd"] == pytest.approx(contextual.std(ddof=1))


def test_columns_are_as_documented_and_a_run_without_group_means_has_no_rows(rng):
    plan = plan_with([{"group": "g"}])
    table, _ = table_of(plan, small.normal(rng, plan))
    assert tuple(table.columns) == CRE_COLUMNS == tuple(empty_cre().columns)
    plain = plan_with([])
    table, _ = table_of(plain, small.normal(rng, plain))
    assert len(table) == 0


def test_factors_have_effects_by_column_and_a_joint_test(rng):
    plan = plan_with([{"group": "g"}], "y ~ x + f + (1 | g)")
    table, rows = table_of(plan, small.normal(rng, plan, 400))
    assert {"x", "f[b]", "f[c]"} == {t for _, t, e in rows if e == "within"}
    tests = table[table["effect"] == "mundlak-test"]
    assert list(zip(tests["term"], tests["wald_df"], strict=True)) == [("f", 2), ("all terms", 3)]


def test_several_groups_have_a_test_of_all(rng):
    plan = plan_with([{"group": "g"}, {"group": "h"}], "y ~ x + (1 | g) + (1 | h)")
    table, _ = table_of(plan, small.normal(rng, plan, 400))
    (last,) = table[table["effect"] == "mundlak-test"].to_dict("records")
    assert (last["group"], last["term"], last["wald_df"]) == ("all groups", "all terms", 2)


def test_the_effects_of_a_categorical_response_have_a_row_for_each_category(rng):
    plan = plan_with([{"group": "g"}], "grade ~ x + (1 | g)", family="categorical")
    draws = small.normal(rng, plan, 200)
    _, rows = table_of(plan, draws)
    categories = plan.parameter("x").dims[-1][1]
    assert len(categories) == 2
    for i, category in enumerate(categories):
        row = rows["g", f"x[{category}]", "within"]
        assert row["mean"] == pytest.approx(draws["x"].reshape(200, -1)[:, i].mean())


def test_the_wald_statistic_is_the_quadratic_form_of_the_draws(rng):
    draws = rng.multivariate_normal([0.5, -0.2], [[1.0, 0.6], [0.6, 2.0]], size=2000)
    found = mundlak_test([draws[:, 0], draws[:, 1]])
    mean, covariance = draws.mean(axis=0), np.cov(draws.T)
    expected = mean @ np.linalg.solve(covariance, mean)
    assert found["wald_chi2"] == pytest.approx(expected)
    assert found["wald_p"] == pytest.approx(stats.chi2.sf(expected, 2))
    assert found["wald_df"] == 2


def test_the_tail_probability_of_normal_draws_is_that_of_wald_and_of_others_need_not_be(rng):
    normal = rng.normal(1.5, 1.0, size=(4, 20_000))
    found = mundlak_test([normal])
    error = np.sqrt(found["wald_p"] / normal.size)
    assert abs(found["tail_probability"] - found["wald_p"]) < 5 * error
    skewed = rng.exponential(size=40_000)
    found = mundlak_test([skewed])
    # Farther from 1 than zero is: above 2.
    assert found["tail_probability"] == pytest.approx(np.exp(-2), abs=0.01)
    assert abs(found["wald_p"] - found["tail_probability"]) > 0.1


@pytest.mark.parametrize(
    ("centre", "conclusion"),
    [(0.3, "group means do not matter"), (9.0, "group means matter")],
)
def test_group_means_matter_if_zero_is_in_the_tail(rng, centre, conclusion):
    found = mundlak_test([rng.normal(centre, 1.0, size=1000)])
    assert found["conclusion"] == conclusion
    assert 0 < found["tail_probability"] <= 1


@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_draws_that_are_not_finite_have_no_test(rng, damage):
    draws = rng.normal(size=(2, 100))
    draws[1, 3] = damage
    found = mundlak_test([draws])
    assert np.isnan(found["tail_probability"])
    assert np.isnan(found["wald_chi2"])
    assert found["conclusion"] == ""


def test_constant_and_copied_draws_have_no_test(rng):
    draws = rng.normal(size=100)
    assert mundlak_test([np.ones(100)])["conclusion"] == ""
    assert mundlak_test([draws, 2 * draws])["conclusion"] == ""


def test_random_and_fixed_effects_stand_beside_them_for_gaussian_models(rng):
    plan = plan_with([{"group": "g"}])
    rows = {(r["term"], r["effect"]): r for r in comparison(plan, 0.9)}
    assert set(rows) == {(t, e) for t in ("x", "z") for e in ("random", "fixed")}
    table = panel(n_groups=10)
    dummies = np.equal.outer(table["g"].to_numpy(), table["g"].unique()).astype(float)
    x = np.column_stack([table[["x", "z"]], dummies])
    values, residual, rank, _ = np.linalg.lstsq(x, table["y"].to_numpy(), rcond=None)
    error = np.sqrt(np.linalg.inv(x.T @ x)[0, 0] * residual[0] / (len(x) - rank))
    fixed = rows["x", "fixed"]
    assert fixed["mean"] == pytest.approx(values[0], abs=1e-10)
    assert fixed["sd"] == pytest.approx(error)
    assert fixed["upper"] == pytest.approx(values[0] + stats.norm.ppf(0.95) * error)
    assert fixed["group"] == "g"


@pytest.mark.parametrize(
    ("formula", "model"),
    [
        ("count ~ x + (1 | g)", {"family": "poisson"}),
        ("y ~ x + (1 | g)", {"components": {"sigma": "~ z"}}),
        ("positive ~ x + (1 | g)", {"link": "log"}),
        ("truncated(y, -99, 99) ~ x + (1 | g)", {}),
    ],
)
def test_other_models_have_no_such_estimates(formula, model):
    plan = plan_with([{"group": "g"}], formula, **model)
    assert not has_closed_form(plan)
    assert comparison(plan, 0.9) == []


def fixed_and_random(plan):
    return {r["effect"]: r for r in comparison(plan, 0.9) if r["term"] == "x"}


def rows_repeated():
    """Return the panel with every row as often as its whole-number weight says."""
    table = panel(n_groups=10)
    return table.loc[table.index.repeat(table["w"])].reset_index(drop=True)


def test_weights_count_rows_in_the_other_estimators_too():
    weighted = fixed_and_random(plan_with([{"group": "g"}], "weighted(y, w) ~ x + z + (1 | g)"))
    repeated = fixed_and_random(plan_with([{"group": "g"}], table=rows_repeated()))
    for effect in ("random", "fixed"):
        for column in ("mean", "sd"):
            expected = repeated[effect][column]
            assert weighted[effect][column] == pytest.approx(expected, rel=1e-4)


def test_known_standard_errors_are_not_estimated_again():
    plan = plan_with([{"group": "g"}], known_se="se")
    table = panel(n_groups=10)
    w = 1 / table["se"].to_numpy() ** 2
    dummies = np.equal.outer(table["g"].to_numpy(), table["g"].unique()).astype(float)
    x = np.column_stack([table[["x", "z"]], dummies])
    expected = np.sqrt(np.linalg.inv(x.T @ (w[:, None] * x))[0, 0])
    assert fixed_and_random(plan)["fixed"]["sd"] == pytest.approx(expected)


def test_a_fixed_residual_sd_is_used():
    plan = plan_with([{"group": "g"}], priors={"sigma": 2.0})
    table = panel(n_groups=10)
    dummies = np.equal.outer(table["g"].to_numpy(), table["g"].unique()).astype(float)
    x = np.column_stack([table[["x", "z"]], dummies])
    expected = 2.0 * np.sqrt(np.linalg.inv(x.T @ x)[0, 0])
    assert fixed_and_random(plan)["fixed"]["sd"] == pytest.approx(expected)
