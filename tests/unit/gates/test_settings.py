import math

import pytest

from hiermix.errors import InputErrors, SpecError
from hiermix.gates import check_gate_settings, check_policy


def refused(limits: dict[str, object] | None = None, waive: dict[str, object] | None = None):
    with pytest.raises(SpecError) as caught:
        check_gate_settings(limits or {}, waive or {})  # type: ignore[arg-type]
    return caught.value


def test_known_names_and_limits_in_range_are_accepted() -> None:
    check_gate_settings(
        {"rhat": 1.02, "rhat[common]": 1.01, "divergences": 3}, {"ess_tail": "only means are read"}
    )


def test_an_unknown_policy_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SpecError) as caught:
        check_policy("Publsh")
    assert caught.value.id == "gates.unknown-policy"
    assert caught.value.where.key == "gates.policy"
    assert "did you mean 'publish'" in caught.value.message


@pytest.mark.parametrize(
    ("name", "meant"), [("rhta", "rhat"), ("ess_bluk", "ess_bulk"), ("rhat[comon]", "rhat[common]")]
)
def test_an_unknown_gate_is_refused_with_the_nearest_name(name: str, meant: str) -> None:
    for error, section in (
        (refused(limits={name: 1.02}), "limits"),
        (refused(waive={name: "because"}), "waive"),
    ):
        assert error.id == "gates.unknown-gate"
        assert error.where.key == f"gates.{section}.{name}"
        assert f"did you mean '{meant}'" in error.message


@pytest.mark.parametrize(
    ("name", "value", "interval"),
    [
        ("rhat", 1.2, "(1, 1.1]"),
        ("rhat", 1, "(1, 1.1]"),
        ("rhat[residual]", math.nan, "(1, 1.1]"),
        ("ebfmi", math.inf, "[0.1, 1]"),
        ("ess_bulk", 0, "[10, 100000]"),
        ("mcse", True, "[0.001, 0.5]"),
        ("treedepth", "0.01", "[0, 0.5]"),
    ],
)
def test_a_limit_outside_the_range_is_refused(name: str, value: object, interval: str) -> None:
    error = refused(limits={name: value})
    assert error.id == "gates.limit-range"
    assert error.where.key == f"gates.limits.{name}"
    assert error.message.startswith(f"gates.limits.{name} must be in {interval}")


@pytest.mark.parametrize("name", ["integrity", "rank", "constant_response"])
def test_a_fixed_limit_cannot_be_set(name: str) -> None:
    assert refused(limits={name: 1}).id == "gates.fixed-limit"


def test_integrity_cannot_be_waived() -> None:
    error = refused(waive={"integrity": "I am in a hurry"})
    assert error.id == "gates.not-waivable"
    assert error.where.key == "gates.waive.integrity"


@pytest.mark.parametrize("reason", ["", "  ", None, 3])
def test_a_waiver_needs_a_reason(reason: object) -> None:
    assert refused(waive={"rhat": reason}).id == "gates.no-reason"


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(InputErrors) as caught:
        check_gate_settings({"rhta": 1, "rhat": 2}, {"integrity": "x"})
    assert [error.id for error in caught.value.flatten()] == [
        "gates.unknown-gate",
        "gates.limit-range",
        "gates.not-waivable",
    ]
