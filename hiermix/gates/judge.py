"""Measurements to verdict: a fold over the catalogue."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from hiermix.gates.catalogue import PHASES, Gate, Limits, catalogue
from hiermix.gates.settings import check_gate_settings, check_policy
from hiermix.gates.verdict import Finding, Verdict
from hiermix.gates.wording import describe
from hiermix.measurement import Measurement


def judge(
    measurements: Iterable[Measurement],
    *,
    policy: str,
    phases: Collection[str],
    limits: Mapping[str, float] | None = None,
    waive: Mapping[str, str] | None = None,
    lacks: Collection[str] | Mapping[str, str] = (),
) -> Verdict:
    """Judge measurements by the gates of some phases.

    A measurement that is missing or not finite fails, unless the engine says that it lacks it
    (``not applicable``) or the catalogue says why a model may have nothing to measure. Gates that
    are advisory warn in place of failing.

    Parameters
    ----------
    measurements
        Of any phase; those that no gate asks for are ignored.
    policy
        ``explore``, ``publish`` or ``strict``.
    phases
        Whose gates are judged: any of ``data``, ``design``, ``prior``, ``sampler``,
        ``posterior``.
    limits
        Gate name (``rhat``, or ``rhat[common]`` for one scope) to the limit that replaces the
        policy's ``fail``.
    waive
        Gate name to the reason why its failure is accepted: it becomes ``waived``.
    lacks
        Metrics that the engine cannot have; a mapping says of each why.

    Raises
    ------
    SpecError
        For an unknown policy, or limits and waivers that the gates do not allow.
    ValueError
        For an unknown phase.

    Examples
    --------
    >>> seen = [Measurement("rows_used", "data", "rows", 180.0)]
    >>> verdict = judge(seen, policy="publish", phases={"data"})
    >>> [(f.gate, f.status) for f in verdict.findings]
    [('rows', 'pass'), ('dropped', 'fail')]
    """
    limits, waive = limits or {}, waive or {}
    check_policy(policy)
    check_gate_settings(limits, waive)
    unknown = set(phases) - set(PHASES)
    if unknown:
        raise ValueError(f"unknown phases: {sorted(unknown)}")
    gates = [gate for gate in catalogue() if gate.phase in phases]
    seen = _by_metric(measurements)
    findings = []
    for gate in gates:
        for scope in _scopes(gate, gates, seen):
            finding = _find(gate, scope, seen, _limits(gate, scope, policy, limits), lacks)
            if finding is not None:
                findings.append(_waived(finding, gate, waive))
    return Verdict(policy, tuple(findings))


def _by_metric(measurements: Iterable[Measurement]) -> dict[str, list[Measurement]]:
    seen: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        seen.setdefault(measurement.metric, []).append(measurement)
    return seen


def _scopes(
    gate: Gate, gates: Sequence[Gate], seen: Mapping[str, Sequence[Measurement]]
) -> Iterator[str | None]:
    """Yield the scopes to judge; ``None`` stands for a gate that has a single finding.

    A scope that any gate of the phase was measured on is expected by all that list it: what
    was not measured there must fail, not vanish.
    """
    if not gate.scopes:
        yield None
        return
    own = {m.scope for m in seen.get(gate.metric, ())}
    others = {
        m.scope
        for other in gates
        if other.phase == gate.phase and other.scopes
        for m in seen.get(other.metric, ())
    }
    present = [scope for scope in gate.scopes if scope in own | others]
    yield from present
    yield from sorted(own - set(gate.scopes))
    if not present and not own:
        yield None


def _limits(gate: Gate, scope: str | None, policy: str, limits: Mapping[str, float]) -> Limits:
    given = limits.get(f"{gate.id}[{scope}]", limits.get(gate.id))
    stated = gate.limits[policy]
    return stated if given is None else replace(stated, fail=float(given))


def _find(
    gate: Gate,
    scope: str | None,
    seen: Mapping[str, Sequence[Measurement]],
    stated: Limits,
    lacks: Collection[str] | Mapping[str, str],
) -> Finding | None:
    name = gate.id if scope is None else f"{gate.id}[{scope}]"
    found = [m for m in seen.get(gate.metric, ()) if scope is None or m.scope == scope]
    if not found:
        return _absent(gate, name, stated, lacks)
    worst = max(found, key=lambda m: gate.badness(m.value))
    used = _raised(gate, worst, seen, stated)
    status = "pass"
    if not math.isfinite(worst.value) or (
        used.fail is not None and not gate.accepts(worst.value, used.fail)
    ):
        status = "warn" if gate.advisory else "fail"
    elif used.warn is not None and not gate.accepts(worst.value, used.warn):
        status = "warn"
    return Finding(
        gate=name,
        phase=gate.phase,
        status=status,  # type: ignore[arg-type]
        metric=gate.metric,
        value=worst.value,
        warn=used.warn,
        fail=used.fail,
        where=worst.variable,
        message=describe(gate, worst, found, stated, used, status),
        remedy="" if status == "pass" else gate.remedy,
    )


def _absent(
    gate: Gate, name: str, stated: Limits, lacks: Collection[str] | Mapping[str, str]
) -> Finding | None:
    finding = Finding(
        gate=name,
        phase=gate.phase,
        status="warn" if gate.advisory else "fail",
        metric=gate.metric,
        value=math.nan,
        warn=stated.warn,
        fail=stated.fail,
        where="",
        message=f"the {gate.title} was not measured",
        remedy=gate.remedy,
    )
    if gate.lacks and gate.lacks in lacks:
        reason = lacks[gate.lacks] if isinstance(lacks, Mapping) else ""
        message = reason or f"this engine has no {gate.title}"
        return replace(finding, status="not applicable", value=None, message=message, remedy="")
    return None if gate.skip_reason else finding


def _raised(
    gate: Gate, worst: Measurement, seen: Mapping[str, Sequence[Measurement]], stated: Limits
) -> Limits:
    """Return the limits, none of them tighter than the measurement named by ``raise_to``."""
    bounds = [
        m.value
        for m in seen.get(gate.raise_to, ())
        if (m.scope, m.variable) == (worst.scope, worst.variable) and math.isfinite(m.value)
    ]
    looser = max if gate.worst == "max" else min

    def raised(limit: float | None) -> float | None:
        return None if limit is None else looser([limit, *bounds])

    return Limits(raised(stated.warn), raised(stated.fail))


def _waived(finding: Finding, gate: Gate, waive: Mapping[str, str]) -> Finding:
    reason = waive.get(finding.gate, waive.get(gate.id))
    if finding.status != "fail" or reason is None:
        return finding
    return replace(finding, status="waived", message=f"{finding.message}; waived: {reason}")
