import math

import pytest

from hiermix.errors import SpecError
from hiermix.gates import Finding, Verdict, catalogue, judge
from hiermix.measurement import Measurement as M

GOOD_SAMPLER = (
    M("integrity_defects", "run", "draws", 0.0),
    M("rhat", "common", "x", 1.002),
    M("ess_bulk_per_chain", "common", "x", 400.0),
    M("ess_tail_per_chain", "common", "x", 300.0),
    M("mcse_mean_per_sd", "common", "x", 0.02),
    M("divergences", "run", "chain 0", 0.0),
    M("ebfmi", "run", "chain 2", 0.8),
    M("treedepth_share", "run", "chain 0", 0.0),
)


def sampler(*changes: M, without: str = "", **options: object) -> Verdict:
    """Judge the good measurements with those of the same metric and scope replaced."""
    replaced = {(m.metric, m.scope) for m in changes}
    kept = [m for m in GOOD_SAMPLER if (m.metric, m.scope) not in replaced]
    kept = [m for m in kept if m.metric != without]
    arguments = {"policy": "publish", "phases": ("sampler",), **options}
    return judge([*kept, *changes], **arguments)  # type: ignore[arg-type]


def finding(verdict: Verdict, gate: str) -> Finding:
    return next(f for f in verdict.findings if f.gate == gate)


def test_good_measurements_pass_every_gate_of_their_phase() -> None:
    verdict = sampler()
    assert verdict.status == "pass"
    assert [f.gate for f in verdict.findings] == [
        "integrity",
        "rhat[common]",
        "ess_bulk[common]",
        "ess_tail[common]",
        "mcse[common]",
        "divergences",
        "ebfmi",
        "treedepth",
    ]


@pytest.mark.parametrize(
    ("gate", "bad"),
    [
        ("integrity", M("integrity_defects", "run", "x", 1.0)),
        ("rhat[common]", M("rhat", "common", "x", 1.0101)),
        ("ess_bulk[common]", M("ess_bulk_per_chain", "common", "x", 99.9)),
        ("ess_tail[common]", M("ess_tail_per_chain", "common", "x", 99.9)),
        ("mcse[common]", M("mcse_mean_per_sd", "common", "x", 0.101)),
        ("divergences", M("divergences", "run", "chain 1", 1.0)),
        ("ebfmi", M("ebfmi", "run", "chain 3", 0.29)),
        ("treedepth", M("treedepth_share", "run", "chain 3", 0.011)),
    ],
)
def test_each_gate_fails_just_beyond_its_limit(gate: str, bad: M) -> None:
    verdict = sampler(bad)
    assert verdict.failed
    assert [f.gate for f in verdict.findings if f.status == "fail"] == [gate]
    failed = finding(verdict, gate)
    assert failed.where == bad.variable
    assert failed.value == bad.value
    assert failed.remedy
    assert bad.variable in failed.message


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", [m.metric for m in GOOD_SAMPLER])
def test_a_value_that_is_not_finite_fails_under_every_policy(metric: str, value: float) -> None:
    scope = next(m.scope for m in GOOD_SAMPLER if m.metric == metric)
    for policy in ("explore", "publish", "strict"):
        assert sampler(M(metric, scope, "x", value), policy=policy).failed


@pytest.mark.parametrize("metric", [m.metric for m in GOOD_SAMPLER])
def test_a_missing_measurement_fails(metric: str) -> None:
    verdict = sampler(without=metric)
    failed = [f for f in verdict.findings if f.status == "fail"]
    assert [f.metric for f in failed] == [metric]
    assert math.isnan(failed[0].value or 0.0)
    assert "not measured" in failed[0].message


def test_a_role_that_one_gate_saw_is_expected_by_the_others() -> None:
    verdict = sampler(M("rhat", "group_sd", "1|g_sigma", 1.0))
    missing = [f.gate for f in verdict.findings if f.status == "fail"]
    assert missing == ["ess_bulk[group_sd]", "ess_tail[group_sd]", "mcse[group_sd]"]


def test_a_role_that_the_catalogue_does_not_know_is_judged_all_the_same() -> None:
    assert finding(sampler(M("rhat", "novel", "z", 1.5)), "rhat[novel]").status == "fail"


def test_not_finite_is_worse_than_any_number() -> None:
    values = [M("divergences", "run", "a", 10.0), M("divergences", "run", "b", math.nan)]
    assert finding(sampler(*values), "divergences").where == "b"


