"""Sentences and measurements of the audit."""

import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, spec_of

from hiermix.design import build_design
from hiermix.design.identification import (
    audit_identification,
    identification_measurements,
    sentences,
)

BOTH = "y ~ 1 + (1 | customer) + (1 | product)"
WITH_PAIRS = BOTH + " + (1 | customer:product)"


def audited(table, formula, *, residual=False, **options):
    spec = spec_of(formula, **options).spec
    design = build_design(spec, frame_of(table.assign(y=np.arange(len(table)) % 5), spec))
    return audit_identification((design.main, *design.components.values()), residual)


def sold(text):
    rows = [pair.split("-") for pair in text.split()]
    return pd.DataFrame(rows, columns=["customer", "product"])


def said(table, formula, **options):
    return sentences(audited(table, formula, **options), 10)


def test_a_set_of_effects_has_one_sentence():
    assert said(sold("a-P a-Q b-Q b-Q c-Q c-R b-R"), WITH_PAIRS) == (
        "only the sum of the effects of product P and customer:product a:P is identified",
    )


def test_parts_come_first_and_the_three_of_an_isolated_pair_are_one_sentence():
    assert said(sold("a-P a-Q b-P b-Q z-Z"), WITH_PAIRS) == (
        "customer and product fall into 2 separate parts (2 x 2 levels with 4 rows; 1 x 1 with "
        "1): differences between parts are known only through the priors",
        "only the sum of the effects of customer z, product Z and customer:product z:Z is "
        "identified",
    )


def test_of_many_parts_the_sizes_of_three_are_named():
    (first, *_) = said(sold("a-P a-Q b-P b-Q x-X y-Y z-Z"), BOTH)
    assert "4 separate parts (2 x 2 levels with 4 rows; 1 x 1 with 1; 1 x 1 with 1; ...)" in first


@pytest.mark.parametrize(
    ("x", "z", "sentence"),
    [
        (
            [2.0, 2.0, 2.0],
            [1.0, 2.0, 4.0],
            "x does not vary in g a: only a combination of its intercept and its slope of x "
            "is identified",
        ),
        (
            [2.0, 2.0, 2.0],
            [1.0, 1.0, 1.0],
            "x and z do not vary in g a: only a combination of its intercept and its slopes of "
            "x and z is identified",
        ),
        (
            [0.0, 0.0, 0.0],
            [1.0, 2.0, 4.0],
            "x is 0 in every row of g a: its slope is known only through its prior",
        ),
        (
            [1.0, 2.0, 4.0],
            [2.0, 4.0, 8.0],
            "x and z are linearly dependent in g a: only a combination of its slopes of x and z "
            "is identified",
        ),
        (
            [1.0, 2.0, 4.0],
            [3.0, 5.0, 9.0],
            "x, z and a constant are linearly dependent in g a: only a combination of its "
            "intercept and its slopes of x and z is identified",
        ),
        (
            [1.0, 2.0],
            [2.0, 5.0],
            "g a has 2 rows for 3 effects: only a combination of its intercept and its slopes of "
            "x and z is identified",
        ),
    ],
)
def test_slopes_of_a_level_are_named_with_what_they_cannot_be_told_from(x, z, sentence):
    table = pd.DataFrame(
        {
            "g": ["a"] * len(x) + ["b"] * 5,
            "x": [*x, 1.0, 2.0, 4.0, 3.0, 7.0],
            "z": [*z, 1.0, 5.0, 2.0, 8.0, 3.0],
        }
    )
    assert said(table, "y ~ x + z + (x + z | g)") == (sentence,)


def test_slopes_beside_other_levels_say_whose_they_are():
    table = sold("a-P a-P a-Q b-Q b-Q c-Q c-R c-R b-R").assign(x=[2.0, 2, 1, 2, 3, 4, 1, 2, 3])
    formula = WITH_PAIRS + " + (0 + x | product)"
    assert said(table, formula) == (
        "only combinations of the intercept of product P, the slope of x of product P and the "
        "intercept of customer:product a:P are identified",
    )


