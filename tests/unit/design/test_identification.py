"""Statuses, kinds and partners of effects, on designs that can be checked by eye."""

import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, spec_of

from hiermix.design import build_design
from hiermix.design.identification import KINDS, STATUSES, audit_identification
from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart

PLAIN = ("likelihood", "", ())
SINGLETON = ("likelihood", "singleton", ())
BOTH = "y ~ 1 + (1 | customer) + (1 | product)"
WITH_PAIRS = BOTH + " + (1 | customer:product)"


def parts_of(table, formula, **options):
    spec = spec_of(formula, **options).spec
    design = build_design(spec, frame_of(table.assign(y=np.arange(len(table)) % 5), spec))
    return (design.main, *design.components.values())


def audited(table, formula, *, residual=False, **options):
    return audit_identification(parts_of(table, formula, **options), residual)


def effects(identification, term, column="1", parameter="mu"):
    found = identification.term(parameter, term, column)
    return {
        level: (
            STATUSES[found.status[place]],
            KINDS[found.kind[place]],
            found.partners.get(place, ()),
        )
        for place, level in enumerate(found.levels)
    }


def sold(text):
    """A row for each ``customer-product``."""
    rows = [pair.split("-") for pair in text.split()]
    return pd.DataFrame(rows, columns=["customer", "product"])


def test_crossed_factors_without_interaction_are_identified_down_to_the_singletons():
    found = audited(sold("a-P a-Q b-P b-Q b-Q c-Q"), BOTH)
    assert effects(found, "1|customer") == {"a": PLAIN, "b": PLAIN, "c": SINGLETON}
    assert effects(found, "1|product") == {"P": PLAIN, "Q": PLAIN}
    assert found.n_unidentified == 0
    assert found.n_effects == 5


def test_a_product_with_one_buyer_is_aliased_with_the_pair_whatever_its_number_of_rows():
    found = audited(sold("a-P a-P a-Q b-Q b-Q c-Q c-Q a-R b-S b-S"), WITH_PAIRS)
    products = effects(found, "1|product")
    pairs = effects(found, "1|customer:product")
    assert products["P"] == ("sum-only", "aliased", ("customer:product a:P",))
    assert products["R"] == ("sum-only", "aliased", ("customer:product a:R",))
    assert products["Q"] == PLAIN
    assert pairs["b:S"] == ("sum-only", "aliased", ("product S",))
    assert pairs["a:Q"] == SINGLETON
    assert pairs["b:Q"] == PLAIN
    # c bought Q only, but Q has other buyers
    assert effects(found, "1|customer")["c"] == ("sum-only", "aliased", ("customer:product c:Q",))


def test_a_pair_that_meets_nobody_else_is_isolated_with_and_without_their_interaction():
    table = sold("a-P a-Q b-P b-Q z-Z z-Z")
    found = audited(table, BOTH)
    assert effects(found, "1|customer")["z"] == ("sum-only", "isolated-pair", ("product Z",))
    assert effects(found, "1|product")["Z"] == ("sum-only", "isolated-pair", ("customer z",))
    found = audited(table, WITH_PAIRS)
    assert effects(found, "1|product")["Z"] == (
        "sum-only",
        "isolated-pair",
        ("customer z", "customer:product z:Z"),
    )
    assert effects(found, "1|customer:product")["z:Z"][2] == ("customer z", "product Z")


def test_a_nested_level_with_one_child_is_aliased_and_one_with_two_is_not():
    table = pd.DataFrame({"a": list("uuuuvv"), "b": list("112233")})
    found = audited(table, "y ~ 1 + (1 | a) + (1 | a:b)")
    assert effects(found, "1|a") == {"u": PLAIN, "v": ("sum-only", "aliased", ("a:b v:3",))}
    inner = effects(found, "1|a:b")
    assert inner["v:3"] == ("sum-only", "aliased", ("a v",))
    assert inner["u:1"] == inner["u:2"] == PLAIN


