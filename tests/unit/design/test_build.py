import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, panel, spec_of

from hiermix.design import build_design, column_places, wanted_columns
from hiermix.errors import DesignError


def design_of(table, formula, **options):
    spec = spec_of(formula, **options).spec
    return build_design(spec, frame_of(table, spec))


def value(design, metric, variable=None):
    found = [
        m for m in design.measurements if m.metric == metric and variable in (None, m.variable)
    ]
    assert len(found) == 1, found
    return found[0].value


def test_grouping_factors_are_wanted_as_categories_and_the_rest_as_it_comes():
    spec = spec_of("y ~ x + (z | a:b)", known_se="se", components={}).spec
    assert wanted_columns(spec) == {
        "y": "any",
        "x": "any",
        "z": "any",
        "a": "category",
        "b": "category",
        "se": "numeric",
    }


def test_columns_of_components_are_wanted_too():
    spec = spec_of("y ~ x", components={"sigma": "~ w + (1 | g)"}).spec
    assert wanted_columns(spec)["w"] == "any"
    assert wanted_columns(spec)["g"] == "category"


def test_every_wanted_column_has_its_place_in_the_spec():
    spec = spec_of("y ~ x", components={"sigma": "~ x + w"}).spec
    places = column_places(spec)
    assert set(places) == set(wanted_columns(spec))
    assert (places["x"].key, places["x"].caret) == ("model.formula", 5)
    assert (places["w"].key, places["w"].caret) == ("model.components.sigma", 7)
    spec = spec_of("y ~ x", known_se="se").spec
    assert column_places(spec)["se"].key == "model.known_se"


def test_group_terms_are_an_index_and_slope_columns():
    table = panel()
    design = design_of(table, "y ~ x + (x | g)")
    intercept, slope = design.main.group
    assert (intercept.name, slope.name) == ("1|g", "x|g")
    np.testing.assert_array_equal(slope.values[:, 0], table["x"])
    levels = np.array(slope.factor.levels)
    np.testing.assert_array_equal(levels[slope.factor.index], table["g"])
    assert slope.factor.counts.sum() == len(table)


def test_only_observed_combinations_of_factors_become_levels():
    table = pd.DataFrame(
        {"y": [1.0, 2, 3, 4], "a": ["p", "p", "q", "q"], "b": ["r", "s", "s", "s"]}
    )
    design = design_of(table, "y ~ 1 + (1 | a:b)")
    (term,) = design.main.group
    assert term.factor.levels == ("p:r", "p:s", "q:s")
    assert term.factor.counts.tolist() == [1, 1, 2]


def test_combinations_that_read_the_same_are_refused():
    table = pd.DataFrame({"y": [1.0, 2, 3], "a": ["p:r", "p", "q"], "b": ["s", "r:s", "t"]})
    with pytest.raises(DesignError) as caught:
        design_of(table, "y ~ 1 + (1 | a:b)")
    assert caught.value.id == "design.ambiguous-levels"


def test_cells_that_read_the_same_are_refused():
    a, b = np.tile(["a", "a, b", "c"], 9), np.repeat(["b, lo", "lo", "up"], 9)
    table = pd.DataFrame({"y": np.arange(27.0), "a": a, "b": b})
    with pytest.raises(DesignError) as caught:
        design_of(table, "y ~ 0 + a:b")
    assert caught.value.id == "design.ambiguous-levels"
    assert "contains ', '" in caught.value.message


def test_nested_factors_give_the_outer_factor_and_the_combinations():
    design = design_of(panel(), "y ~ 1 + (1 | g/h)")
    assert [t.name for t in design.main.group] == ["1|g", "1|g:h"]


def test_factor_columns_leave_out_the_first_level_beside_an_intercept():
    design = design_of(panel(), "y ~ f")
    assert design.main.common_columns == ("f[b]", "f[c]")
    assert design_of(panel(), "y ~ 0 + f").main.common_columns == ("f[a]", "f[b]", "f[c]")


def test_transformations_are_those_of_the_formula_language():
    table = panel()
    design = design_of(table, "y ~ log(exposure) + sqrt(exposure) + I(x ** 2) + scale(z)")
    columns = dict(zip(design.main.common_columns, design.main.common_matrix.T, strict=True))
    np.testing.assert_allclose(columns["log(exposure)"], np.log(table["exposure"]))
    np.testing.assert_allclose(columns["sqrt(exposure)"], np.sqrt(table["exposure"]))
    np.testing.assert_allclose(columns["I(x ** 2)"], table["x"] ** 2)
    np.testing.assert_allclose(columns["scale(z)"].std(), 1)