def test_common_effects_and_the_residual_are_named():
    table = pd.DataFrame({"g": list("aabb"), "id": list("1234")})
    assert said(table, "y ~ g + (1 | g)") == (
        "only the sum of the effect of g a and the common effect g is identified",
        "only the sum of the effect of g b and the common effect g[b] is identified",
    )
    assert said(table, "y ~ 1 + (1 | id)", residual=True)[0] == (
        "only the sum of the effect of id 1 and the residual is identified"
    )


def test_sentences_about_a_component_begin_with_its_name():
    table = sold("a-P a-Q b-P b-Q z-Z z-Z")
    found = said(
        table,
        "y ~ 1 + (1 | customer)",
        components={"sigma": "~ 1 + (1 | customer) + (1 | product)"},
    )
    assert [text.startswith("sigma: ") for text in found] == [True, True]


def test_beyond_the_limit_the_rest_is_counted():
    found = audited(
        pd.DataFrame({"id": [str(i) for i in range(40)]}), "y ~ 1 + (1 | id)", residual=True
    )
    few = sentences(found, 10)
    assert len(few) == 10
    assert few[-1] == "and 31 more: see identification.csv of the run"
    assert len(sentences(found, 40)) == 40
    assert sentences(found, 40)[-1].startswith("only the sum")
    assert sentences(found, 1) == ("and 40 more: see identification.csv of the run",)
    assert sentences(found, 0) == ()


def test_a_sentence_lists_eight_names_at_most():
    # level one lacks the reference category: its dummies add up to a constant
    some, whole = list("bcdefghijkl"), list("abcdefghijkl")
    table = pd.DataFrame({"g": ["one"] * 22 + ["two"] * 24, "f": 2 * some + 2 * whole})
    (sentence,) = said(table, "y ~ f + (f | g)")
    assert sentence == (
        "f[b], f[c], f[d], f[e], f[f], f[g], f[h] and 5 others are linearly dependent in g one: "
        "only a combination of its intercept and its slopes of f[b], f[c], f[d], f[e], f[f], "
        "f[g], f[h] and 4 others is identified"
    )


def test_a_design_that_identifies_everything_has_no_sentence():
    assert said(sold("a-P a-Q b-P b-Q"), BOTH) == ()


def test_shares_and_parts_are_measured():
    table = sold("a-P a-Q b-P b-Q z-Z z-Z")
    found = identification_measurements(
        audited(table, BOTH, components={"sigma": "~ 1 + (1 | customer)"})
    )
    assert {(m.metric, m.scope) for m in found} == {
        ("unidentified_share", "design"),
        ("level_graph_parts", "design"),
    }
    values = {m.variable: m.value for m in found}
    assert values == {
        "1|customer": pytest.approx(1 / 3),
        "1|product": pytest.approx(1 / 3),
        "sigma: 1|customer": 0.0,
        "customer, product": 2.0,
    }
    notes = {m.variable: m.note for m in found}
    assert notes["1|customer"] == ("1 of 3 effects of customer (z) is not identified on its own")
    assert notes["sigma: 1|customer"] == ""
    assert notes["customer, product"].startswith("customer and product fall into 2 separate parts")


def test_a_note_names_three_levels():
    table = pd.DataFrame({"g": list("aabbccddee"), "x": [1.0, 1, 2, 2, 3, 3, 4, 4, 1, 2]})
    (_, slope) = identification_measurements(audited(table, "y ~ x + (x | g)"))
    assert slope.variable == "x|g"
    assert slope.value == pytest.approx(0.8)
    assert slope.note == ("4 of 5 slopes of x of g (a, b, c, ...) are not identified on their own")


def test_slopes_that_fail_alike_in_many_levels_share_a_sentence():
    zero = [0.0, 0.0] * 5 + [1.0, 1.0] * 4 + [2.0, 3.0]
    table = pd.DataFrame({"g": [c for c in "abcdefghij" for _ in range(2)], "x": zero})
    assert said(table, "y ~ x + (x | g)") == (
        "x is 0 in every row of 5 levels of g (a, b, c, ...): "
        "the slopes there are known only through their prior",
        "x does not vary in 4 levels of g (f, g, h, ...): only a combination of the intercept and "
        "the slope of x is identified there",
    )
    found = audited(table, "y ~ x + (x | g)")
    assert sentences(found, 1) == ("and 2 more: see identification.csv of the run",)
    assert found.n_sets == 9