def test_nesting_is_found_in_the_rows_and_not_in_the_names():
    table = pd.DataFrame({"school": list("uuuuvv"), "room": list("112233")})
    found = audited(table, "y ~ 1 + (1 | school) + (1 | room)")
    assert effects(found, "1|school")["v"] == ("sum-only", "aliased", ("room 3",))
    assert found.graphs == ()


def test_partners_are_counted_in_the_factor_with_the_fewest():
    found = audited(sold("a-P a-Q b-P b-Q b-Q c-Q"), WITH_PAIRS)
    assert found.term("mu", "1|customer", "1").n_partners.tolist() == [2, 2, 1]
    assert found.term("mu", "1|product", "1").n_partners.tolist() == [2, 3]
    assert found.term("mu", "1|customer:product", "1").n_partners.tolist() == [1] * 5
    days = audited(sold("a-P a-P a-Q b-R").assign(day=list("1234")), BOTH + " + (1 | day)")
    assert days.term("mu", "1|customer", "1").n_partners.tolist() == [2, 1]
    assert days.term("mu", "1|product", "1").n_partners.tolist() == [1, 1, 1]
    assert days.term("mu", "1|day", "1").n_partners.tolist() == [1] * 4
    alone = audited(sold("a-P b-P b-Q"), "y ~ 1 + (1 | customer)")
    assert np.isnan(alone.term("mu", "1|customer", "1").n_partners).all()
    assert alone.term("mu", "1|customer", "1").n_rows.tolist() == [1, 2]


def test_partners_of_levels_are_made_for_those_that_are_not_identified_only():
    found = audited(sold("a-P a-P a-Q b-Q"), WITH_PAIRS).term("mu", "1|product", "1")
    assert dict(found.partners) == {0: ("customer:product a:P",)}
    assert len(found.partners) == 1
    with pytest.raises(KeyError):
        found.partners[1]
    with pytest.raises(KeyError):
        found.partners[-2]


SLOPES = pd.DataFrame(
    {
        "g": list("aaaabbbccd"),
        "x": [1.0, 2, 4, 7, 3, 3, 3, 0, 0, 5],
        "z": [1.0, 0, 2, 1, 2, 4, 4, 1, 3, 1],
    }
)


def test_a_slope_that_does_not_vary_in_a_level_is_one_with_its_intercept():
    found = audited(SLOPES, "y ~ x + (x | g)")
    assert effects(found, "1|g") == {
        "a": PLAIN,
        "b": ("sum-only", "constant-slope", ("x of g b",)),
        "c": PLAIN,
        "d": ("sum-only", "constant-slope", ("x of g d",)),
    }
    assert effects(found, "x|g", "x") == {
        "a": PLAIN,
        "b": ("sum-only", "constant-slope", ("g b",)),
        "c": ("prior-only", "zero-column", ()),
        "d": ("sum-only", "constant-slope", ("g d",)),
    }


def test_a_constant_slope_without_an_intercept_beside_it_is_identified():
    found = audited(SLOPES, "y ~ x + (0 + x | g)")
    assert effects(found, "x|g", "x") == {
        "a": PLAIN,
        "b": PLAIN,
        "c": ("prior-only", "zero-column", ()),
        "d": SINGLETON,
    }


def test_fewer_rows_than_effects_leave_combinations_only():
    found = audited(SLOPES, "y ~ x + z + (x + z | g)")
    assert effects(found, "1|g")["c"] == PLAIN  # x is zero, z varies: 2 rows for 2 effects
    assert effects(found, "z|g", "z")["c"] == PLAIN
    assert effects(found, "1|g")["d"][:2] == ("sum-only", "constant-slope")
    table = SLOPES.assign(x=[1.0, 2, 4, 7, 3, 3, 3, 0, 1, 5])
    found = audited(table, "y ~ x + z + (x + z | g)")
    assert effects(found, "1|g")["c"] == ("sum-only", "few-rows", ("x of g c", "z of g c"))
    assert effects(found, "z|g", "z")["c"] == ("sum-only", "few-rows", ("g c", "x of g c"))
    # z varies in b, x does not: only x is one with the intercept
    assert effects(found, "z|g", "z")["b"] == PLAIN
    assert effects(found, "1|g")["b"] == ("sum-only", "constant-slope", ("x of g b",))