def test_a_metric_that_the_engine_lacks_is_not_applicable() -> None:
    verdict = sampler(without="ebfmi", lacks={"energy"})
    assert verdict.status == "pass"
    assert finding(verdict, "ebfmi").status == "not applicable"
    assert finding(verdict, "ebfmi").value is None


def test_a_metric_that_was_measured_is_judged_even_if_the_engine_says_that_it_lacks_it() -> None:
    assert sampler(M("ebfmi", "run", "chain 0", 0.1), lacks={"energy"}).failed
    assert sampler(M("ebfmi", "run", "chain 0", math.nan), lacks={"energy"}).failed


@pytest.mark.parametrize("metric", ["rhat", "integrity_defects", "mcse_mean_per_sd"])
def test_no_engine_can_lack_convergence_or_integrity(metric: str) -> None:
    assert sampler(without=metric, lacks={metric, "rhat", "integrity", "mcse"}).failed


def test_a_limit_of_the_spec_replaces_that_of_the_policy() -> None:
    verdict = sampler(M("rhat", "common", "x", 1.03), limits={"rhat": 1.05})
    assert verdict.status == "pass"
    assert finding(verdict, "rhat[common]").fail == 1.05


def test_the_limit_of_a_scope_goes_before_that_of_the_gate() -> None:
    both = [M("rhat", "common", "x", 1.03), M("rhat", "residual", "sigma", 1.03)]
    verdict = sampler(*both, limits={"rhat": 1.05, "rhat[residual]": 1.02})
    assert finding(verdict, "rhat[common]").status == "pass"
    assert finding(verdict, "rhat[residual]").status == "fail"


def test_a_waived_failure_warns_and_says_why() -> None:
    verdict = sampler(
        M("divergences", "run", "chain 1", 2.0), waive={"divergences": "seen and harmless"}
    )
    assert verdict.status == "warn"
    waived = finding(verdict, "divergences")
    assert waived.status == "waived"
    assert waived.message.endswith("waived: seen and harmless")


def test_a_waiver_of_one_scope_leaves_the_others() -> None:
    both = [M("rhat", "common", "x", 1.3), M("rhat", "residual", "sigma", 1.3)]
    verdict = sampler(*both, waive={"rhat[residual]": "not reported"})
    assert finding(verdict, "rhat[residual]").status == "waived"
    assert finding(verdict, "rhat[common]").status == "fail"


def test_a_waiver_leaves_what_passes_alone() -> None:
    assert finding(sampler(waive={"rhat": "x"}), "rhat[common]").status == "pass"


def test_the_rhat_limit_is_raised_to_what_chance_makes() -> None:
    seen = [
        M("rhat", "group_specific", "1|g[7]", 1.013),
        M("rhat_by_chance", "group_specific", "1|g[7]", 1.014),
    ]
    found = finding(sampler(*seen), "rhat[group_specific]")
    assert (found.status, found.fail) == ("pass", 1.014)
    assert "1.014" in found.message and "raised" in found.message


def test_chance_never_lowers_a_limit() -> None:
    seen = [M("rhat", "common", "x", 1.009), M("rhat_by_chance", "common", "x", 1.001)]
    found = finding(sampler(*seen), "rhat[common]")
    assert (found.status, found.fail) == ("pass", 1.01)


@pytest.mark.parametrize("bound", [math.nan, math.inf])
def test_chance_that_could_not_be_computed_raises_nothing(bound: float) -> None:
    seen = [M("rhat", "common", "x", 1.02), M("rhat_by_chance", "common", "x", bound)]
    assert finding(sampler(*seen), "rhat[common]").status == "fail"


def test_explore_only_warns_of_divergences() -> None:
    verdict = sampler(M("divergences", "run", "chain 1", 7.0), policy="explore")
    assert finding(verdict, "divergences").status == "warn"
    assert verdict.status == "warn"


def test_design_gates_without_a_subject_give_no_finding() -> None:
    seen = [
        M("design_rank_deficiency", "design", "", 0.0),
        M("constant_response", "design", "y", 0.0),
    ]
    verdict = judge(seen, policy="publish", phases=["design"])
    assert {f.gate for f in verdict.findings} == {"rank", "constant_response"}
    assert verdict.status == "pass"


