"""Plans of rows that were merged while they were read are those of the rows."""

import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, spec_of

from hiermix.data.frame import Frame
from hiermix.design import build_design, merging_of, wanted_columns
from hiermix.errors import DesignError
from hiermix.model import ModelPlan, plan_model
from hiermix.model.reduction import Reduction, reduce_plan

CLOSE = 1e-9  # relative: sums of 3,000 terms in another order


def table(n=3000, seed=0) -> pd.DataFrame:
    """Unbalanced rows with few distinct predictors; h is crossed with g, s nested in g."""
    rng = np.random.default_rng(seed)
    g = rng.choice(5, n, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    x = rng.choice([0.0, 1.0, 2.5], n, p=[0.6, 0.3, 0.1])
    trials = rng.integers(1, 4, n)
    effect = rng.normal(0, 0.5, 5)[g]
    chance = 1 / (1 + np.exp(0.5 - 0.4 * x - effect))
    return pd.DataFrame(
        {
            "x": x,
            "f": rng.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1]),
            "g": [f"g{i}" for i in g],
            "h": rng.choice(["p", "q"], n),
            "s": [f"s{i}{j}" for i, j in zip(g, rng.integers(0, 2, n), strict=True)],
            "y": 5 + x + effect + rng.normal(0, 0.8, n),
            "hit": (rng.random(n) < chance).astype(int),
            "n": trials,
            "k": rng.binomial(trials, chance),
            "e": rng.choice([1.0, 2.0], n),
            "count": rng.poisson(1 + x),
        }
    )


def merged_frame(rows: pd.DataFrame, spec) -> Frame:
    """Merge with pandas what the data package merges with DuckDB."""
    merging = merging_of(spec)
    assert merging is not None
    names = list(wanted_columns(spec))
    keys = [name for name in names if name != merging.averaged]
    groups = rows.groupby(keys, sort=False)
    cells = groups.size().rename("times").reset_index()
    within = 0.0
    if merging.averaged is not None:
        y = groups[merging.averaged]
        cells[merging.averaged] = y.mean().to_numpy()
        within = float(((rows[merging.averaged] - y.transform("mean")) ** 2).sum())
    frame = frame_of(cells, spec)
    return replace(frame, multiplicity=cells["times"].to_numpy(), within_ss=within)


def both(formula: str, **options) -> tuple[Reduction, ModelPlan, Reduction]:
    spec = spec_of(formula, **options).spec
    rows = plan_model(spec, build_design(spec, frame_of(table(), spec)))
    merged = plan_model(spec, build_design(spec, merged_frame(table(), spec)))
    return reduce_plan(rows), rows, reduce_plan(merged)


MODELS = [
    ("y ~ x + (x | g)", {}),
    ("y ~ x * f + (x + f || g)", {}),
    ("y ~ 0 + f + log(e) + (1 | g / s)", {}),
    ("y ~ x + offset(e) + (1 | g) + (1 | h)", {}),
    ("hit ~ x * f + (x | g)", {"family": "bernoulli"}),
    ("hit ~ x + (1 | g) + (1 | h)", {"family": "bernoulli", "link": "cloglog"}),
    ("p(k, n) ~ x + f + (f | g)", {"family": "binomial"}),
    ("count ~ x + offset(log(e)) + (1 | g)", {"family": "poisson"}),
    ("count ~ x + f + (x || g)", {"family": "poisson", "parameterization": "centered"}),
]


@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_priors_centres_and_coordinates_are_those_of_the_rows(formula, options):
    _, rows, merged = both(formula, **options)
    plan = merged.plan
    for own, other in zip(rows.parameters, plan.parameters, strict=True):
        assert (own.name, own.dims) == (other.name, other.dims)
        if not isinstance(own.prior, tuple):
            assert own.prior == other.prior
            continue
        for a, b in zip(own.prior, other.prior, strict=True):
            assert a.distribution == b.distribution
            values = [v for _, v in a.arguments], [v for _, v in b.arguments]
            np.testing.assert_allclose(*values, rtol=CLOSE)
    for name, means in rows.column_means.items():
        for a, b in zip(means, plan.column_means[name], strict=True):
            np.testing.assert_allclose(a, b, rtol=CLOSE)
    for a, b in zip(rows.centring, plan.centring, strict=True):
        assert (a.term, a.form) == (b.term, b.form)
        for field in ("information", "estimate", "weight"):
            np.testing.assert_allclose(getattr(a, field), getattr(b, field), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_cells_are_those_that_rows_merge_to(formula, options):
    of_rows, _, merged = both(formula, **options)
    one, other = of_rows.plan, merged.plan
    assert (of_rows.method, of_rows.n_rows) == (merged.method, merged.n_rows)
    assert of_rows.n_cells == merged.n_cells
    assert of_rows.constant == pytest.approx(merged.constant, rel=CLOSE)
    assert one.within_ss == pytest.approx(other.within_ss, rel=CLOSE)
    np.testing.assert_array_equal(one.design.multiplicity, other.design.multiplicity)
    for field in ("values", "trials", "weights"):
        a, b = (getattr(plan.design.response, field) for plan in (one, other))
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=CLOSE)
    a, b = one.design.main, other.design.main
    np.testing.assert_array_equal(a.common_matrix, b.common_matrix)
    assert (a.offset is None) == (b.offset is None)
    if a.offset is not None:
        np.testing.assert_allclose(a.offset, b.offset, rtol=CLOSE, atol=1e-12)
    for term, same in zip(a.group, b.group, strict=True):
        np.testing.assert_array_equal(term.values, same.values)
        np.testing.assert_array_equal(term.factor.index, same.factor.index)
        np.testing.assert_array_equal(term.factor.counts, same.factor.counts)


