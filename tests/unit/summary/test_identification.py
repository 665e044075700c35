"""The table of what the likelihood separates."""

import numpy as np
import pandas as pd
import pytest
from model_support import plan_of

from hiermix.design.identification import audit_identification
from hiermix.model.plan import Parameter
from hiermix.summary.group_effects import group_effects
from hiermix.summary.identification import (
    COLUMNS,
    contraction,
    identification_table,
    identified_column,
)
from tests.unit.summary import small

WITH_PAIRS = "y ~ 1 + (1 | customer) + (1 | product) + (1 | customer:product)"


def sold(text):
    rows = [pair.split("-") for pair in text.split()]
    table = pd.DataFrame(rows, columns=["customer", "product"])
    return table.assign(y=np.arange(len(table)) % 5 + 0.5, x=np.arange(len(table)) % 3 + 1.0)


def audited(plan):
    return audit_identification(plan.parts, False)


def drawn(plan, seed=1):
    rng = np.random.default_rng(seed)
    draws = {p.name: np.abs(rng.normal(size=(100, *p.shape))) for p in plan.parameters}
    return small.fit(plan, draws)


def test_before_sampling_there_is_a_row_for_each_effect_and_each_graph() -> None:
    plan = plan_of(sold("a-P a-P a-Q b-Q b-Q z-Z"), WITH_PAIRS)
    table = identification_table(None, plan, audited(plan))
    assert tuple(table.columns) == COLUMNS
    assert table["contraction"].isna().all()
    assert table["n_partners"].dtype == "Int64"
    assert table["n_rows"].dtype == np.int64
    rows = table.set_index(["group", "level"])
    product = rows.loc[("product", "P")]
    assert product["partners"] == "customer:product a:P"
    assert (product["status"], product["kind"]) == ("sum-only", "aliased")
    assert (product["n_rows"], product["n_partners"]) == (2, 1)
    assert rows.loc[("customer", "z"), "partners"] == "product Z; customer:product z:Z"
    assert rows.loc[("customer", "b"), "kind"] == "aliased"
    assert rows.loc[("product", "Q"), "partners"] == ""
    graph = table.iloc[-1]
    assert (graph["group"], graph["level"], graph["term"]) == ("customer, product", "", "")
    assert (graph["status"], graph["kind"], graph["n_rows"]) == ("sum-only", "components", 6)
    assert graph["partners"].startswith("customer and product fall into 2 separate parts")
    assert pd.isna(graph["n_partners"])


def test_a_graph_in_one_part_is_identified() -> None:
    plan = plan_of(sold("a-P a-Q b-P b-Q"), "y ~ 1 + (1 | customer) + (1 | product)")
    graph = identification_table(None, plan, audited(plan)).iloc[-1]
    assert (graph["status"], graph["partners"]) == ("likelihood", "")


def test_partners_are_missing_where_there_is_no_other_factor() -> None:
    plan = plan_of(sold("a-P a-Q b-P b-Q"), "y ~ 1 + (1 | customer)")
    table = identification_table(None, plan, audited(plan))
    assert table["n_partners"].isna().all()
    assert len(table) == 2


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        (WITH_PAIRS + " + (0 + x | customer)", {}),
        ("y ~ f + (f | customer)", {}),
        ("y ~ 1 + (0 + f | customer)", {}),
        (
            "y ~ x + (x | customer)",
            {"components": {"sigma": "~ x + (x | product)"}},
        ),
        ("grade ~ f + (f | customer)", {"family": "categorical"}),
        ("grade ~ 1 + (1 | customer)", {"family": "cumulative"}),
    ],
)
def test_rows_join_those_of_the_group_effects_one_to_one(formula, options) -> None:
    table = sold("a-P a-Q a-R b-P b-Q b-Q c-P c-Q c-R").assign(
        f=list("uvwuvuuvw"), grade=list("123123123")
    )
    plan = plan_of(table, formula, **options)
    fit = drawn(plan)
    effects = group_effects(fit, plan, small.scalars(plan), 0.9, "eti")
    found = identification_table(fit, plan, audited(plan))
    found = found[found["kind"] != "components"]
    keys = ["group", "level", "term", "n_rows"]
    pd.testing.assert_frame_equal(found[keys], effects[keys])
    assert found["contraction"].notna().all()


