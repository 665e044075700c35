import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, panel, spec_of

from hiermix.design import build_design
from hiermix.design.cre import LevelMeans
from hiermix.design.cre.means import decompose, outer_factors
from hiermix.errors import DesignError
from hiermix.gates import judge


def design_of(table, formula, cre, **model):
    spec = spec_of(formula, cre=cre, **model).spec
    return build_design(spec, frame_of(table, spec))


def column(design, name):
    return design.main.common_matrix[:, design.main.common_columns.index(name)]


def values(design, metric):
    return {m.variable: m.value for m in design.measurements if m.metric == metric}


def level_mean(table, x, by, weights=None):
    w = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=float)
    sums = pd.Series(w * np.asarray(x)).groupby([table[b].to_numpy() for b in by]).transform("sum")
    return (
        sums / pd.Series(w).groupby([table[b].to_numpy() for b in by]).transform("sum")
    ).to_numpy()


def test_every_common_term_that_varies_within_the_group_has_its_mean():
    table = panel(n_groups=8)
    table["steady"] = table.groupby("g")["x"].transform("first")
    design = design_of(table, "y ~ x + steady + f + (1 | g)", [{"group": "g"}])
    assert design.main.common_columns == (
        "x", "steady", "f[b]", "f[c]", "cre_mean_x", "cre_mean_f[b]", "cre_mean_f[c]",
    )  # fmt: skip
    assert design.contextual.terms == {"g": ("x", "f")}
    np.testing.assert_allclose(column(design, "cre_mean_x"), level_mean(table, table["x"], ["g"]))
    share = level_mean(table, table["f"] == "b", ["g"])
    np.testing.assert_allclose(column(design, "cre_mean_f[b]"), share)
    assert design.formula == "y ~ x + steady + f + cre_mean_x + cre_mean_f + (1 | g)"


def test_a_transformed_term_has_the_mean_of_its_column_not_the_column_of_the_mean():
    table = panel()
    design = design_of(table, "y ~ log(exposure) + (1 | g)", [{"group": "g"}])
    expected = level_mean(table, np.log(table["exposure"]), ["g"])
    np.testing.assert_allclose(column(design, "cre_mean_log(exposure)"), expected)


def test_an_interaction_has_the_mean_of_the_product():
    table = panel(n_groups=9)
    design = design_of(table, "y ~ x * z + (1 | g)", [{"group": "g"}])
    expected = level_mean(table, table["x"] * table["z"], ["g"])
    np.testing.assert_allclose(column(design, "cre_mean_x:z"), expected)
    product_of_means = level_mean(table, table["x"], ["g"]) * level_mean(table, table["z"], ["g"])
    assert np.abs(expected - product_of_means).max() > 0.1


def test_a_dummy_for_every_category_has_one_mean_less():
    design = design_of(panel(n_groups=9), "y ~ 0 + f + (1 | g)", [{"group": "g"}])
    assert design.main.common_columns == (
        "f[a]", "f[b]", "f[c]", "cre_mean_f[b]", "cre_mean_f[c]",
    )  # fmt: skip
    assert list(values(design, "cre_dependencies").values()) == [0.0]
    assert values(design, "cre_left_out") == {"g": 0.0}


def test_each_column_of_a_polynomial_has_its_own_mean():
    table = panel(n_groups=9)
    design = design_of(table, "y ~ poly(x, 2) + (1 | g)", [{"group": "g"}])
    for i in (0, 1):
        expected = level_mean(table, column(design, f"poly(x, 2)[{i}]"), ["g"])
        np.testing.assert_allclose(
            column(design, f"cre_mean_poly(x, 2)[{i}]"), expected, atol=1e-12
        )


def test_within_between_replaces_the_term_and_its_slopes_by_deviations():
    table = panel()
    cre = [{"group": "g", "form": "within-between"}]
    design = design_of(table, "y ~ x + (x || g)", cre)
    deviation = table["x"].to_numpy() - level_mean(table, table["x"], ["g"])
    assert design.main.common_columns == ("cre_within_x", "cre_mean_x")
    np.testing.assert_allclose(column(design, "cre_within_x"), deviation, atol=1e-12)
    intercept, slope = design.main.group
    assert (intercept.name, slope.name, slope.expression) == (
        "1|g", "cre_within_x|g", "cre_within_x",
    )  # fmt: skip
    np.testing.assert_allclose(slope.values[:, 0], deviation, atol=1e-12)
    assert design.formula == "y ~ cre_within_x + cre_mean_x + (cre_within_x || g)"