@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_what_is_measured_on_the_design_is_that_of_the_rows(formula, options):
    _, rows, merged = both(formula, **options)
    found = merged.plan.design.measurements
    assert len(rows.design.measurements) == len(found)
    for a, b in zip(rows.design.measurements, found, strict=True):
        assert (a.metric, a.scope, a.note) == (b.metric, b.scope, b.note)
        assert a.value == pytest.approx(b.value, rel=1e-7, abs=1e-12, nan_ok=True)
    one, other = rows.design.identification, merged.plan.design.identification
    assert one.graphs == other.graphs
    for a, b in zip(one.terms, other.terms, strict=True):
        for field in fields(a):
            if field.name in ("n_rows", "n_partners", "status", "kind"):
                np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


def test_a_level_of_one_cell_is_not_a_level_of_one_row():
    rows = table().assign(x=lambda d: d["g"].map({f"g{i}": float(i) for i in range(5)}))
    spec = spec_of("y ~ 1 + (1 | g)").spec
    design = build_design(spec, merged_frame(rows, spec))
    assert design.n_obs == 5
    measured = {m.metric: m.value for m in design.measurements}
    assert measured["observation_level_residual"] == measured["single_row_share"] == 0


def test_a_predictor_of_level_means_is_found_among_cells():
    rows = table()
    rows["g"] = [f"g{i % 12}" for i in range(len(rows))]
    rows["m"] = rows.groupby("g")["y"].transform("mean")
    spec = spec_of("y ~ m + (1 | g)").spec
    for frame in (frame_of(rows, spec), merged_frame(rows, spec)):
        (found,) = (
            m for m in build_design(spec, frame).measurements if m.metric == "response_predictor"
        )
        assert (found.value, found.note) == (1.0, "m holds the means of the response by g")


def test_equal_means_are_no_constant_response():
    rows = table().assign(y=lambda d: np.arange(len(d)) % 2)
    rows["g"] = np.repeat(["a", "b"], 1500)
    spec = spec_of("y ~ 1 + (1 | g)").spec
    design = build_design(spec, merged_frame(rows, spec))
    assert len(set(design.response.values)) == 1
    assert {m.metric: m.value for m in design.measurements}["constant_response"] == 0


def test_a_predictor_of_cell_means_is_no_copy_of_the_response():
    rows = table()
    rows["product"] = [f"p{i % 24:02d}" for i in range(len(rows))]
    rows["g"] = [f"g{i % 24 // 4}" for i in range(len(rows))]
    rows["m"] = rows.groupby("product")["y"].transform("mean")
    spec = spec_of("y ~ m + (1 | g)").spec
    for frame in (frame_of(rows, spec), merged_frame(rows, spec)):
        measured = {m.metric: m.value for m in build_design(spec, frame).measurements}
        assert measured["response_predictor"] == 0


@pytest.mark.parametrize(
    ("formula", "options"),
    [("y ~ log(x) + (1 | g)", {}), ("bad ~ f + (1 | g)", {"family": "poisson"})],
)
def test_messages_count_rows_of_the_data(formula, options):
    rows = table().assign(bad=lambda d: d["count"] - 1)
    spec = spec_of(formula, **options).spec
    words = []
    for frame in (frame_of(rows, spec), merged_frame(rows, spec)):
        with pytest.raises(DesignError) as caught:
            build_design(spec, frame)
        words.append(re.findall(r"\d+ rows", caught.value.message))
    assert words[0] == words[1]
    assert int(words[0][0].split()[0]) > 100


def test_one_cell_is_stated_as_two_alike():
    rows = table()
    spec = spec_of("count ~ 1", family="poisson").spec
    reduced = reduce_plan(plan_model(spec, build_design(spec, merged_frame(rows, spec))))
    assert (reduced.n_cells, reduced.n_rows) == (2, 3000)
    assert reduced.plan.design.response.values.sum() == rows["count"].sum()
