"""The key ``arms`` as a part of the spec."""

import json

import pytest

from hiermix.spec import canonical_json, json_schema, load_spec, resolved_yaml

LONG = "{column: treated, control: 0, treatment: 1}"
TEXT = """
name: arms
data: {{path: d.csv}}
model: {{formula: "p(s, n) ~ treated + (treated | g)", family: binomial}}
arms: {arms}
fit: {{seed: 1}}
"""
WIDE = """
name: wide
data: {path: d.csv}
model: {formula: "p(successes, trials) ~ arm + (arm | g)", family: binomial}
arms: {control: {successes: a, trials: n}, treatment: {successes: b, trials: n}, users: total}
fit: {seed: 1}
"""


def loaded(arms):
    return load_spec(TEXT.format(arms=arms), "s.yaml").spec


@pytest.mark.parametrize(
    "arms",
    [
        LONG,
        "{column: treated, control: A, treatment: B}",
        "{column: treated, control: false, treatment: true}",
    ],
)
def test_the_arms_of_rows_are_read_and_written_back(arms):
    spec = loaded(arms)
    assert spec.arms.counts is None
    assert load_spec(resolved_yaml(spec), "s.yaml").spec == spec


def test_the_arms_of_columns_are_read_and_written_back():
    spec = load_spec(WIDE, "s.yaml").spec
    control, treatment = spec.arms.counts
    assert (control.successes, treatment.successes, control.trials) == ("a", "b", "n")
    assert load_spec(resolved_yaml(spec), "s.yaml").spec == spec


def test_a_spec_without_arms_is_hashed_as_before_there_were_any():
    without = loaded("null")
    assert "arms" not in json.loads(canonical_json(without))
    assert canonical_json(loaded(LONG)) != canonical_json(without)
    assert canonical_json(loaded("{column: treated, control: 1, treatment: 0}")) != canonical_json(
        loaded(LONG)
    )


def test_overrides_reach_the_counts():
    spec = load_spec(WIDE, "s.yaml", ["arms.users=per-arm", "arms.control.successes=c"]).spec
    assert (spec.arms.users, spec.arms.counts[0].successes) == ("per-arm", "c")


def test_every_key_has_a_description_in_the_schema():
    definitions = json_schema()["$defs"]
    for name in ("ArmsSpec", "ArmCounts"):
        assert all(p["description"] for p in definitions[name]["properties"].values())


def test_counts_beside_known_errors_need_no_formula_of_arms():
    text = WIDE.replace("p(successes, trials) ~ arm + (arm | g)", "y ~ 1 + (1 | g)")
    spec = load_spec(text.replace("family: binomial", "known_se: se"), "s.yaml").spec
    assert spec.arms.counts is not None
