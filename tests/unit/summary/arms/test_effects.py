"""Effects of two arms against numpy on the same draws."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from question_support import Asked
from scipy.special import expit

from hiermix.design import build_design
from hiermix.errors import InputErrors
from hiermix.model import plan_model
from hiermix.spec import load_spec
from hiermix.summary import draws
from hiermix.summary.arms.effects import arm_effects
from hiermix.summary.arms.sides import check_arms
from hiermix.summary.arms.table import ALL_ROWS, ARMS_COLUMNS, ARMS_TEXTS, SCALES, empty_arms
from hiermix.summary.questions import response

EXACT = {"rtol": 1e-12, "atol": 1e-13}

ARMS = {"column": "treated", "control": 0, "treatment": 1}


def cells(seed=3, n_groups=5):
    """Two to four rows a level and arm, with a predictor that varies, and unequal trials."""
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(n_groups):
        for arm in (0, 1):
            for _ in range(rng.integers(2, 5)):
                trials = int(rng.integers(20, 200))
                rows.append((f"g{group}", "ab"[rng.integers(2)], rng.normal(), arm, trials))
    table = pd.DataFrame(rows, columns=["g", "h", "x", "treated", "trials"])
    rate = expit(-1 + 0.4 * table["treated"] + 0.3 * table["x"])
    table["hits"] = rng.binomial(table["trials"], rate)
    return table


class Armed(Asked):
    """A model with random draws and two arms."""

    def __init__(self, table, formula, arms=None, **options):
        super().__init__(table, formula, **options)
        values = self.loaded.spec.model_dump(mode="json")
        values["arms"] = arms or ARMS
        self.armed = load_spec(json.dumps(values), "spec.yaml").spec

    def effects(self):
        check_arms(self.armed, self.frame, self.design, self.plan)
        return arm_effects(self.armed, self.frame, self.design, self.plan, self.fit)


FORMULA = "p(hits, trials) ~ treated + x + treated:x + (treated | g) + (1 | h)"


@pytest.fixture(scope="module")
def armed():
    return Armed(cells(), FORMULA, family="binomial")


def brute(armed, arm):
    """Return expected rates ``(n_draws, n_obs)`` with every row in one arm."""
    d, t = armed.draws, armed.table
    g = t["g"].astype("category").cat.codes.to_numpy()
    h = t["h"].astype("category").cat.codes.to_numpy()
    x = t["x"].to_numpy()
    eta = d["Intercept"][:, None] + d["treated"][:, None] * arm + d["x"][:, None] * x
    eta = eta + d["treated:x"][:, None] * arm * x + d["1|g"][:, g] + d["1|h"][:, h]
    return expit(eta + d["treated|g"][:, g] * arm)


def by_scale(p0, p1):
    return {
        "difference": p1 - p0,
        "ratio": p1 / p0,
        "log_odds": np.log(p1 / (1 - p1)) - np.log(p0 / (1 - p0)),
    }


def weighted(values, weights, rows):
    return (values[:, rows] * weights[rows]).sum(axis=1) / weights[rows].sum()


def test_rows_are_the_whole_and_the_levels_of_the_factor_of_the_effect(armed):
    table = armed.effects()
    assert tuple(table.columns) == ARMS_COLUMNS
    assert table["group"].tolist() == [""] * 3 + ["g"] * 15
    levels = [ALL_ROWS, *(f"g{i}" for i in range(5))]
    assert table["level"].tolist() == list(np.repeat(levels, 3))
    assert table["scale"].tolist() == list(SCALES) * 6
    assert (table["draws"] == 200).all()


def test_effects_are_those_of_averaged_rates_draw_by_draw(armed):
    table = armed.effects().set_index(["level", "scale"])
    weights = armed.table["trials"].to_numpy(dtype=float)
    p0, p1 = brute(armed, 0), brute(armed, 1)
    for level in [ALL_ROWS, *(f"g{i}" for i in range(5))]:
        rows = (armed.table["g"] == level).to_numpy() | (level == ALL_ROWS)
        effects = by_scale(weighted(p0, weights, rows), weighted(p1, weights, rows))
        for scale, values in effects.items():
            row = table.loc[(level, scale)]
            none = 1.0 if scale == "ratio" else 0.0
            expected = {
                "mean": values.mean(),
                "sd": values.std(ddof=1),
                "median": np.median(values),
                "lower": np.quantile(values, 0.05),
                "upper": np.quantile(values, 0.95),
                "prob_above": (values > none).mean(),
            }
            for name, value in expected.items():
                np.testing.assert_allclose(row[name], value, **EXACT, err_msg=f"{level} {name}")
            assert 0 < row["mcse_mean"] < row["sd"]


def test_counts_and_raw_effects_are_sums_over_the_rows_of_a_level(armed):
    table = armed.effects().set_index(["level", "scale"])
    own = armed.table[armed.table["g"] == "g2"].groupby("treated")[["hits", "trials"]].sum()
    (s0, n0), (s1, n1) = own.to_numpy()
    row = table.loc[("g2", "difference")]
    assert (row["trials_control"], row["trials_treatment"]) == (n0, n1)
    assert (row["rate_control"], row["rate_treatment"]) == (s0 / n0, s1 / n1)
    raw = table.loc["g2"]["raw_estimate"]
    np.testing.assert_allclose(raw["difference"], s1 / n1 - s0 / n0)
    np.testing.assert_allclose(raw["ratio"], (s1 / n1) / (s0 / n0))
    np.testing.assert_allclose(raw["log_odds"], np.log(s1 * (n0 - s0) / (s0 * (n1 - s1))))


def test_work_in_pieces_changes_nothing(armed, monkeypatch):
    whole = armed.effects()
    monkeypatch.setattr(draws, "CHUNK_BYTES", 1)
    monkeypatch.setattr(response, "CHUNK_CELLS", 50)
    pd.testing.assert_frame_equal(armed.effects(), whole, rtol=1e-12)


def test_too_many_evaluations_use_fewer_draws_and_say_so(armed, monkeypatch):
    monkeypatch.setattr(response, "MAX_CELLS", 1)
    monkeypatch.setattr(response, "MIN_DRAWS", 10)
    assert (armed.effects()["draws"] == 40).all()


def test_without_an_effect_by_level_every_factor_is_listed():
    table = Armed(cells(), "p(hits, trials) ~ treated + (1 | g) + (1 | h)", family="binomial")
    assert list(dict.fromkeys(table.effects()["group"])) == ["", "g", "h"]


def test_a_model_without_levels_has_the_effect_over_all_rows():
    table = Armed(cells(), "p(hits, trials) ~ treated", family="binomial").effects()
    assert table["level"].tolist() == [ALL_ROWS] * 3


def test_single_users_have_the_effects_of_their_counts():
    table = cells(n_groups=3)
    single = table.loc[np.repeat(table.index, table["trials"])].reset_index(drop=True)
    place = single.groupby(["g", "h", "x", "treated"], sort=False).cumcount()
    single["hit"] = (place < single["hits"]).astype(int)
    formula = "treated + (treated | g)"
    grouped = Armed(table, f"p(hits, trials) ~ {formula}", family="binomial")
    rows = Armed(single, f"hit ~ {formula}", family="bernoulli")
    for name in grouped.draws:
        np.testing.assert_array_equal(grouped.draws[name], rows.draws[name])
    pd.testing.assert_frame_equal(rows.effects(), grouped.effects(), rtol=1e-12)


@pytest.mark.parametrize(
    ("arms", "labels"),
    [
        ({"column": "treated", "control": "A", "treatment": "B"}, {0: "A", 1: "B"}),
        ({"column": "treated", "control": 7, "treatment": 9}, {0: "7", 1: "9"}),
    ],
)
def test_a_factor_of_two_labels_is_two_arms(arms, labels):
    table = cells()
    table["treated"] = table["treated"].map(labels)
    factor = Armed(table, "p(hits, trials) ~ treated + (1 | g)", arms, family="binomial")
    row = factor.effects().set_index(["level", "scale"]).loc[("g1", "log_odds")]
    effect = factor.draws[next(n for n in factor.draws if n.startswith("treated"))]
    np.testing.assert_allclose(row["mean"], effect.mean(), **EXACT)


def test_arms_the_other_way_round_turn_the_effect_round(armed):
    turned = Armed(cells(), FORMULA, {**ARMS, "control": 1, "treatment": 0}, family="binomial")
    one, two = armed.effects(), turned.effects()
    plain = one["scale"] != "ratio"
    np.testing.assert_allclose(one["mean"][plain], -two["mean"][plain], **EXACT)
    assert one["trials_control"].tolist() == two["trials_treatment"].tolist()


def test_true_and_false_are_two_arms(armed):
    table = cells().assign(treated=lambda t: t["treated"] == 1)
    arms = {"column": "treated", "control": False, "treatment": True}
    found = Armed(table, FORMULA, arms, family="binomial").effects()
    pd.testing.assert_frame_equal(found, armed.effects())


def test_a_level_of_one_arm_has_an_effect_and_no_raw_one():
    table = cells()
    table = table[(table["g"] != "g0") | (table["treated"] == 0)].reset_index(drop=True)
    found = Armed(table, "p(hits, trials) ~ treated + (treated | g)", family="binomial").effects()
    row = found.set_index(["level", "scale"]).loc[("g0", "ratio")]
    assert np.isfinite(row["mean"])
    assert row["trials_treatment"] == 0
    assert np.isnan([row["rate_treatment"], row["raw_estimate"], row["raw_se"]]).all()


def test_rates_that_a_link_does_not_keep_within_bounds_are_left_empty():
    table = Armed(
        cells(), "p(hits, trials) ~ treated + (treated | g)", family="binomial", link="identity"
    )
    table.draws["Intercept"][:] = -0.3
    rebuilt = table._tree(4)
    object.__setattr__(table.fit, "tree", rebuilt)
    found = table.effects()
    assert found["mean"].isna().all()
    assert found["prob_above"].isna().all()
    assert found["raw_estimate"].notna().all()


def test_a_rate_of_zero_leaves_the_ratio_empty_and_not_infinite():
    table = Armed(cells(), "p(hits, trials) ~ treated", family="binomial")
    table.draws["Intercept"][0] = -800.0
    object.__setattr__(table.fit, "tree", table._tree(4))
    found = table.effects().set_index("scale")
    assert np.isfinite(found.loc["difference", "mean"])
    assert found.loc[["ratio", "log_odds"], ["mean", "sd", "prob_above"]].isna().all(axis=None)


def test_group_means_stay_where_they_are():
    cre = [{"group": "g", "terms": ["x"]}]
    model = Armed(cells(), "p(hits, trials) ~ treated + x + (1 | g)", family="binomial", cre=cre)
    d, t = model.draws, model.table
    g = t["g"].astype("category").cat.codes.to_numpy()
    x, weights = t["x"].to_numpy(), t["trials"].to_numpy(dtype=float)
    mean = model.design.main.common_matrix[:, model.design.main.common_columns.index("cre_mean_x")]
    eta = d["Intercept"][:, None] + d["x"][:, None] * x + d["cre_mean_x"][:, None] * mean
    eta = eta + d["1|g"][:, g]
    p0, p1 = (expit(eta + d["treated"][:, None] * arm) for arm in (0, 1))
    everything = np.ones(len(t), dtype=bool)
    values = weighted(p1, weights, everything) - weighted(p0, weights, everything)
    np.testing.assert_allclose(model.effects()["mean"][0], values.mean(), **EXACT)


def test_an_arm_split_into_mean_and_deviation_is_refused():
    cre = [{"group": "g", "terms": ["treated"], "form": "within-between"}]
    model = Armed(cells(), "p(hits, trials) ~ treated + (1 | g)", family="binomial", cre=cre)
    with pytest.raises(InputErrors) as caught:
        model.effects()
    assert [e.id for e in caught.value.flatten()] == ["arms.within-between"]


def test_a_run_without_arms_has_an_empty_table_of_the_same_columns():
    model = Asked(cells(), "p(hits, trials) ~ treated", family="binomial")
    found = arm_effects(model.loaded.spec, model.frame, model.design, model.plan, model.fit)
    pd.testing.assert_frame_equal(found, empty_arms())
    assert tuple(found.columns) == ARMS_COLUMNS
    assert set(ARMS_TEXTS) <= set(ARMS_COLUMNS)


def test_rows_that_were_merged_while_they_were_read_count_as_often_as_they_occur():
    table = cells(n_groups=3)
    single = table.loc[np.repeat(table.index, table["trials"])].reset_index(drop=True)
    single["hit"] = (single.index % 3 == 0).astype(int)
    rows = Armed(single, "hit ~ treated + (treated | g)", family="bernoulli")
    columns = list(rows.frame.table.columns)
    equal = rows.frame.table.groupby(columns, sort=False, observed=True).ngroup().to_numpy()
    _, first, counts = np.unique(equal, return_index=True, return_counts=True)
    frame = replace(
        rows.frame,
        table=rows.frame.table.iloc[first].reset_index(drop=True),
        row_numbers=rows.frame.row_numbers[first],
        multiplicity=counts,
    )
    assert len(frame.table) == 12
    design = build_design(rows.armed, frame)
    found = arm_effects(rows.armed, frame, design, plan_model(rows.armed, design), rows.fit)
    pd.testing.assert_frame_equal(found, rows.effects(), rtol=1e-12)