def test_means_are_weighted_as_the_rows_are_in_the_likelihood():
    table = panel()
    weighted = design_of(table, "weighted(y, w) ~ x + (1 | g)", [{"group": "g"}])
    expected = level_mean(table, table["x"], ["g"], table["w"])
    np.testing.assert_allclose(column(weighted, "cre_mean_x"), expected)
    known = design_of(table, "y ~ x + (1 | g)", [{"group": "g"}], known_se="se")
    expected = level_mean(table, table["x"], ["g"], 1 / table["se"] ** 2)
    np.testing.assert_allclose(column(known, "cre_mean_x"), expected)
    table["n"] = table["k"] + table["w"]
    trials = design_of(table, "p(k, n) ~ x + (1 | g)", [{}], family="binomial")
    expected = level_mean(table, table["x"], ["g"], table["n"])
    np.testing.assert_allclose(column(trials, "cre_mean_x"), expected)


def test_the_means_are_those_of_the_rows_that_are_fitted():
    table = panel(seed=3)
    kept = table.drop(index=[0, 5, 7]).reset_index(drop=True)
    design = design_of(kept, "y ~ x + (1 | g)", [{"group": "g"}])
    np.testing.assert_allclose(column(design, "cre_mean_x"), level_mean(kept, kept["x"], ["g"]))


def test_a_nested_factor_has_its_mean_minus_that_of_the_outer_one():
    table = panel(n_groups=9, rows=14)
    cre = [{"group": "g"}, {"group": "g:sub"}]
    design = design_of(table, "y ~ x + (1 | g / sub)", cre)
    outer = level_mean(table, table["x"], ["g"])
    inner = level_mean(table, table["x"], ["g", "sub"])
    np.testing.assert_allclose(column(design, "cre_mean_x_by_g"), outer)
    np.testing.assert_allclose(column(design, "cre_mean_x_by_g:sub"), inner - outer, atol=1e-12)


def test_crossed_factors_each_have_their_mean_and_the_imbalance_is_measured():
    table = panel(n_groups=9, rows=14)
    design = design_of(table, "y ~ x + (1 | g) + (1 | h)", [{"group": "g"}, {"group": "h"}])
    np.testing.assert_allclose(
        column(design, "cre_mean_x_by_h"), level_mean(table, table["x"], ["h"])
    )
    assert 0 < values(design, "cre_imbalance")["x"] < 1


def test_balanced_crossed_factors_have_no_imbalance():
    rng = np.random.default_rng(4)
    g, h = (index.ravel() for index in np.meshgrid(range(8), range(6), indexing="ij"))
    table = pd.DataFrame({"y": rng.normal(size=48), "x": rng.normal(size=48), "g": g, "h": h})
    design = design_of(table, "y ~ x + (1 | g) + (1 | h)", [{"group": "g"}, {"group": "h"}])
    assert values(design, "cre_imbalance") == {"x": 0.0}


def test_the_imbalance_is_what_dense_algebra_says():
    table = panel(seed=5, n_groups=6, rows=12)
    cre = [{"group": "g"}, {"group": "h"}]
    design = design_of(table, "y ~ x + (1 | g) + (1 | h)", cre)
    dummies = np.column_stack([pd.get_dummies(table["g"]), pd.get_dummies(table["h"])]).astype(
        float
    )
    project = dummies @ np.linalg.pinv(dummies)
    means = np.column_stack(
        [np.ones(len(table)), *(level_mean(table, table["x"], [k]) for k in "gh")]
    )
    rest = np.eye(len(table)) - means @ np.linalg.pinv(means)
    x = table["x"].to_numpy()
    between, used = rest @ project @ x, rest @ x
    expected = (between @ between) / (used @ used)
    assert values(design, "cre_imbalance")["x"] == pytest.approx(expected, rel=1e-8)


def test_constant_means_are_left_out_and_said():
    table = panel(n_groups=6)
    table["week"] = table.groupby("g").cumcount() % 3
    table = table[table.groupby("g")["week"].transform("size") >= 3]
    table = table.groupby("g").head(3).reset_index(drop=True)
    design = design_of(table, "y ~ x + week + (1 | g)", [{"group": "g"}])
    assert "cre_mean_week" not in design.main.common_columns
    assert any("week has the same mean in every level of g" in note for note in design.warnings)


