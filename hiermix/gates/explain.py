"""The catalogue for readers: the README's table and ``hiermix gates``."""

from __future__ import annotations

from typing import Any

from hiermix.gates.catalogue import Gate, Limits, catalogue
from hiermix.gates.settings import check_policy
from hiermix.gates.wording import number


def table(policy: str) -> list[dict[str, Any]]:
    """Return one row a gate, in the order in which they are judged.

    Keys: ``gate, phase, what, metric, scopes, pass_when, warn, fail, limits, settable, waivable,
    why, remedy, source``; ``limits`` is ``warn`` and ``fail`` in words, ``settable`` the range
    that a spec may set ``fail`` to (empty: fixed).

    Raises
    ------
    SpecError
        For an unknown policy.

    Examples
    --------
    >>> next(row["limits"] for row in table("publish") if row["gate"] == "ebfmi")
    'fails unless >= 0.3'
    """
    check_policy(policy)
    return [_row(gate, gate.limits[policy]) for gate in catalogue()]


def _row(gate: Gate, limits: Limits) -> dict[str, Any]:
    return {
        "gate": gate.id,
        "phase": gate.phase,
        "what": gate.title,
        "metric": gate.metric,
        "scopes": list(gate.scopes),
        "pass_when": gate.pass_when,
        "warn": limits.warn,
        "fail": limits.fail,
        "limits": _in_words(gate, limits),
        "settable": "" if gate.limit_range is None else str(gate.limit_range),
        "waivable": gate.waivable,
        "why": gate.why,
        "remedy": gate.remedy,
        "source": gate.source,
    }


def _in_words(gate: Gate, limits: Limits) -> str:
    parts = [
        f"{verb} unless {gate.pass_when} {number(limit)}"
        for verb, limit in (("warns", limits.warn), ("fails", limits.fail))
        if limit is not None
    ]
    return ", ".join(parts)