def test_slopes_that_are_proportional_in_a_level_leave_its_intercept_alone():
    table = SLOPES.assign(z=2 * SLOPES["x"])
    table.loc[8:, "x"] = [1.0, 5]
    found = audited(table, "y ~ x + z + (x + z | g)")
    assert effects(found, "1|g")["a"] == PLAIN
    assert effects(found, "x|g", "x")["a"] == ("sum-only", "few-rows", ("z of g a",))
    shifted = audited(table.assign(z=2 * table["x"] + 1), "y ~ x + z + (x + z | g)")
    assert effects(shifted, "1|g")["a"] == ("sum-only", "few-rows", ("x of g a", "z of g a"))


def test_a_slope_of_an_aliased_level_is_identified_when_it_varies():
    table = sold("a-P a-P a-P a-Q b-Q b-Q").assign(x=[1.0, 2, 4, 1, 2, 3])
    found = audited(table, WITH_PAIRS + " + (0 + x | product)")
    assert effects(found, "1|product")["P"][:2] == ("sum-only", "aliased")
    assert effects(found, "x|product", "x")["P"] == PLAIN
    flat = audited(table.assign(x=[2.0, 2, 2, 1, 2, 3]), WITH_PAIRS + " + (0 + x | product)")
    assert effects(flat, "x|product", "x")["P"] == (
        "sum-only",
        "aliased",
        ("product P", "customer:product a:P"),
    )


def test_categories_that_a_level_lacks_or_has_alone_are_told():
    table = pd.DataFrame({"g": list("aaaabbbccc"), "f": list("uvwuuvvuuu")})
    found = audited(table, "y ~ f + (f | g)")
    assert effects(found, "f|g", "f[v]") == {
        "a": PLAIN,
        "b": PLAIN,
        "c": ("prior-only", "zero-column", ()),
    }
    assert effects(found, "f|g", "f[w]")["b"] == ("prior-only", "zero-column", ())
    assert effects(found, "1|g") == {"a": PLAIN, "b": PLAIN, "c": PLAIN}
    cells = audited(table, "y ~ f + (0 + f | g)")
    assert set(effects(cells, "f|g", "f[u]").values()) == {PLAIN}


def test_the_linear_predictor_of_a_component_is_audited_by_itself():
    table = sold("a-P a-Q b-P b-Q z-Z z-Z")
    found = audited(
        table,
        "y ~ 1 + (1 | customer)",
        components={"sigma": "~ 1 + (1 | customer) + (1 | product)"},
    )
    assert found.parameters == ("mu", "sigma")
    assert effects(found, "1|customer")["z"] == PLAIN
    assert effects(found, "1|customer", parameter="sigma")["z"] == (
        "sum-only",
        "isolated-pair",
        ("product Z",),
    )
    assert [g.parameter for g in found.graphs] == ["sigma"]


def test_a_common_factor_that_is_the_grouping_factor_leaves_only_sums():
    table = pd.DataFrame({"g": list("aabbcc"), "h": list("uvuvuv")})
    found = audited(table, "y ~ g + (1 | g) + (1 | h)")
    assert effects(found, "1|g") == {
        "a": ("sum-only", "common-effect", ("common effect g",)),
        "b": ("sum-only", "common-effect", ("common effect g[b]",)),
        "c": ("sum-only", "common-effect", ("common effect g[c]",)),
    }
    assert set(effects(found, "1|h").values()) == {PLAIN}
    whole = audited(table, "y ~ 0 + g + (1 | g)")
    assert effects(whole, "1|g")["a"][2] == ("common effect g[a]",)


def test_a_common_effect_of_another_name_is_found_by_its_rows():
    table = pd.DataFrame({"g": list("aabbcc"), "land": list("uuvvvv")})
    found = audited(table, "y ~ land + (1 | g)")
    assert effects(found, "1|g") == {
        "a": ("sum-only", "common-effect", ("common effect land",)),
        "b": PLAIN,
        "c": PLAIN,
    }


