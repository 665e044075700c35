"""Deviation and coefficient of each level."""

import numpy as np
import pandas as pd
import pytest

from hiermix.design.types import CommonTerm, GroupTerm, LinearPart
from hiermix.errors import HiermixError
from hiermix.model.plan import ModelPlan, Parameter
from hiermix.summary.group_effects import COLUMNS, group_effects
from tests.unit.summary import small

X = np.arange(6.0)
FACTOR = small.factor("g", ("a", "b", "c"), [0, 0, 1, 1, 1, 2])
PROBABILITY = 0.8


def model(common: tuple[CommonTerm, ...], *groups: GroupTerm, intercept: bool = True) -> ModelPlan:
    parameters = [Parameter("Intercept", "common")] if intercept else []
    for term in common:
        dims = () if term.labels is None else ((f"{term.name}_dim", term.labels),)
        parameters.append(Parameter(term.name, "common", dims))
    for group in groups:
        parameters += small.group_parameters(group)
    return small.plan(small.design(X, common, groups, intercept=intercept), tuple(parameters))


def table_of(plan: ModelPlan, draws: dict[str, np.ndarray]) -> pd.DataFrame:
    fit = small.fit(plan, draws)
    return group_effects(fit, plan, small.scalars(plan), PROBABILITY, "eti")


def test_a_coefficient_is_common_effect_plus_deviation_draw_by_draw() -> None:
    plan = model(
        (small.common("x", X),), small.intercept_of(FACTOR), small.slope_of(FACTOR, "x", X)
    )
    draws = small.normal(np.random.default_rng(2), plan)
    table = table_of(plan, draws)
    assert tuple(table.columns) == COLUMNS
    assert table["level"].tolist() == ["a", "b", "c"] * 2
    assert table["term"].tolist() == ["Intercept"] * 3 + ["x"] * 3
    assert table["n_rows"].tolist() == [2, 3, 1] * 2
    both = draws["x"][:, None] + draws["x|g"]
    rows = table[table["term"] == "x"]
    np.testing.assert_allclose(rows["deviation_mean"], draws["x|g"].mean(axis=0))
    np.testing.assert_allclose(rows["deviation_sd"], draws["x|g"].std(axis=0, ddof=1))
    np.testing.assert_allclose(rows["coefficient_mean"], both.mean(axis=0))
    np.testing.assert_allclose(rows["coefficient_sd"], both.std(axis=0, ddof=1))
    np.testing.assert_allclose(rows["lower"], np.quantile(both, 0.1, axis=0))
    np.testing.assert_allclose(rows["upper"], np.quantile(both, 0.9, axis=0))
    assert rows["ess_bulk"].tolist() == [100.0, 101.0, 102.0]
    assert rows["rhat"].tolist() == [1.0, 1.01, 1.02]


def test_what_this_fit_does_not_have_is_empty() -> None:
    table = table_of(
        plan := model((), small.intercept_of(FACTOR)),
        small.normal(np.random.default_rng(3), plan),
    )
    assert table[["raw_estimate", "raw_se", "pooling"]].isna().all(axis=None)
    assert table["identified"].isna().all()
    assert table["identified"].dtype == "boolean"


@pytest.mark.parametrize("term", ["1", "x"])
def test_without_a_common_effect_the_coefficient_is_the_deviation(term: str) -> None:
    group = small.intercept_of(FACTOR) if term == "1" else small.slope_of(FACTOR, "x", X)
    plan = model((), group, intercept=False)
    table = table_of(plan, small.normal(np.random.default_rng(4), plan))
    assert table["coefficient_mean"].tolist() == table["deviation_mean"].tolist()


def test_nested_factors_each_add_their_own_deviation_only() -> None:
    inner = small.factor("a:b", ("u:1", "u:2", "v:1"), [0, 0, 1, 1, 2, 2])
    outer = small.factor("a", ("u", "v"), [0, 0, 0, 0, 1, 1])
    plan = model((), small.intercept_of(outer), small.intercept_of(inner))
    draws = small.normal(np.random.default_rng(5), plan)
    table = table_of(plan, draws).set_index(["group", "level"])
    for group, level, place in (("a", "v", 1), ("a:b", "u:2", 1)):
        expected = (draws["Intercept"] + draws[f"1|{group}"][:, place]).mean()
        assert table.loc[(group, level), "coefficient_mean"] == pytest.approx(expected)


