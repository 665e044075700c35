import math

from hiermix.gates import catalogue, judge
from hiermix.gates.wording import number
from hiermix.measurement import Measurement


def message(policy: str, *measurements: Measurement) -> str:
    metric = measurements[0].metric
    phase = next(gate.phase for gate in catalogue() if gate.metric == metric)
    verdict = judge(measurements, policy=policy, phases=[phase])
    return next(f.message for f in verdict.findings if f.metric == metric)


def test_a_failure_says_what_of_what_how_much_and_how_much_is_allowed() -> None:
    said = message("publish", Measurement("rhat", "common", "x", 1.12, "worst of 9 parameters"))
    assert said == (
        "rank-normalised split R-hat, x: 1.12, must not exceed 1.01 (worst of 9 parameters)"
    )


def test_the_note_on_a_design_comes_first_where_it_did_not_pass() -> None:
    note = "g: 1 level; >= 2 needed, >= 5 advised"
    said = message("publish", Measurement("group_levels", "design", "g", 1.0, note))
    assert said == f"{note} (number of levels of a grouping factor: 1, must be at least 2)"
    said = message("publish", Measurement("group_levels", "design", "g", 9.0, note))
    assert said.startswith("number of levels of a grouping factor, g: 9")


def test_a_warning_says_should() -> None:
    said = message("publish", Measurement("rows_used", "data", "rows", 8.0))
    assert said == "number of rows used, rows: 8, should be at least 10"


def test_a_raised_limit_says_what_it_was() -> None:
    said = message(
        "publish",
        Measurement("rhat", "common", "x", 1.012),
        Measurement("rhat_by_chance", "common", "x", 1.0143),
    )
    assert "must not exceed 1.014 (1.01, raised by what chance alone can make)" in said


def test_a_value_that_is_missing_says_so() -> None:
    said = message("publish", Measurement("ebfmi", "run", "energy", math.nan, "not recorded"))
    assert said.endswith("energy: nan, could not be computed (not recorded)")


def test_many_others_are_counted() -> None:
    seen = [Measurement("group_levels", "design", f"g{i}", 1.0) for i in range(8)]
    assert message("publish", *seen).endswith("; also g1 1, g2 1, g3 1, g4 1 and 3 more")


def test_a_value_never_reads_like_the_limit_that_it_broke() -> None:
    assert number(1.0100001, 1.01) == "1.0100001"
    assert number(99.99999, 100.0) == "99.99999"
    assert number(1.01, 1.01) == "1.01"
    assert number(12345.678) == "1.235e+04"
    assert number(float.fromhex("0x1.0000000000001p+0"), 1.0) == "1.0000000000000002"
