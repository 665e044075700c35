import math

import pytest

from hiermix.gates import Gate, catalogue
from hiermix.gates.catalogue import COMPARE, PHASES, Limits, Range, load_catalogue

ROLES = ("common", "group_sd", "correlation", "residual", "auxiliary", "group_specific")

every_gate = pytest.mark.parametrize("gate", catalogue(), ids=lambda gate: gate.id)


def by_id(name: str) -> Gate:
    return next(gate for gate in catalogue() if gate.id == name)


def looser_or_equal(gate: Gate, one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is None
    return one >= other if gate.worst == "max" else one <= other


def test_ids_are_unique_and_gates_come_in_the_order_of_their_phases() -> None:
    ids = [gate.id for gate in catalogue()]
    phases = [PHASES.index(gate.phase) for gate in catalogue()]
    assert len(set(ids)) == len(ids)
    assert phases == sorted(phases)


def test_there_are_three_policies_each_with_a_sentence() -> None:
    policies = load_catalogue().policies
    assert tuple(policies) == ("explore", "publish", "strict")
    assert all(text.endswith(".") for text in policies.values())


@every_gate
def test_a_gate_has_limits_for_every_policy_and_says_why_and_what_to_do(gate: Gate) -> None:
    assert set(gate.limits) == set(load_catalogue().policies)
    assert gate.title and gate.source and gate.why.endswith(".") and gate.remedy.endswith(".")
    assert all(limits != Limits() for limits in gate.limits.values())


@pytest.mark.parametrize("gate", [g for g in catalogue() if g.phase == "sampler" and not g.lacks])
def test_a_remedy_names_the_engine_of_a_setting_that_not_all_engines_have(gate: Gate) -> None:
    parts = gate.remedy.split(";")
    own = [part for part in parts if "parameteri" in part or "target_accept" in part]
    assert all(part.strip().startswith("with engine nuts,") for part in own)
    assert len(own) < len(parts)


@every_gate
def test_the_worst_measurement_is_the_one_that_the_comparison_rejects_first(gate: Gate) -> None:
    assert gate.pass_when in COMPARE
    assert gate.worst == ("min" if gate.pass_when == ">=" else "max")


@every_gate
def test_limits_are_numbers_within_the_range_that_a_user_may_set(gate: Gate) -> None:
    for limits in gate.limits.values():
        for limit in (limits.warn, limits.fail):
            assert limit is None or (isinstance(limit, int | float) and math.isfinite(limit))
        if gate.limit_range is not None and limits.fail is not None:
            assert limits.fail in gate.limit_range


@every_gate
def test_policies_get_tighter_from_explore_to_publish_to_strict(gate: Gate) -> None:
    explore, publish, strict = (gate.limits[p] for p in ("explore", "publish", "strict"))
    assert looser_or_equal(gate, explore.fail, publish.fail)
    assert looser_or_equal(gate, publish.fail, strict.fail)


@every_gate
def test_a_gate_that_is_advisory_has_no_limit_that_fails_and_none_to_set(gate: Gate) -> None:
    if gate.advisory:
        assert all(limits.fail is None for limits in gate.limits.values())
        assert gate.limit_range is None
        assert not gate.waivable


def test_only_posterior_predictive_checks_are_advisory() -> None:
    advisory = [gate.id for gate in catalogue() if gate.advisory]
    assert advisory == ["predictive", "predictive_levels"]
    assert advisory == [gate.id for gate in catalogue() if gate.phase == "posterior"]


@pytest.mark.parametrize("gate", [g for g in catalogue() if not g.advisory], ids=lambda g: g.id)
def test_strict_fails_what_publish_warns_of(gate: Gate) -> None:
    # Single rows are a fact of the data (meta-analysis has nothing else): never a failure.
    if gate.id == "rows_per_level":
        assert all(limits.fail is None for limits in gate.limits.values())
        return
    warned = gate.limits["publish"].warn
    assert gate.limits["strict"].warn is None
    if warned is not None:
        assert gate.limits["strict"].fail == warned


@pytest.mark.parametrize(
    ("gate", "pass_when", "fail"),
    [
        ("rhat", "<=", 1.01),
        ("ess_bulk", ">=", 100),
        ("ess_tail", ">=", 100),
        ("divergences", "<=", 0),
        ("ebfmi", ">=", 0.3),
        ("treedepth", "<=", 0.01),
        ("mcse", "<=", 0.1),
    ],
)
def test_publish_has_the_published_limits(gate: str, pass_when: str, fail: float) -> None:
    assert by_id(gate).pass_when == pass_when
    assert by_id(gate).limits["publish"].fail == fail


@pytest.mark.parametrize("gate", ["rhat", "ess_bulk", "ess_tail", "mcse"])
def test_convergence_is_judged_for_each_role_apart(gate: str) -> None:
    assert by_id(gate).scopes == ROLES
    assert f"{gate}[group_sd]" in by_id(gate).names


def test_integrity_can_neither_be_waived_nor_changed() -> None:
    gate = by_id("integrity")
    assert not gate.waivable
    assert gate.limit_range is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@every_gate
def test_no_gate_accepts_a_number_that_is_not_finite(gate: Gate, value: float) -> None:
    assert not gate.accepts(value, 1e300)
    assert not gate.accepts(value, -1e300)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("(1, 1.1]", [1.01, 1.1], [1, 1.11, math.nan]),
        ("[0, 1)", [0, 0.999], [-0.1, 1, math.nan]),
        ("[10, 1e14]", [10, 1e14], [9, 1e15, math.inf]),
    ],
)
def test_a_range_knows_its_ends(text: str, inside: list[float], outside: list[float]) -> None:
    interval = Range.parse(text)
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)
    assert str(interval) == text


@pytest.mark.parametrize("text", ["1, 2", "[1,2]", "[1, 2", "", "[a, 2]"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Range.parse(text)
