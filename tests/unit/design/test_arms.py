"""Rows of both arms, made one row an arm, and known errors held against their counts."""

import json

import numpy as np
import pandas as pd
import pytest
from model_support import frame_of

from hiermix.design import build_design, column_places, merging_of, unfold_arms, wanted_columns
from hiermix.errors import InputErrors
from hiermix.spec import load_spec

COUNTRIES = ["US", "UK", "DE", "BR", "JP", "AU"]
USERS = [50000, 20000, 8000, 2000, 500, 200]
CONTROL = [6000, 2400, 960, 240, 55, 22]
TREATMENT = [6400, 2560, 1040, 280, 75, 30]


def table(**changes):
    columns = {"country": COUNTRIES, "users": USERS, "a": CONTROL, "b": TREATMENT}
    return pd.DataFrame({**columns, **changes})


def spec_of(users="per-arm", formula="p(successes, trials) ~ arm + (arm | country)", **model):
    arms = {
        "control": {"successes": "a", "trials": "users"},
        "treatment": {"successes": "b", "trials": "users"},
        "users": users,
    }
    document = {
        "data": {"path": "d.csv"},
        "model": {"formula": formula, "family": "binomial", **model},
        "arms": arms,
        "fit": {"seed": 1},
    }
    return load_spec(json.dumps(document), "s.yaml").spec


def unfolded(data, spec):
    return unfold_arms(spec, frame_of(data, spec))


def test_the_counts_are_read_and_not_the_columns_that_are_made():
    assert wanted_columns(spec_of()) == {
        "country": "category", "a": "numeric", "users": "numeric", "b": "numeric",
    }  # fmt: skip
    places = column_places(spec_of())
    assert set(places) == set(wanted_columns(spec_of()))
    assert places["b"].key == "arms.treatment.successes"


def test_a_row_becomes_one_row_an_arm_that_keeps_its_number():
    frame = unfolded(table(), spec_of())
    assert frame.table["arm"].tolist() == [0, 1] * 6
    assert frame.table["successes"].tolist() == np.stack([CONTROL, TREATMENT], 1).ravel().tolist()
    assert frame.table["trials"].tolist() == np.repeat(USERS, 2).tolist()
    assert frame.table["country"].tolist() == np.repeat(COUNTRIES, 2).tolist()
    assert frame.row_numbers.tolist() == np.repeat(np.arange(1, 7), 2).tolist()
    assert (frame.n_read, frame.n_rows) == (6, 12)
    assert frame.warnings == ("6 rows of the data are 12 rows of the model: one an arm",)


def test_of_a_total_each_arm_has_half():
    frame = unfolded(table(), spec_of("total"))
    assert frame.table["trials"].tolist() == np.repeat(USERS, 2).__floordiv__(2).tolist()


def test_a_count_that_is_a_predictor_too_stays():
    spec = spec_of(formula="p(successes, trials) ~ arm + log(users) + (1 | country)")
    frame = unfolded(table(), spec)
    assert frame.table["users"].tolist() == np.repeat(USERS, 2).tolist()
    assert "log(users)" in build_design(spec, frame).main.common_columns


def test_a_count_that_is_a_predictor_of_a_component_stays():
    spec = spec_of(family="beta_binomial", components={"kappa": "~ log(users)"})
    frame = unfolded(table(), spec)
    assert "log(users)" in build_design(spec, frame).components["kappa"].common_columns


def test_what_was_fitted_decides_the_hash():
    spec = spec_of()
    first = unfolded(table(), spec).sha256
    assert first == unfolded(table(), spec).sha256
    assert first != unfolded(table(), spec_of("total")).sha256
    assert first != unfolded(table(a=[5999, *CONTROL[1:]]), spec).sha256


def test_rows_of_two_arms_are_not_merged_while_they_are_read():
    assert merging_of(spec_of()) is None