def test_the_worst_factor_is_named_and_the_others_are_mentioned() -> None:
    seen = [
        M("design_rank_deficiency", "design", "", 0.0),
        M("constant_response", "design", "y", 0.0),
        M("group_levels", "design", "site", 4.0, "site: 4 levels"),
        M("group_levels", "design", "year", 3.0, "year: 3 levels"),
        M("group_levels", "design", "person", 90.0),
    ]
    found = finding(judge(seen, policy="publish", phases=["design"]), "levels")
    assert (found.status, found.where) == ("warn", "year")
    assert "year: 3 levels" in found.message and "also site 4" in found.message
    assert "person" not in found.message


def test_a_slope_without_variation_in_all_levels_fails() -> None:
    def status(share: float) -> str:
        seen = [M("slope_levels_without_variation", "design", "x|g", share)]
        return finding(judge(seen, policy="publish", phases=["design"]), "slope_variation").status

    assert [status(share) for share in (0.2, 0.7, 1.0)] == ["pass", "warn", "fail"]


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_single_rows_never_fail(share: float) -> None:
    seen = [M("single_row_share", "design", "g", share)]
    for policy in ("explore", "publish", "strict"):
        found = finding(judge(seen, policy=policy, phases=["design"]), "rows_per_level")
        assert found.status in {"pass", "warn"}


def test_only_the_phases_asked_for_are_judged() -> None:
    assert {f.phase for f in sampler().findings} == {"sampler"}
    assert judge([], policy="publish", phases=[]).findings == ()


def test_no_gate_of_the_catalogue_is_passed_by_a_value_that_is_not_finite() -> None:
    seen = [M(gate.metric, "common", "x", math.nan) for gate in catalogue()]
    phases = {gate.phase for gate in catalogue()}
    verdict = judge(seen, policy="publish", phases=phases)
    assert len(verdict.findings) == len(catalogue())
    by_gate = {gate.id: gate for gate in catalogue()}
    for found in verdict.findings:
        advisory = by_gate[found.gate.partition("[")[0]].advisory
        assert found.status == ("warn" if advisory else "fail")


def test_unknown_policies_settings_and_phases_are_refused() -> None:
    with pytest.raises(SpecError, match="did you mean 'strict'"):
        sampler(policy="strct")
    with pytest.raises(SpecError, match="must be in"):
        sampler(limits={"rhat": math.nan})
    with pytest.raises(SpecError, match="cannot be waived"):
        sampler(waive={"integrity": "x"})
    with pytest.raises(ValueError, match="warmup"):
        sampler(phases=["warmup"])


def posterior(*measurements: M, **options: object) -> Verdict:
    arguments = {"policy": "publish", "phases": ("posterior",), **options}
    return judge(measurements, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["explore", "publish", "strict"])
@pytest.mark.parametrize("value", [0.0, 1e-9, math.nan, math.inf])
def test_an_advisory_gate_warns_under_every_policy(policy: str, value: float) -> None:
    verdict = posterior(M("predictive_p", "data", "zeros", value), policy=policy)
    assert [f.status for f in verdict.findings] == ["warn"]
    assert verdict.status == "warn"
    assert verdict.findings[0].where == "zeros"
    assert verdict.findings[0].remedy


def test_an_advisory_gate_warns_of_a_measurement_that_is_missing() -> None:
    verdict = posterior()
    assert [(f.gate, f.status) for f in verdict.findings] == [("predictive", "warn")]
    assert "was not measured" in verdict.findings[0].message


def test_what_cannot_be_measured_says_why() -> None:
    reason = "no posterior predictive check: rows were merged while they were read"
    verdict = posterior(lacks={"replicates": reason})
    assert [(f.gate, f.status) for f in verdict.findings] == [
        ("predictive", "not applicable"),
        ("predictive_levels", "not applicable"),
    ]
    assert {f.message for f in verdict.findings} == {reason}
    assert verdict.status == "pass"


def test_the_smallest_p_value_speaks_for_the_others() -> None:
    verdict = posterior(
        M("predictive_p", "data", "mean", 1.0, "observed 1"),
        M("predictive_p", "data", "zeros", 0.004, "observed 0.3"),
        M("predictive_p", "data", "max", 0.006),
        M("predictive_level_p", "group_specific", "g[a] mean", 0.01),
    )
    overall, levels = verdict.findings
    assert (overall.where, overall.status) == ("zeros", "warn")
    assert "observed 0.3" in overall.message
    assert "also max 0.006" in overall.message
    assert (levels.where, levels.status) == ("g[a] mean", "pass")


@pytest.mark.parametrize(
    "settings", [{"limits": {"predictive": 0.1}}, {"waive": {"predictive": "why"}}]
)
def test_an_advisory_gate_has_nothing_to_set_or_to_waive(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        posterior(**settings)