def stated(policy, formula="y ~ x + week + (1 | g)", terms=("x", "week")):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"g": np.repeat(list("abcdefgh"), 5), "week": np.tile(np.arange(5), 8)}
    ).assign(x=rng.normal(size=40), y=rng.normal(size=40))
    table["level"] = table.groupby("g")["x"].transform("first")
    design = design_of(table, formula, [{"group": "g", "terms": list(terms)}])
    verdict = judge(design.measurements, policy=policy, phases=["design"])
    return design, {f.gate: (f.status, f.message) for f in verdict.findings}


def test_a_constant_mean_that_is_asked_for_fails_or_is_left_out_by_policy():
    design, findings = stated("publish")
    assert findings["cre_between"][0] == "fail"
    assert (
        "group means of week are constant: no between variation by g" in findings["cre_between"][1]
    )
    _, findings = stated("explore")
    assert findings["cre_between"][0] == "warn"
    assert "cre_mean_week" not in design.main.common_columns
    assert "cre by g: no group mean of week was added" in design.warnings
    assert {name for name, (status, _) in findings.items() if status == "fail"} == set()


def test_a_term_that_is_constant_within_the_group_fails_and_names_it():
    design, findings = stated("publish", "y ~ x + level + (1 | g)", ("x", "level"))
    assert findings["cre_within"][0] == "fail"
    assert findings["cre_within"][1].startswith("level is constant within g; its group mean equals")
    assert findings["rank"][0] == "pass"
    assert "cre_mean_level" not in design.main.common_columns


def test_a_within_varying_term_without_its_mean_is_warned_about():
    table = panel(n_groups=9)
    cre = [{"group": "g", "terms": ["x"]}]
    design = design_of(table, "y ~ x + z + (1 | g)", cre)
    findings = judge(design.measurements, policy="publish", phases=["design"]).findings
    (left_out,) = [f for f in findings if f.gate == "cre_left_out"]
    assert left_out.status == "warn"
    assert "z varies within g, but its group means are left out" in left_out.message
    table["z_mean"] = level_mean(table, table["z"], ["g"])
    by_hand = design_of(table, "y ~ x + z + z_mean + (1 | g)", cre)
    assert values(by_hand, "cre_left_out") == {"g": 0.0}


@pytest.mark.parametrize(
    ("formula", "model", "words"),
    [
        ("y ~ x + (x || g)", {}, "slopes vary between levels (x)"),
        ("y ~ x + (z | g)", {}, "slopes vary between levels (z)"),
        ("count ~ x + (1 | g)", {"family": "poisson"}, "family is poisson with link log"),
        ("y ~ x + (1 | g) + (1 | h)", {}, "the model has effects of h too"),
        ("y ~ x + (0 + x | g)", {}, "no group-specific intercept by g"),
        ("y ~ x + (1 | g)", {"components": {"sigma": "~ z"}}, "residual sd differs between rows"),
        ("truncated(y, -9, 9) ~ x + (1 | g)", {}, "the response is truncated"),
    ],
)
def test_where_within_is_not_the_fixed_effects_estimate_it_is_said(formula, model, words):
    design = design_of(panel(n_groups=9), formula, [{"group": "g"}], **model)
    assert any(words in note for note in design.warnings), design.warnings


def test_the_plain_case_has_no_notes():
    assert design_of(panel(n_groups=9), "y ~ x + (1 | g)", [{"group": "g"}]).warnings == ()


def test_the_group_may_be_left_out_if_there_is_one_factor_and_turned_around():
    table = panel(n_groups=9, rows=14)
    assert design_of(table, "y ~ x + (1 | g)", [{}]).contextual.terms == {"g": ("x",)}
    turned = design_of(table, "y ~ x + (1 | g:sub)", [{"group": "sub:g"}])
    assert turned.contextual.terms == {"g:sub": ("x",)}


def test_terms_are_found_however_they_are_spelt():
    table = panel(n_groups=9)
    cre = [{"group": "g", "terms": ["log( exposure )", "z:x"]}]
    design = design_of(table, "y ~ log(exposure) + x:z + (1 | g)", cre)
    assert design.contextual.terms == {"g": ("log(exposure)", "x:z")}


def test_rows_of_fitted_levels_keep_their_means_and_new_levels_have_their_own():
    table = panel()
    design = design_of(table, "y ~ x + (1 | g)", [{"group": "g"}])
    (means,) = design.contextual.means
    labels = ["g0", "new", "g1", "new"]
    x = np.array([[100.0], [1.0], [100.0], [4.0]])
    fitted = dict(zip(table["g"], level_mean(table, table["x"], ["g"]), strict=True))
    got = means.of_rows(labels, x)
    np.testing.assert_allclose(got[:, 0], [fitted["g0"], 2.5, fitted["g1"], 2.5])
    got = means.of_rows(labels, x, np.array([1.0, 1.0, 1.0, 3.0]))
    np.testing.assert_allclose(got[1, 0], (1 + 3 * 4) / 4)
    np.testing.assert_allclose(means.of_rows(["g1"], x[:1]), [[fitted["g1"]]])