def test_common_cells_of_two_factors_are_one_with_the_levels_of_their_interaction():
    table = pd.DataFrame({"a": list("uuuuvvvv"), "b": list("11221122")})
    found = audited(table, "y ~ a * b + (1 | a:b)")
    assert effects(found, "1|a:b") == {
        "u:1": ("sum-only", "common-effect", ("common effect a:b",)),
        "u:2": ("sum-only", "common-effect", ("common effect a:b",)),
        "v:1": ("sum-only", "common-effect", ("common effect a:b",)),
        "v:2": ("sum-only", "common-effect", ("common effect a:b[v, 2]",)),
    }
    without = audited(table, "y ~ a + b + (1 | a:b)")
    assert set(effects(without, "1|a:b").values()) == {PLAIN}


def test_common_cells_without_a_coefficient_each_are_not_told_apart():
    codes = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 2, float)
    group = Factor("g", ("g",), tuple("01234567"), np.arange(16) % 8, np.full(8, 2))
    columns = {("a",): codes[:, 0], ("b",): codes[:, 1], ("c",): codes[:, 2]}
    columns["a", "b", "c"] = codes.prod(axis=1)
    common = tuple(
        CommonTerm(":".join(v), (f"{':'.join(v)}[1]",), x[:, None], ("1",), True, True, False, v)
        for v, x in columns.items()
    )
    term = GroupTerm("1|g", "1", group, ("1",), np.ones((16, 1)))
    found = effects(audit_identification((LinearPart("mu", True, common, (term,)),), False), "1|g")
    # dense: the indicator of a cell is a combination of 1, a, b, c and abc for the last cell only
    assert [status for status, _, _ in found.values()] == ["likelihood"] * 7 + ["sum-only"]
    assert found["7"][2] == ("common effect a:b:c[1]",)


def test_a_slope_is_not_one_with_rivals_that_are_one_with_each_other():
    table = pd.DataFrame(
        {"g": list("aaabbbccc"), "e": list("uuuvvvvvv"), "f": list("uuuvvvwww"), "x": range(9)}
    )
    found = audited(table, "y ~ e + f + x + (0 + x | g)")
    assert set(effects(found, "x|g", "x").values()) == {PLAIN}
    assert found.n_sets == 0
    flat = audited(table.assign(x=[1, 1, 1, 3, 4, 5, 6, 7, 8]), "y ~ e + f + (0 + x | g)")
    assert effects(flat, "x|g", "x")["a"] == (
        "sum-only",
        "common-effect",
        ("common effect e", "common effect f"),
    )


def test_numbers_in_the_common_part_are_no_factor():
    table = pd.DataFrame({"g": list("aabbcc"), "x": [0.0, 0, 1, 1, 2, 2]})
    found = audited(table, "y ~ x + (1 | g)")
    assert set(effects(found, "1|g").values()) == {PLAIN}


def test_the_only_level_of_a_factor_is_one_with_the_common_intercept():
    table = pd.DataFrame({"g": list("aaaa")})
    assert effects(audited(table, "y ~ 1 + (1 | g)"), "1|g")["a"] == (
        "sum-only",
        "common-effect",
        ("common effect Intercept",),
    )
    assert effects(audited(table, "y ~ 0 + (1 | g)"), "1|g")["a"] == PLAIN


def test_one_row_a_level_is_one_with_a_free_residual_and_else_a_singleton():
    table = sold("a-P a-Q b-P b-Q").assign(id=list("1234"))
    formula = "y ~ 1 + (1 | customer) + (1 | id)"
    free = effects(audited(table, formula, residual=True), "1|id")
    assert set(free.values()) == {("sum-only", "one-row-per-level", ("residual",))}
    assert set(effects(audited(table, formula), "1|id").values()) == {SINGLETON}
    longer = pd.concat([table, table.iloc[[0]]])
    free = effects(audited(longer, formula, residual=True), "1|id")
    assert free == {"1": PLAIN, "2": SINGLETON, "3": SINGLETON, "4": SINGLETON}