def test_offsets_add_up():
    table = panel()
    design = design_of(table, "count ~ x + offset(log(exposure)) + offset(2)", family="poisson")
    np.testing.assert_allclose(design.main.offset, np.log(table["exposure"]) + 2)


@pytest.mark.parametrize(
    "name", ["Intercept", "chain", "sigma", "x_offset", "mu", "1|g", "a b", "log"]
)
def test_no_column_name_breaks_the_design(name):
    table = panel().rename(columns={"x": name})
    design = design_of(table, f"y ~ `{name}` + (`{name}` | g)")
    np.testing.assert_array_equal(design.main.common_matrix[:, 0], table[name])


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ log(x)", "log(x): 1 rows <= 0, first at data row 3"),
        ("y ~ sqrt(x)", "sqrt(x): 1 rows < 0, first at data row 3"),
        ("y ~ I(1 / x0)", "I(1 / x0): 1 rows are not finite, first at data row 2"),
    ],
)
def test_rows_where_a_term_is_undefined_are_named(formula, words):
    table = pd.DataFrame({"y": [1.0, 2, 3, 5], "x": [1.0, 2, -1, 3], "x0": [1.0, 0, 2, 3]})
    with pytest.raises(DesignError) as caught:
        design_of(table, formula)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("formula", "key", "caret"),
    [("y ~ log(x)", "model.formula", 9), ("y ~ x + log(g)", "model.formula", 13)],
)
def test_an_error_of_a_term_points_at_the_column_in_the_formula(formula, key, caret):
    table = pd.DataFrame({"y": [1.0, 2, 3], "x": [1.0, -2, 3], "g": ["a", "b", "b"]})
    with pytest.raises(DesignError) as caught:
        design_of(table, formula)
    assert (caught.value.where.key, caught.value.where.caret) == (key, caret)


def test_an_error_of_a_component_points_at_the_component():
    table = pd.DataFrame({"y": [1.0, 2, 3], "x": [1.0, -2, 3]})
    with pytest.raises(DesignError) as caught:
        design_of(table, "y ~ x", components={"sigma": "~ log(x)"})
    assert caught.value.where.key == "model.components.sigma"
    assert caught.value.where.source == "~ log(x)"


@pytest.mark.parametrize("term", ["log(g)", "I(g * 2)", "I(g == x)", "poly(g, 2)"])
def test_numbers_are_not_computed_from_text(term):
    table = panel().assign(x=1.0)
    with pytest.raises(DesignError, match=r"g is text; .* needs numbers"):
        design_of(table, f"y ~ {term}")


def test_text_can_be_compared_with_text():
    table = panel()
    level = table["g"].iloc[0]
    (term,) = design_of(table, f"y ~ I(g == '{level}')").main.common
    assert term.values.sum() == (table["g"] == level).sum()


def test_of_many_columns_a_few_are_named():
    table = panel()
    copies = {f"c{i}": table["x"] for i in range(12)}
    design = design_of(table.assign(**copies), "y ~ " + " + ".join(copies))
    (found,) = [m for m in design.measurements if m.metric == "design_rank_deficiency"]
    assert found.variable == "c0, c1, c2, c3, c4, c5, c6, c7 and 4 more"
    assert "c7 and 5 more are linearly dependent" in found.note


def test_a_linear_combination_is_measured_and_named():
    table = panel()
    table["copy"] = 2 * table["x"] - 3
    design = design_of(table, "y ~ x + copy + z")
    assert value(design, "design_rank_deficiency") == 1
    (found,) = [m for m in design.measurements if m.metric == "design_rank_deficiency"]
    assert found.note == "rank 3 of 4: x, copy, Intercept are linearly dependent"


def test_the_condition_number_is_that_of_the_standardised_columns():
    table = panel()
    design = design_of(table, "y ~ x + z")
    x = table[["x", "z"]].to_numpy()
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    assert value(design, "design_condition_number") == pytest.approx(np.linalg.cond(scaled))


def test_constant_columns_and_responses_are_measured():
    table = panel().assign(c=1.0, flat=2.0)
    assert value(design_of(table, "y ~ c + x"), "constant_columns") == 1
    assert value(design_of(table, "flat ~ x"), "constant_response") == 1
    assert value(design_of(table, "y ~ x"), "constant_response") == 0