def test_a_categorical_response_repeats_what_is_said_of_a_column() -> None:
    table = sold("a-P a-Q a-R b-P b-Q b-Q").assign(f=list("uvwuuu"), grade=list("123123"))
    plan = plan_of(table, "grade ~ f + (f | customer)", family="categorical")
    part = plan.design.main
    (term,) = [t for t in part.group if t.expression == "f"]
    seen = [identified_column(audited(plan), plan, part, term, i).tolist() for i in range(4)]
    assert seen == [[True, False]] * 4  # f[v], f[w], each for grades 2 and 3
    lacking = plan_of(
        table.assign(f=list("uvwuvu")), "grade ~ f + (f | customer)", family="categorical"
    )
    part = lacking.design.main
    (term,) = [t for t in part.group if t.expression == "f"]
    seen = [identified_column(audited(lacking), lacking, part, term, i).tolist() for i in range(4)]
    assert seen == [[True, True]] * 2 + [[True, False]] * 2


def test_the_column_for_group_effects_is_true_where_the_likelihood_tells() -> None:
    plan = plan_of(sold("a-P a-P a-Q b-Q b-Q z-Z"), WITH_PAIRS)
    part = plan.design.main
    customer, product, _ = part.group
    found = audited(plan)
    # b and z bought one product only: each is one with its pair
    assert identified_column(found, plan, part, customer, 0).tolist() == [True, False, False]
    assert identified_column(found, plan, part, product, 0).tolist() == [False, True, False]


def test_contraction_is_the_share_of_the_population_variance_that_the_rows_take_away() -> None:
    # Conjugate normal model with known sds: Var(u_j | y) = 1 / (n_j / sigma^2 + 1 / tau^2), so
    # the contraction is the reliability n_j tau^2 / (n_j tau^2 + sigma^2).
    tau, sigma, n_draws = 0.7, 1.3, 40_000
    of = small.factor("g", ("a", "b", "c"), [0] * 1 + [1] * 5 + [2] * 40)
    term = small.intercept_of(of)
    design = small.design(np.zeros(46), (), (term,))
    plan = small.plan(design, small.group_parameters(term))
    sds = np.sqrt(1 / (of.counts / sigma**2 + 1 / tau**2))
    draws = {
        "1|g": np.random.default_rng(3).normal(0.4, sds, size=(n_draws, 3)),
        "1|g_sigma": np.full(n_draws, tau),
    }
    found = contraction(small.fit(plan, draws), plan, design.main, term, 0)
    reliability = of.counts * tau**2 / (of.counts * tau**2 + sigma**2)
    # sd of a sample variance: sqrt(2 / n) = .7 %; 4 of them
    np.testing.assert_allclose(1 - found, 1 - reliability, rtol=0.03)


def test_contraction_divides_by_the_mean_of_the_variance_and_not_of_the_sd() -> None:
    of = small.factor("g", ("a", "b"), [0, 1])
    term = small.intercept_of(of)
    design = small.design(np.zeros(2), (), (term,))
    plan = small.plan(design, small.group_parameters(term))
    draws = {
        "1|g": np.array([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]),
        "1|g_sigma": np.array([1.0, 3.0, 1.0, 3.0]),
    }
    found = contraction(small.fit(plan, draws), plan, design.main, term, 0)
    # Var = 4 / 3, E tau^2 = 5
    np.testing.assert_allclose(found, [1 - 4 / 15, 1.0])


def test_a_fixed_group_sd_is_that_number_and_broken_draws_are_missing() -> None:
    of = small.factor("g", ("a", "b"), [0, 1])
    term = small.intercept_of(of)
    design = small.design(np.zeros(2), (), (term,))
    sd, effects = small.group_parameters(term)
    plan = small.plan(design, (Parameter(sd.name, sd.role, (), prior=2.0), effects))
    draws = {"1|g": np.array([[-1.0, np.nan], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])}
    found = contraction(small.fit(plan, draws), plan, design.main, term, 0)
    assert found[0] == pytest.approx(1 - (4 / 3) / 4)
    assert np.isnan(found[1])


def test_pieces_of_levels_give_the_same_contraction(monkeypatch) -> None:
    plan = plan_of(sold("a-P a-Q b-P b-Q c-P d-Q e-P"), "y ~ 1 + (1 | customer)")
    part = plan.design.main
    whole = contraction(drawn(plan), plan, part, part.group[0], 0)
    monkeypatch.setattr("hiermix.summary.draws.CHUNK_BYTES", 2 * 8 * 100)
    pieces = contraction(drawn(plan), plan, part, part.group[0], 0)
    np.testing.assert_allclose(pieces, whole, rtol=1e-12)


def test_a_model_without_groups_has_an_empty_table() -> None:
    plan = plan_of(sold("a-P b-P"), "y ~ 1")
    table = identification_table(None, plan, audited(plan))
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0
