"""A plan in words."""

from model_support import panel, plan_of

from hiermix.model.words import part_words, pooling_facts, pooling_words, prior_facts


def test_a_predictor_is_told_as_a_sum() -> None:
    plan = plan_of(panel(), "count ~ x + offset(log(exposure)) + (x | g)", family="poisson")
    n_levels = panel()["g"].nunique()
    assert part_words(plan, plan.design.main, "poisson") == (
        "count is poisson; its log(mu) is the sum of an intercept, x, an own intercept and an own "
        f"effect of x for each of the {n_levels} levels of g, a known offset"
    )


def test_of_many_terms_some_are_named() -> None:
    powers = " + ".join(f"I(x ** {i})" for i in range(2, 8))
    plan = plan_of(panel(), f"y ~ {powers} + (1 | g) + (1 | h) + (1 | sub) + (1 | g:h)")
    words = part_words(plan, plan.design.main, "gaussian", most=2)
    assert "an intercept, I(x ** 2), I(x ** 3), 4 more common terms, " in words
    assert words.endswith("levels of h, 2 more factors")
    assert "more" not in part_words(plan, plan.design.main, "gaussian")


def test_one_that_would_be_left_out_is_named() -> None:
    plan = plan_of(panel(), "y ~ x + z + (1 | g)")
    assert "x, z" in part_words(plan, plan.design.main, "gaussian", most=1)


def test_levels_of_a_component_are_pulled_towards_its_own_effects() -> None:
    plan = plan_of(panel(), "y ~ x + (0 + z | g)", components={"sigma": "~ x + (x | g)"})
    said = [pooling_words(pool).partition(";")[0] for pool in pooling_facts(plan)]
    n_levels = panel()["g"].nunique()
    assert said == [
        f"z|g: {n_levels} levels are pulled towards 0",
        f"sigma_1|g: {n_levels} levels are pulled towards sigma_Intercept",
        f"sigma_x|g: {n_levels} levels are pulled towards sigma_x",
    ]


def test_priors_name_the_correlations_of_group_specific_effects() -> None:
    plan = plan_of(panel(), "y ~ x + (x | g)", priors={"x": "Normal(0, 2)"})
    rows = {row["parameter"]: row for row in prior_facts(plan)}
    assert rows["x|g"]["prior"] == "Normal(0, x|g_sigma), correlated by cor|g"
    assert rows["x"] == {
        "parameter": "x",
        "role": "common",
        "component": "mu",
        "default": False,
        "prior": "Normal(mu=0, sigma=2)",
    }