@pytest.mark.parametrize("axes", ["levels first", "labels first"])
def test_categorical_slopes_are_matched_by_label(axes: str) -> None:
    columns = ("f[p]", "f[q]")
    values = np.eye(2)[[0, 1, 0, 1, 0, 1]]
    labels = ("p", "q")
    group = GroupTerm("f|g", "f", FACTOR, columns, values, labels)
    plan = model((CommonTerm("f", columns, values, labels, True),), group)
    if axes == "labels first":
        flipped = Parameter("f|g", "group_specific", plan.parameter("f|g").dims[::-1])
        kept = tuple(flipped if p.name == "f|g" else p for p in plan.parameters)
        plan = small.plan(plan.design, kept)
    draws = small.normal(np.random.default_rng(6), plan)
    table = table_of(plan, draws)
    deviations = draws["f|g"] if axes == "levels first" else draws["f|g"].swapaxes(1, 2)
    expected = (deviations + draws["f"][:, None, :]).mean(axis=0)
    assert table["term"].tolist() == ["f[p]"] * 3 + ["f[q]"] * 3
    np.testing.assert_allclose(table["coefficient_mean"], expected.T.ravel())


def test_a_slope_for_every_category_deviates_from_the_cell_of_its_category() -> None:
    both = np.eye(2)[[0, 1, 0, 1, 0, 1]]
    group = GroupTerm("f|g", "f", FACTOR, ("f[p]", "f[q]"), both, ("p", "q"))
    plan = model((CommonTerm("f", ("f[q]",), both[:, 1:], ("q",), True),), group)
    draws = small.normal(np.random.default_rng(7), plan)
    table = table_of(plan, draws).set_index(["term", "level"])
    p = (draws["Intercept"] + draws["f|g"][:, 2, 0]).mean()
    q = (draws["Intercept"] + draws["f"][:, 0] + draws["f|g"][:, 2, 1]).mean()
    assert table.loc[("f[p]", "c"), "coefficient_mean"] == pytest.approx(p)
    assert table.loc[("f[q]", "c"), "coefficient_mean"] == pytest.approx(q)


def test_effects_on_each_category_of_the_response_are_told_apart() -> None:
    group = small.intercept_of(FACTOR)
    response = (("y_dim", ("no", "yes")),)
    sd, effect = small.group_parameters(group)
    plan = small.plan(
        small.design(X, (), (group,)),
        (
            Parameter("Intercept", "common", response),
            Parameter(sd.name, "group_sd", response),
            Parameter(effect.name, "group_specific", effect.dims + response),
        ),
        "categorical",
        {"p": "softmax"},
    )
    draws = small.normal(np.random.default_rng(14), plan)
    table = table_of(plan, draws).set_index(["term", "level"])
    expected = (draws["Intercept"][:, 1] + draws["1|g"][:, 2, 1]).mean()
    assert table.loc[("Intercept[yes]", "c"), "coefficient_mean"] == pytest.approx(expected)


def test_terms_of_another_parameter_of_the_family_carry_its_name() -> None:
    group = small.intercept_of(FACTOR)
    sigma = LinearPart("sigma", True, (), (group,))
    plan = small.plan(
        small.design(X, components={"sigma": sigma}),
        (
            Parameter("Intercept", "common"),
            Parameter("sigma_Intercept", "common", component="sigma"),
            *small.group_parameters(group, "sigma_"),
        ),
    )
    draws = small.normal(np.random.default_rng(8), plan)
    table = table_of(plan, draws)
    assert table["term"].tolist() == ["sigma_Intercept"] * 3
    expected = draws["sigma_Intercept"].mean() + draws["sigma_1|g"].mean(axis=0)
    np.testing.assert_allclose(table["coefficient_mean"], expected)


def test_working_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = model((), small.intercept_of(FACTOR))
    draws = small.normal(np.random.default_rng(9), plan)
    whole = table_of(plan, draws)
    monkeypatch.setattr("hiermix.summary.draws.CHUNK_BYTES", 8 * 100 * 2)
    pd.testing.assert_frame_equal(table_of(plan, draws), whole)


def test_a_level_with_a_damaged_draw_is_missing_and_the_others_are_not() -> None:
    plan = model((), small.intercept_of(FACTOR))
    draws = small.normal(np.random.default_rng(10), plan)
    draws["1|g"][3, 1] = np.inf
    table = table_of(plan, draws).set_index("level")
    assert table.loc["b", ["lower", "upper", "deviation_sd"]].isna().all()
    assert table.loc[["a", "c"], ["lower", "upper", "deviation_sd"]].notna().all(axis=None)


def test_a_model_without_group_terms_has_an_empty_table() -> None:
    plan = model(())
    table = table_of(plan, small.normal(np.random.default_rng(11), plan))
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0


def test_scalars_that_do_not_match_the_parameter_are_refused() -> None:
    plan = model((), small.intercept_of(FACTOR))
    fit = small.fit(plan, small.normal(np.random.default_rng(12), plan))
    with pytest.raises(HiermixError, match="2 diagnosed scalars"):
        group_effects(fit, plan, small.scalars(plan).iloc[:-1], PROBABILITY, "eti")
