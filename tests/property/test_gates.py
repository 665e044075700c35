import math
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from hiermix.gates import Gate, Verdict, catalogue, judge
from hiermix.measurement import Measurement

ORDER = {"pass": 0, "not applicable": 0, "warn": 1, "waived": 1, "fail": 2}

policies = st.sampled_from(["explore", "publish", "strict"])
gates = st.sampled_from(catalogue())
settable = st.sampled_from([gate for gate in catalogue() if gate.limit_range is not None])
roles = st.sampled_from(["common", "group_sd", "residual", "group_specific"])
values = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 2),
    st.sampled_from([0.0, 1.0, 1.005, 1.01, 1.05, 100.0]),
)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def measured(draw: st.DrawFn, gate: Gate) -> list[Measurement]:
    """Up to four measurements of one gate, with their companions of chance."""
    found = []
    for i, value in enumerate(draw(st.lists(values, min_size=1, max_size=4))):
        scope = draw(roles)
        found.append(Measurement(gate.metric, scope, f"v{i}", value))
        if gate.raise_to and draw(st.booleans()):
            found.append(Measurement(gate.raise_to, scope, f"v{i}", draw(values)))
    return found


def badness(verdict: Verdict, gate: Gate) -> dict[str, int]:
    return {f.gate: ORDER[f.status] for f in verdict.findings if f.metric == gate.metric}


@given(st.data(), settable, policies)
def test_loosening_a_limit_never_worsens_a_verdict(
    data: st.DataObject, gate: Gate, policy: str
) -> None:
    interval = gate.limit_range
    assert interval is not None
    limits = st.floats(interval.low, interval.high).filter(lambda value: value in interval)
    tight, loose = sorted([data.draw(limits), data.draw(limits)], reverse=gate.worst == "min")
    name = data.draw(st.sampled_from(gate.names))
    seen = data.draw(measured(gate))

    def at(limit: float) -> dict[str, int]:
        verdict = judge(seen, policy=policy, phases=[gate.phase], limits={name: limit})
        return badness(verdict, gate)

    before, after = at(tight), at(loose)
    assert before.keys() == after.keys()
    assert all(after[finding] <= before[finding] for finding in before)


@given(st.data(), gates)
def test_explore_never_judges_worse_than_publish_nor_publish_worse_than_strict(
    data: st.DataObject, gate: Gate
) -> None:
    seen = data.draw(measured(gate))
    statuses = [
        badness(judge(seen, policy=policy, phases=[gate.phase]), gate)
        for policy in ("explore", "publish", "strict")
    ]
    for looser, tighter in pairwise(statuses):
        assert all(looser[finding] <= tighter[finding] for finding in looser)


@given(st.data(), gates, policies, not_finite, st.booleans())
def test_a_value_that_is_not_finite_never_passes_and_a_good_one_never_hides_it(
    data: st.DataObject, gate: Gate, policy: str, value: float, lacking: bool
) -> None:
    scope = data.draw(roles)
    seen = data.draw(measured(gate))
    seen.insert(data.draw(st.integers(0, len(seen))), Measurement(gate.metric, scope, "bad", value))
    lacks = {gate.lacks} if lacking and gate.lacks else set()
    verdict = judge(seen, policy=policy, phases=[gate.phase], lacks=lacks)
    name = f"{gate.id}[{scope}]" if gate.scopes else gate.id
    assert badness(verdict, gate)[name] == ORDER["warn" if gate.advisory else "fail"]
    assert verdict.failed != gate.advisory


@given(st.data(), gates, policies, values)
def test_another_measurement_never_improves_a_finding(
    data: st.DataObject, gate: Gate, policy: str, value: float
) -> None:
    assume(not gate.raise_to)
    seen = data.draw(measured(gate))
    more = [*seen, Measurement(gate.metric, data.draw(roles), "more", value)]
    before = badness(judge(seen, policy=policy, phases=[gate.phase]), gate)
    after = badness(judge(more, policy=policy, phases=[gate.phase]), gate)
    assert all(after[finding] >= before[finding] for finding in before)


@given(gates, policies)
def test_what_was_not_measured_never_passes(gate: Gate, policy: str) -> None:
    verdict = judge([], policy=policy, phases=[gate.phase])
    assert all(f.status == ("warn" if gate.advisory else "fail") for f in verdict.findings)
    expected = 0 if gate.skip_reason else 1
    assert sum(f.metric == gate.metric for f in verdict.findings) == expected