@pytest.mark.parametrize(
    ("changes", "users", "words"),
    [
        ({"a": [6000, 2400.5, 960, 240, 55, 22]}, "per-arm", "a: control arm: 2400.5 at row 2"),
        ({"b": [6400, 2560, -1, 280, 75, 30]}, "per-arm", "b: treatment arm: -1 at row 3"),
        ({"b": [6400, 2560, 8001, 280, 75, 30]}, "per-arm",
         "b: treatment arm: more successes than trials: 8001 of 8000 trials at row 3"),
        ({"b": [6400, 2560, 1040, 280, 75, 101]}, "total",
         "b: treatment arm: more successes than trials: 101 of 100 trials at row 6"),
        ({"users": [50000, 20000, 8000, 2000, 501, 200]}, "total",
         "users: control arm: 501 at row 5; an odd total has no half for each arm"),
        ({"users": [50000, 20000, 8000, 0, 500, 200]}, "per-arm",
         "users: control arm: 0 at row 4; trials > 0 needed"),
        ({"a": [0.5, 0.5, 0.5, 0.5, 55, 22]}, "per-arm",
         "a: control arm: 0.5 at row 1, 0.5 at row 2, 0.5 at row 3 (4 in all)"),
    ],
)  # fmt: skip
def test_what_is_no_count_is_refused_with_arm_column_and_rows(changes, users, words):
    with pytest.raises(InputErrors) as caught:
        unfolded(table(**changes), spec_of(users))
    messages = [error.message for error in caught.value.flatten()]
    assert len(messages) == 1
    assert words in messages[0]


def test_all_that_is_wrong_with_counts_is_said_at_once():
    bad = table(a=[-1, *CONTROL[1:]], b=[0.5, *TREATMENT[1:]])
    with pytest.raises(InputErrors) as caught:
        unfolded(bad, spec_of())
    keys = [error.where.key for error in caught.value.flatten()]
    assert keys == ["arms.control.successes", "arms.treatment.successes"]


def test_data_with_a_column_of_a_name_that_is_made_are_refused():
    with pytest.raises(InputErrors) as caught:
        unfolded(table(arm=1, trials=2), spec_of())
    assert [e.id for e in caught.value.flatten()] == ["data.arms-column"] * 2


# ---------------------------------------------------------------- known standard errors


def checked(times, *, users="per-arm", response=None):
    p0, p1 = np.divide(CONTROL, USERS), np.divide(TREATMENT, USERS)
    own = np.sqrt((p0 * (1 - p0) + p1 * (1 - p1)) / USERS)
    y = p1 - p0 if response is None else response
    spec = spec_of(users, "y ~ 1 + (1 | country)", family="gaussian", known_se="se")
    frame = frame_of(table(y=y, se=own * times), spec)
    assert unfold_arms(spec, frame) is frame
    design = build_design(spec, frame)
    assert design.n_obs == 6
    return [m for m in design.measurements if m.metric == "arms_se_factor"], design.warnings


def test_errors_that_are_the_counts_own_have_factor_one():
    (found,), _ = checked(1.0)
    assert found.value == pytest.approx(1.0, rel=1e-12)
    assert "difference of rates (the median of 6 rows)" in found.note


@pytest.mark.parametrize("times", [1.35, 2**0.5, 1.5])
def test_users_taken_for_the_total_are_named(times):
    (found,), _ = checked(times)
    assert found.value == pytest.approx(times, rel=1e-12)
    assert "the users of each arm taken for the total of both" in found.note
    assert "half its users" in found.note


@pytest.mark.parametrize("times", [1 / 1.35, 0.5**0.5, 1 / 1.5])
def test_a_total_taken_for_the_users_of_each_arm_is_named(times):
    (found,), _ = checked(times)
    assert found.value == pytest.approx(1 / times, rel=1e-12)
    assert "the total of both arms taken for the users of each" in found.note
    assert "twice its users" in found.note


def test_a_spec_that_halves_users_of_each_arm_is_told_by_the_response():
    found, warnings = checked(1.0, users="total")
    assert found == []
    assert any("with twice the users in each arm: are the users of each arm taken" in text
               for text in warnings)  # fmt: skip


def test_a_spec_that_does_not_halve_a_total_is_told_by_the_response():
    rates = np.divide(CONTROL, USERS) * 2, np.divide(TREATMENT, USERS) * 2
    found, warnings = checked(1.0, response=rates[1] - rates[0])
    assert found == []
    assert any("with half the users in each arm: is the total" in text for text in warnings)


@pytest.mark.parametrize("times", [1.2, 1.7, 3.0, 0.5])
def test_other_factors_are_given_without_a_guess(times):
    (found,), _ = checked(times)
    assert found.value == pytest.approx(max(times, 1 / times), rel=1e-12)
    assert "taken for" not in found.note


def test_a_response_that_is_none_of_the_effects_is_said_and_not_compared():
    found, warnings = checked(1.0, response=np.linspace(3, 4, 6))
    assert found == []
    assert any("the response is not the counts' own difference" in text for text in warnings)