def test_levels_rows_and_slopes_are_measured_by_factor():
    table = panel()
    table["within"] = table.groupby("g")["x"].transform("mean")
    design = design_of(table, "y ~ x + (x | g)")
    assert value(design, "group_levels", "g") == 7
    assert value(design, "slope_levels_without_variation", "x|g") == 0
    flat = design_of(table, "y ~ within + (within | g)")
    assert value(flat, "slope_levels_without_variation", "within|g") == 1


def test_one_row_per_level_is_confounded_with_a_free_residual_only():
    table = panel()
    table["row"] = [f"r{i}" for i in range(len(table))]
    assert value(design_of(table, "y ~ x + (1 | row)"), "observation_level_residual") == 1
    known = design_of(table, "y ~ x + (1 | row)", known_se="se")
    assert value(known, "observation_level_residual") == 0
    counts = design_of(table, "count ~ x + (1 | row)", family="poisson")
    assert value(counts, "observation_level_residual") == 0


def test_a_factor_on_both_sides_is_measured_but_a_trend_is_not():
    table = panel()
    table["year"] = np.arange(len(table)) % 5
    assert value(design_of(table, "y ~ g + (1 | g)"), "group_is_common") == 1
    assert value(design_of(table, "y ~ year + (1 | year)"), "group_is_common") == 0


def test_one_bar_correlates_the_effects_that_stand_before_it():
    design = design_of(panel(), "y ~ x + (x + f | g) + (0 + z | g) + (x || h)")
    (block,) = design.main.correlated_blocks
    assert (block.factor.name, block.columns) == ("g", ("1", "x", "f[b]", "f[c]"))
    assert block.pairs == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert block.labels[1] == "1, f[b]"
    assert design_of(panel(), "y ~ x + (x || g)").warnings == ()
    assert design_of(panel(), "y ~ x + (1 | g)").main.correlated_blocks == ()


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (lambda t: 3 - 2 * t["y"], "copy is the response, rescaled"),
        (
            lambda t: t.groupby("g")["y"].transform("mean"),
            "copy holds the means of the response by g",
        ),
        (lambda t: t["x"], ""),
    ],
)
def test_predictors_that_are_made_of_the_response_are_found(column, words):
    table = panel(n_groups=9)
    table["copy"] = column(table)
    design = design_of(table, "y ~ copy + z + (1 | g)")
    (found,) = [m for m in design.measurements if m.metric == "response_predictor"]
    assert (found.value, found.note) == (float(bool(words)), words)


def test_weights_that_count_rows_are_said():
    table = panel()
    (note,) = design_of(table, "weighted(y, w) ~ x").warnings
    assert "a row of weight w counts as w rows" in note
    table["w"] = table["w"] / table["w"].mean()
    assert design_of(table, "weighted(y, w) ~ x").warnings == ()


def test_few_values_may_agree_with_the_means_of_the_response_by_chance():
    hits = [4, 4, 7]
    table = pd.DataFrame({"g": np.repeat(list("abc"), 10)})
    table["y"] = np.concatenate([np.arange(10) < k for k in hits]).astype(float)
    table["treated"] = (table["g"] == "c").astype(float)
    table["dose"] = table["treated"] * 3 + 1
    for name in ("treated", "dose"):
        design = design_of(table, f"y ~ {name} + (1 | g)", family="bernoulli")
        assert value(design, "response_predictor") == 0.0


@pytest.mark.parametrize(
    ("formula", "family", "priors", "confounded"),
    [
        ("hit ~ x + (1 | id)", "bernoulli", {}, True),
        ("p(hit, one) ~ x + (1 | id)", "binomial", {}, True),
        ("p(k, n) ~ x + (1 | id)", "binomial", {}, False),
        ("count ~ x + (1 | id)", "poisson", {}, False),
        ("count ~ x + (1 | id)", "negativebinomial", {}, True),
        ("count ~ x + (1 | id)", "negativebinomial", {"alpha": 5.0}, False),
        ("positive ~ x + (1 | id)", "gamma", {"alpha": 5.0}, False),
        ("y ~ x + (1 | id)", "t", {"nu": 4.0}, True),
        ("y ~ x + (1 | id)", "t", {"sigma": 1.0}, False),
    ],
)
def test_one_row_a_level_is_refused_where_rows_vary_by_themselves(
    formula, family, priors, confounded
):
    table = panel(n_groups=9)
    table["id"] = [f"i{i}" for i in range(len(table))]
    table["one"] = 1
    design = design_of(table, formula, family=family, priors=priors)
    assert value(design, "observation_level_residual") == float(confounded)
    assert bool(design.identification.n_unidentified) == confounded
