import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, panel, spec_of

from hiermix.design import build_design
from hiermix.errors import DesignError


def response_of(table, formula, **options):
    spec = spec_of(formula, **options).spec
    return build_design(spec, frame_of(table, spec))


GOOD = pd.DataFrame({"x": [0.1, 0.4, 0.2, 0.9], "g": list("aabb")})


@pytest.mark.parametrize(
    ("family", "values", "words"),
    [
        ("poisson", [1, 2.5, 3, 4], "y: 2.5 at row 2; poisson: integers needed, >= 0"),
        ("negativebinomial", [1, -2, 3, 4], "y: -2 at row 2"),
        ("gamma", [1, 2, 0, 4], "y: 0 at row 3; gamma: > 0 needed"),
        ("beta", [0.1, 0.5, 1, 0.4], "y: 1 at row 3; beta: 0 < y < 1 needed"),
        ("hurdle_gamma", [0, 1, -1, 4], "y: -1 at row 3; hurdle_gamma: >= 0 needed"),
        ("vonmises", [0, 1, 4, 0], "y: 4 at row 3; vonmises: an angle"),
        ("bernoulli", [0, 1, 2, 0], "y: 3 distinct values; bernoulli needs 2"),
        ("bernoulli", [1, 2, 1, 2], "y: values 1 and 2; bernoulli needs 0 and 1"),
        ("categorical", [1, 0, 1, 0], "y: 2 distinct values; categorical needs 3 or more"),
    ],
)
def test_values_outside_the_support_are_named(family, values, words):
    with pytest.raises(DesignError) as caught:
        response_of(GOOD.assign(y=values), "y ~ x", family=family)
    assert words in caught.value.message
    assert caught.value.where.key == "model.family"


def test_a_count_that_floats_cannot_hold_is_refused():
    table = GOOD.assign(y=[1.0, 2.0, 1e20, 3.0])
    with pytest.raises(DesignError, match="exceeds 2\\^53"):
        response_of(table, "y ~ x", family="poisson")


def test_text_for_a_numeric_family_is_refused():
    with pytest.raises(DesignError, match="y is text; gaussian needs numbers"):
        response_of(GOOD.assign(y=list("abca")), "y ~ x")


@pytest.mark.parametrize(
    ("k", "n", "words"),
    [
        ([1, 3, 1, 1], [2, 2, 2, 2], "k: 3 successes of 2 n at row 2"),
        ([1, -1, 1, 1], [2, 2, 2, 2], "k: -1 at row 2"),
        ([1, 0.5, 1, 1], [2, 2, 2, 2], "k: 0.5 at row 2"),
        ([1, 0, 1, 1], [2, 0, 2, 2], "n: 0 at row 2; trials > 0 needed"),
    ],
)
def test_impossible_successes_and_trials_are_named(k, n, words):
    with pytest.raises(DesignError) as caught:
        response_of(GOOD.assign(k=k, n=n), "p(k, n) ~ x", family="binomial")
    assert words in caught.value.message


def test_binomial_needs_trials_and_trials_need_binomial():
    with pytest.raises(DesignError, match="write p\\(successes, trials\\)"):
        response_of(GOOD.assign(k=[0, 1, 1, 0]), "k ~ x", family="binomial")
    with pytest.raises(DesignError, match="needs a binomial family"):
        response_of(GOOD.assign(k=[0, 1, 1, 0], n=[1, 1, 1, 1]), "p(k, n) ~ x")


def test_the_number_of_trials_may_be_one_number():
    design = response_of(GOOD.assign(k=[0, 1, 2, 0]), "p(k, 4) ~ x", family="binomial")
    assert design.response.trials.tolist() == [4, 4, 4, 4]


def test_the_second_of_two_categories_counts_as_success_as_in_r():
    design = response_of(GOOD.assign(y=["no", "yes", "no", "no"]), "y ~ x", family="bernoulli")
    assert design.response.values.tolist() == [0, 1, 0, 0]
    assert any("'yes' counts as success" in note for note in design.warnings)


def test_ordered_categories_keep_the_order_of_numbers():
    table = pd.DataFrame({"y": [10, 2, 1, 10], "x": [0.1, 0.2, 0.3, 0.5]})
    design = response_of(table, "y ~ x", family="cumulative")
    assert design.response.levels == ("1", "2", "10")
    assert design.response.values.tolist() == [2, 1, 0, 2]


def test_truncation_bounds_hold_the_response():
    table = GOOD.assign(y=[1.0, 2.0, 3.0, 4.0])
    design = response_of(table, "truncated(y, lb=0.5) ~ x")
    assert (design.response.lower == 0.5).all()
    assert np.isinf(design.response.upper).all()
    with pytest.raises(DesignError, match="outside its truncation bounds"):
        response_of(table, "truncated(y, lb=2) ~ x")


def test_censoring_status_is_read_as_words_or_numbers():
    table = GOOD.assign(
        y=[1.0, 2.0, 3.0, 4.0], s=["none", "right", "left", "none"], t=[0, 1, -1, 0]
    )
    words = response_of(table, "censored(y, s) ~ x").response.status
    numbers = response_of(table, "censored(y, t) ~ x").response.status
    assert words.tolist() == numbers.tolist() == [0, 1, -1, 0]
    with pytest.raises(DesignError, match="unknown censoring status at row 1"):
        response_of(table.assign(s=["no", "right", "left", "none"]), "censored(y, s) ~ x")


def test_weights_and_standard_errors_are_positive():
    table = GOOD.assign(y=[1.0, 2.0, 3.0, 4.0], w=[1, 0, 2, 1])
    with pytest.raises(DesignError, match="weights: 0 at row 2"):
        response_of(table, "weighted(y, w) ~ x")
    with pytest.raises(DesignError, match="w: 0 at row 2; standard errors are > 0"):
        response_of(table, "y ~ x", known_se="w")


def test_families_of_several_columns_are_refused_in_words():
    with pytest.raises(DesignError, match="several response columns"):
        response_of(panel(), "y ~ x", family="multinomial")
