"""Sentences about pooling weights."""

import numpy as np
import pandas as pd
from model_support import panel, plan_of

from hiermix.summary.group_effects import group_effects
from hiermix.summary.pooling_words import pooling_sentences, sentence
from hiermix.summary.tables import Tables, empty_cre
from hiermix.summary.variance import variance
from tests.unit.summary import small


def tables_of(formula: str, **options) -> Tables:
    plan = plan_of(panel(), formula, **options)
    fit = small.fit(plan, small.normal(np.random.default_rng(1), plan))
    effects = group_effects(fit, plan, small.scalars(plan), 0.9, "eti")
    empty = pd.DataFrame()
    return Tables(empty, effects, variance(fit, plan, 0.9, "eti"), empty_cre(), empty)


def test_every_term_with_weights_has_a_sentence() -> None:
    tables = tables_of("y ~ x + (x | g) + (1 | h)")
    effects = tables.group_effects
    expected = []
    for group, term in (("g", "Intercept"), ("g", "x"), ("h", "Intercept")):
        rows = effects[(effects["group"] == group) & (effects["term"] == term)]
        pulled = int((1 - rows["pooling"] > 0.5).sum())
        expected.append(f"{term} by {group}: levels with 1 - w > 0.5: {pulled} of {len(rows)}")
    assert pooling_sentences(tables) == expected


def test_terms_without_weights_and_models_without_levels_have_none() -> None:
    assert pooling_sentences(tables_of("share ~ 1 + (1 | g)", family="beta")) == []
    assert pooling_sentences(tables_of("y ~ x")) == []


def test_small_weights_say_that_levels_look_alike() -> None:
    said = sentence("g", "x", np.array([0.09, 0.05, 0.3]), 0.02, 0.1)
    assert "sd near zero: levels look alike (sd 0.02, raw standard errors of about 0.1)" in said
    assert said.endswith("levels with 1 - w > 0.5: 3 of 3")


def test_levels_do_not_look_alike_where_large_ones_differ_and_most_are_small() -> None:
    said = sentence("g", "x", np.array([0.99] * 12 + [0.03] * 60), 1.6, 10.0)
    assert said == "x by g: levels with 1 - w > 0.5: 60 of 72"


def test_unknown_sizes_are_left_out() -> None:
    said = sentence("g", "x", np.zeros(2), np.nan, np.nan)
    assert "sd near zero: levels look alike; levels" in said