def test_new_levels_are_refused_if_asked_to():
    means = LevelMeans("g", ("a",), ("x",), np.ones((1, 1)), np.ones(1), np.ones(1), np.ones(1))
    with pytest.raises(DesignError) as caught:
        means.of_rows(["a", "c", "b"], np.ones((3, 1)), new_levels="error")
    assert caught.value.id == "cre.new-level"
    assert caught.value.message == "no stored group means for 2 new levels of g: b, c"


@pytest.mark.parametrize("factors", [["g"], ["g", "g:sub"], ["g", "h"], ["g", "h", "g:h"]])
def test_within_and_between_parts_add_up(factors):
    table = panel(n_groups=9, rows=14)
    text = " + ".join(f"(1 | {name})" for name in factors)
    design = design_of(table, f"y ~ x + {text}", [{"group": name} for name in factors])
    x = table[["x"]].to_numpy()
    built = design.main.factors
    means = [LevelMeans.of(f, ["x"], x, np.ones(len(x))) for f in built]
    by_row = [m.values[f.index] for m, f in zip(means, built, strict=True)]
    outer = outer_factors(built)
    within, parts = decompose(x, by_row, means[0].overall, outer)
    tops = sum(not above for above in outer)
    np.testing.assert_allclose(within + sum(parts) - (tops - 1) * x.mean(axis=0), x, atol=1e-12)
    assert abs(within.mean()) < 1e-12


def regions():
    """Return stores in regions over weeks; x is planned for whole regions."""
    rng = np.random.default_rng(2)
    a, b, week = (i.ravel() for i in np.meshgrid(range(6), range(3), range(8), indexing="ij"))
    plan = rng.normal(size=(6, 8)) + rng.normal(size=6)[:, None]
    table = pd.DataFrame({"a": a, "b": b, "x": plan[a, week], "z": rng.normal(size=len(a))})
    return table.assign(y=rng.normal(size=len(a)))


def test_a_mean_by_a_nested_factor_that_adds_nothing_is_left_out():
    cre = [{"group": "a"}, {"group": "a:b"}]
    design = design_of(regions(), "y ~ x + z + (1 | a / b)", cre)
    assert design.main.common_columns == (
        "x", "z", "cre_mean_x", "cre_mean_z_by_a", "cre_mean_z_by_a:b",
    )  # fmt: skip
    assert any(
        "x has the same mean in every level of a:b, beyond the means by a" in note
        for note in design.warnings
    )
    assert design.main.common_matrix.std(axis=0).min() > 0.01


def test_asking_for_such_a_mean_fails_and_names_it():
    cre = [{"group": "a"}, {"group": "a:b", "terms": ["x"]}]
    design = design_of(regions(), "y ~ x + (1 | a / b)", cre)
    findings = judge(design.measurements, policy="publish", phases=["design"]).findings
    (between,) = [f for f in findings if f.gate == "cre_between"]
    assert between.status == "fail"
    assert "group means of x are constant: no between variation by a:b" in between.message
    assert design.main.common_columns == ("x", "cre_mean_x")


def categories():
    """Return a panel in which category c is all there is in some levels and absent elsewhere."""
    table = panel(n_groups=12, rows=12)
    rng = np.random.default_rng(3)
    table["f"] = rng.choice(["a", "b"], size=len(table))
    table.loc[table["g"].isin(["g10", "g11"]), "f"] = "c"
    return table


def test_a_dummy_without_within_variation_keeps_its_between_effect_in_both_forms():
    mundlak = design_of(categories(), "y ~ f + (1 | g)", [{"group": "g"}])
    hybrid = design_of(categories(), "y ~ f + (1 | g)", [{"group": "g", "form": "within-between"}])
    assert mundlak.main.common_columns == ("f[b]", "f[c]", "cre_mean_f[b]")
    assert hybrid.main.common_columns == ("cre_within_f[b]", "cre_mean_f[b]", "cre_mean_f[c]")
    spans = [
        np.column_stack([np.ones(len(categories())), d.main.common_matrix])
        for d in (mundlak, hybrid)
    ]
    assert np.linalg.matrix_rank(np.column_stack(spans)) == np.linalg.matrix_rank(spans[0]) == 4
    assert hybrid.main.common_matrix.std(axis=0).min() > 0.01
    assert [c.source for c in hybrid.contextual.columns] == ["f[b]"]


