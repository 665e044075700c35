import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_support import panel, plan_of, spec_of

from hiermix.model.reduction import WORTHWHILE, reduce_plan
from hiermix.pipeline import fit_request
from hiermix.spec import load_spec


def repeated(n=400, seed=0, **columns) -> pd.DataFrame:
    """Rows with few distinct predictors and an own response each."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "x": rng.choice([0.0, 1.0, 2.5], n, p=[0.7, 0.2, 0.1]),
            "f": rng.choice(["a", "b"], n),
            "g": rng.choice(list("pqr"), n),
            "hit": rng.integers(0, 2, n),
            "n": rng.integers(1, 9, n),
            "count": rng.poisson(2.0, n),
            "e": rng.uniform(1, 5, n),
            "w": rng.uniform(0.5, 3, n),
            "y": rng.normal(size=n),
        }
    )
    table["k"] = rng.binomial(table["n"], 0.4)
    return table.assign(**columns)


def by_cell(table, value) -> pd.Series:
    """Sum by every distinct x, f, g, in the order of the first rows."""
    return value.groupby([table["x"], table["f"], table["g"]], sort=False).sum()


def test_bernoulli_rows_become_successes_and_trials():
    table = repeated()
    merged = reduce_plan(plan_of(table, "hit ~ x + f + (x | g)", family="bernoulli"))
    assert (merged.method, merged.plan.family) == ("binomial cells", "binomial")
    response = merged.plan.design.response
    np.testing.assert_array_equal(response.values, by_cell(table, table["hit"]))
    np.testing.assert_array_equal(response.trials, by_cell(table, table["hit"] * 0 + 1))


def test_two_words_as_response_merge_like_0_and_1():
    table = repeated()
    words = table.assign(hit=np.where(table["hit"] == 1, "yes", "no"))
    plans = [plan_of(t, "hit ~ x + f + (1 | g)", family="bernoulli") for t in (table, words)]
    numbers, texts = (reduce_plan(plan).plan.design.response for plan in plans)
    np.testing.assert_array_equal(numbers.values, texts.values)
    assert texts.levels is None


def test_binomial_rows_add_up():
    table = repeated()
    merged = reduce_plan(plan_of(table, "p(k, n) ~ x * f + (1 | g)", family="binomial"))
    response = merged.plan.design.response
    np.testing.assert_array_equal(response.values, by_cell(table, table["k"]))
    np.testing.assert_array_equal(response.trials, by_cell(table, table["n"]))


def test_poisson_rows_add_up_with_their_exposures():
    table = repeated()
    plan = plan_of(table, "count ~ x + f + offset(log(e)) + (1 | g)", family="poisson")
    merged = reduce_plan(plan).plan.design
    np.testing.assert_array_equal(merged.response.values, by_cell(table, table["count"]))
    np.testing.assert_allclose(np.exp(merged.main.offset), by_cell(table, table["e"]))


def test_poisson_rows_without_offset_get_their_number_as_exposure():
    table = repeated()
    merged = reduce_plan(plan_of(table, "count ~ x + f + (1 | g)", family="poisson"))
    rows = by_cell(table, table["count"] * 0 + 1)
    np.testing.assert_allclose(np.exp(merged.plan.design.main.offset), rows)


def test_exposures_beyond_the_range_of_floats_add_on_the_log_scale():
    table = repeated(n=8).assign(x=1.0, f="a", g=list("pqpqpqpq"), log_e=[-900.0, 900.0] * 4)
    plan = plan_of(table, "count ~ 0 + offset(log_e) + (1 | g)", family="poisson")
    merged = reduce_plan(plan).plan.design
    np.testing.assert_allclose(merged.main.offset, [-900 + np.log(4), 900 + np.log(4)])


@pytest.mark.parametrize("response", ["y", "weighted(y, w)"])
def test_gaussian_rows_become_weighted_means_and_what_is_left_within(response):
    table = repeated()
    w = table["w"] if "w)" in response else table["w"] * 0 + 1
    table["o"] = np.linspace(-1, 1, len(table))
    rest = table["y"] - table["o"]
    merged = reduce_plan(plan_of(table, f"{response} ~ x + f + offset(o) + (1 | g)")).plan
    total = by_cell(table, w)
    means = by_cell(table, w * rest) / total
    own = merged.design.response
    np.testing.assert_allclose(own.weights, total)
    np.testing.assert_allclose(own.values, means)
    # Huygens: the total sum of squares about zero is that of the means and that within.
    assert merged.within_ss == pytest.approx(
        np.sum(w * rest**2) - np.sum(total * means**2), rel=1e-9
    )
    assert merged.design.main.offset is None


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ f + (1 | g)", {"family": "t"}, "family t"),
        ("y ~ f + (1 | g)", {"components": {"sigma": "~ f"}}, "distributional model"),
        ("y ~ f + (1 | g)", {"known_se": "w"}, "every row has its own known standard error"),
        ("y ~ f + (1 | g)", {"link": "log"}, "link log of family gaussian"),
        ("count ~ f", {"family": "poisson", "link": "identity"}, "link identity of family poisson"),
        ("truncated(y, -9, 9) ~ f", {}, "truncated response of family gaussian"),
        ("y ~ w + (1 | g)", {}, "columns up to w make 400 cells of 400 rows"),
    ],
)
def test_what_cannot_be_merged_stays_and_says_why(formula, options, reason):
    plan = plan_of(repeated(), formula, **options)
    merged = reduce_plan(plan)
    assert merged.plan is plan
    assert merged.facts() == {"method": "none", "reason": reason, "rows": 400}
    np.testing.assert_array_equal(merged.cell, np.arange(400))


@pytest.mark.parametrize(("copies", "merges"), [(1, False), (2, True), (3, True)])
def test_rows_are_merged_from_two_rows_a_cell_on(copies, merges):
    assert WORTHWHILE == 0.5
    table = pd.concat([panel()] * copies)
    assert reduce_plan(plan_of(table, "hit ~ z + (1 | g)", family="bernoulli")).merges is merges


@pytest.mark.parametrize("apart", ["x", "g", "z", "h"])
def test_rows_that_differ_in_any_column_or_level_stay_apart(apart):
    """Each of a common column, a level, a slope and a second factor alone separates two cells."""
    same = {"x": 1.0, "z": 2.0, "g": "p", "h": "u"}
    other = same | {"x": 1.0 + 2**-52, "z": 2.5, "g": "q", "h": "v"}
    rows = [same] * 6 + [same | {apart: other[apart]}] * 6 + [other] * 6
    table = pd.DataFrame(rows).assign(hit=[0, 1] * 9)
    plan = plan_of(table, "hit ~ x + (0 + z | g) + (1 | h)", family="bernoulli")
    merged = reduce_plan(plan)
    assert merged.n_cells == 3
    np.testing.assert_array_equal(merged.cell, np.repeat([0, 1, 2], 6))


def test_different_offsets_of_bernoulli_rows_stay_apart():
    table = repeated(o=np.tile([0.0, 0.5], 200))
    plan = plan_of(table, "hit ~ f + offset(o) + (1 | g)", family="bernoulli")
    merged = reduce_plan(plan)
    assert merged.n_cells == 2 * 2 * 3
    np.testing.assert_array_equal(merged.plan.design.main.offset[merged.cell], table["o"])


def test_zero_and_minus_zero_are_one_value():
    table = repeated(x=np.repeat([0.0, -0.0, 1.0, 1.0], 100), g=np.repeat(list("pqpq"), 100))
    table.loc[:50, "x"] = -0.0
    assert reduce_plan(plan_of(table, "hit ~ 0 + x + (1 | g)", family="bernoulli")).n_cells == 4


def test_columns_and_levels_of_a_row_are_those_of_its_cell():
    plan = plan_of(repeated(), "y ~ x * f + (x + f | g)")
    merged = reduce_plan(plan)
    main, cells = plan.design.main, merged.plan.design.main
    np.testing.assert_array_equal(cells.common_matrix[merged.cell], main.common_matrix)
    for row_term, term in zip(main.group, cells.group, strict=True):
        np.testing.assert_array_equal(term.values[merged.cell], row_term.values)
        np.testing.assert_array_equal(term.factor.index[merged.cell], row_term.factor.index)
        assert term.factor.levels == row_term.factor.levels
        np.testing.assert_array_equal(term.factor.counts, row_term.factor.counts)


def test_parameters_and_means_are_still_those_of_the_rows():
    table = repeated()
    plan = plan_of(table, "hit ~ x + f + (x | g)", family="bernoulli")
    merged = reduce_plan(plan).plan
    assert merged.parameters == plan.parameters
    x, f = merged.centres(merged.design.main)
    assert x == pytest.approx([table["x"].mean()])
    assert f == pytest.approx([(table["f"] == "b").mean()])
    assert abs(merged.design.main.common_matrix.mean(axis=0)[0] - x[0]) > 0.1


def test_without_an_intercept_nothing_is_centred():
    plan = plan_of(repeated(), "hit ~ 0 + x + (1 | g)", family="bernoulli")
    np.testing.assert_array_equal(plan.centres(plan.design.main), [[0.0]])


def test_facts_and_sentence_say_how_many():
    merged = reduce_plan(plan_of(repeated(), "hit ~ x + f + (1 | g)", family="bernoulli"))
    facts = merged.facts()
    assert (facts["method"], facts["rows"], facts["cells"]) == ("binomial cells", 400, 18)
    assert facts["ratio"] == pytest.approx(400 / 18)
    assert merged.sentence() == "400 rows merged to 18 binomial cells, without loss"


@pytest.mark.parametrize(("word", "asked"), [("auto", True), ("off", False)])
def test_the_spec_says_whether_rows_may_be_merged(word, asked):
    text = spec_of("y ~ x").text
    spec = load_spec(text, "spec.yaml", [f"data.reduce={word}"]).spec
    assert fit_request(spec).reduce is asked


@st.composite
def tables(draw):
    n = draw(st.integers(12, 60))
    column = lambda values: draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))  # noqa: E731
    table = pd.DataFrame(
        {
            "x": column([0.0, 1.0, -3.5]),
            "g": column(["p", "q"]),
            "count": draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n)),
            "hit": column([0, 1]),
            "w": column([1.0, 0.25, 7.0]),
            "y": draw(st.lists(st.floats(-1e3, 1e3), min_size=n, max_size=n)),
        }
    )
    for name, values in {"x": [0.0, 1.0], "g": ["p", "q"], "hit": [0, 1], "y": [0.0, 1.0]}.items():
        table.loc[[0, 1], name] = values
    table.loc[0, "count"] = 1
    return table


@settings(max_examples=60, deadline=None)
@given(tables())
def test_totals_of_the_cells_are_those_of_the_rows(table):
    hits = reduce_plan(plan_of(table, "hit ~ x + (1 | g)", family="bernoulli"))
    assert hits.merges
    assert hits.plan.design.response.values.sum() == table["hit"].sum()
    assert hits.plan.design.response.trials.sum() == len(table)
    counts = reduce_plan(plan_of(table, "count ~ x + (1 | g)", family="poisson")).plan
    assert counts.design.response.values.sum() == table["count"].sum()
    assert np.exp(counts.design.main.offset).sum() == pytest.approx(len(table))
    means = reduce_plan(plan_of(table, "weighted(y, w) ~ x + (1 | g)")).plan
    own = means.design.response
    assert own.weights.sum() == pytest.approx(table["w"].sum())
    squares = means.within_ss + own.weights @ own.values**2
    assert squares == pytest.approx(table["w"] @ table["y"] ** 2)
    for centring in means.centring:
        assert len(centring.row_weight) == len(own.values)
        assert centring.row_weight.sum() == pytest.approx(table["w"].sum())