def test_one_row_a_pair_names_the_residual_and_the_product_bought_once():
    table = sold("a-P a-Q b-Q c-Q c-R d-R d-S")
    found = audited(table, WITH_PAIRS, residual=True)
    pairs = effects(found, "1|customer:product")
    assert pairs["a:Q"] == ("sum-only", "one-row-per-level", ("residual",))
    assert pairs["a:P"] == ("sum-only", "one-row-per-level", ("product P", "residual"))
    assert effects(found, "1|product")["P"] == (
        "sum-only",
        "aliased",
        ("customer:product a:P", "residual"),
    )
    assert effects(found, "1|customer")["a"] == PLAIN


def test_the_residual_of_the_main_predictor_says_nothing_about_a_component():
    table = sold("a-P a-Q b-P b-Q").assign(id=list("1234"))
    found = audited(
        table, "y ~ 1 + (1 | customer)", residual=True, components={"sigma": "~ 1 + (1 | id)"}
    )
    assert set(effects(found, "1|id", parameter="sigma").values()) == {SINGLETON}


def test_graphs_are_those_of_crossed_factors_with_intercepts_largest_part_first():
    found = audited(sold("z-Z z-Z a-P a-Q b-P c-Q y-Y"), WITH_PAIRS)
    (graph,) = found.graphs
    assert (graph.first, graph.second, graph.n_components) == ("customer", "product", 3)
    assert graph.parts == ((3, 2, 4), (1, 1, 2), (1, 1, 1))
    assert (graph.n_first, graph.n_second, graph.n_rows, graph.rank) == (5, 4, 7, 6)
    table = sold("z-Z z-Z a-P a-Q b-P c-Q y-Y").assign(x=np.arange(7.0))
    assert audited(table, "y ~ x + (0 + x | customer) + (1 | product)").graphs == ()


def test_factors_that_share_a_variable_have_no_graph():
    table = pd.DataFrame({"a": list("uuuuvvvv"), "b": list("11221122"), "c": list("12121212")})
    found = audited(table, "y ~ 1 + (1 | a:b) + (1 | a:c)")
    assert found.graphs == ()


def test_only_twenty_parts_of_a_graph_are_kept():
    table = pd.DataFrame({"customer": np.arange(30), "product": np.arange(30)}).astype(str)
    table = pd.concat([table, table.assign(product="P" + table["product"])])
    table = pd.concat([table, pd.DataFrame({"customer": ["0b"], "product": ["0"]})])
    (graph,) = audited(table, BOTH).graphs
    assert graph.n_components == 30
    assert len(graph.parts) == 20
    assert graph.parts[0] == (2, 2, 3)


@pytest.mark.parametrize(
    "labels", [("1", "01"), ("a, b", "a; b"), ("", " "), ("nan", "None"), ("ä\n", "\u202e🎈")]
)
def test_labels_may_be_any_text(labels):
    first, second = labels
    table = pd.DataFrame(
        {"customer": [first, first, second, second, "z", "z"], "product": list("PQPQRR")}
    )
    found = effects(audited(table, BOTH), "1|customer")
    assert found[first] == found[second] == PLAIN
    assert found["z"] == ("sum-only", "isolated-pair", ("product R",))


def test_terms_come_in_the_order_of_the_table_of_group_effects():
    table = sold("a-P a-Q b-P b-Q").assign(x=np.arange(4.0))
    found = audited(table, "y ~ x + (1 | product) + (x | customer) + (0 + x | product)")
    assert [(t.group, t.term) for t in found.terms] == [
        ("product", "1|product"),
        ("product", "x|product"),
        ("customer", "1|customer"),
        ("customer", "x|customer"),
    ]


def test_a_model_without_groups_has_nothing_to_audit():
    found = audited(sold("a-P b-P"), "y ~ 1")
    assert found.terms == found.graphs == found.sets == ()
    assert found.n_effects == found.n_unidentified == 0