def test_slopes_with_a_dummy_for_every_category_keep_the_levels_intercepts():
    cre = [{"group": "g", "form": "within-between"}]
    design = design_of(panel(n_groups=9), "y ~ f + x + (0 + f | g)", cre)
    (slope,) = design.main.group
    assert slope.name == "f|g"
    np.testing.assert_array_equal(slope.values.sum(axis=1), 1.0)
    assert not any("no group-specific intercept" in note for note in design.warnings)


def test_a_slope_is_that_of_the_common_term_however_it_is_spelt():
    cre = [{"group": "g", "form": "within-between"}]
    designs = [
        design_of(panel(n_groups=9), f"y ~ x * z + ({slope} || g)", cre) for slope in ("x:z", "z:x")
    ]
    assert designs[0].formula == designs[1].formula
    assert [t.name for t in designs[1].main.group] == ["1|g", "cre_within_x:z|g"]


def test_parts_of_a_diamond_of_factors_add_up():
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {"a": rng.integers(0, 4, 300), "b": rng.integers(0, 3, 300), "c": rng.integers(0, 3, 300)}
    ).assign(x=rng.normal(size=300), y=rng.normal(size=300))
    table["x"] += table["a"] + 2 * (table["a"] * table["b"] % 3) + table["c"]
    names = ["a", "a:b", "a:c", "a:b:c"]
    text = " + ".join(f"(1 | {name})" for name in names)
    design = design_of(table, f"y ~ x + {text}", [{"group": name} for name in names])
    x = table["x"].to_numpy()
    parts = [column(design, f"cre_mean_x_by_{name}") for name in names]
    finest = level_mean(table, x, ["a", "b", "c"])
    np.testing.assert_allclose(sum(parts), finest, atol=1e-12)


def control_weeks():
    """Return a panel in which category a has ten of thirty rows in every level."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(10)], 30)})
    share = np.repeat(rng.integers(3, 18, 10), 30)
    week = np.tile(np.arange(30), 10)
    table["f"] = np.where(week < 10, "a", np.where(week < 10 + share, "b", "c"))
    return table.assign(x=rng.normal(size=300), y=rng.normal(size=300), h=week % 5)


def pure_levels():
    """Return a panel in which category a is all there is in some levels and absent elsewhere."""
    table = control_weeks()
    pure = table["g"].isin(["g0", "g1", "g2"])
    table["f"] = np.where(pure, "a", np.where(table["f"] == "a", "b", table["f"]))
    return table


@pytest.mark.parametrize("form", ["mundlak", "within-between"])
@pytest.mark.parametrize("formula", ["y ~ f + x + (1 | g)", "y ~ 0 + f + x + (1 | g)"])
@pytest.mark.parametrize("data", [control_weeks, pure_levels, categories])
def test_means_of_dummies_that_depend_on_each_other_are_left_out(data, formula, form):
    design = design_of(data(), formula, [{"group": "g", "form": form}])
    assert set(values(design, "cre_dependencies").values()) == {0.0}
    assert set(values(design, "design_rank_deficiency").values()) == {0.0}
    assert design.main.common_matrix.std(axis=0).min() > 1e-3


@pytest.mark.parametrize("data", [control_weeks, pure_levels, categories])
def test_both_forms_are_the_same_model_whatever_the_dummies_do(data):
    spans = []
    for form in ("mundlak", "within-between"):
        design = design_of(data(), "y ~ f + x + (1 | g)", [{"group": "g", "form": form}])
        spans.append(np.column_stack([np.ones(design.n_obs), design.main.common_matrix]))
    ranks = [np.linalg.matrix_rank(m) for m in (*spans, np.column_stack(spans))]
    assert ranks[0] == ranks[1] == ranks[2]


def test_a_dummy_that_varies_by_one_of_two_crossed_factors_only(data=control_weeks):
    table = data()
    table["flat"] = np.where(table["g"].isin(["g0", "g3", "g4"]), 1.0, 0.0)
    cre = [{"group": name, "form": "within-between"} for name in ("g", "h")]
    design = design_of(table, "y ~ flat + x + (flat | h) + (1 | g)", cre)
    assert "cre_within_flat" not in design.main.common_columns
    assert design.main.common_matrix.std(axis=0).min() > 1e-3
    for slope in design.main.group:
        if slope.expression != "1":
            assert slope.values.std() > 0.1
