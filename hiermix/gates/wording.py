"""Findings in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hiermix.gates.catalogue import Gate, Limits
from hiermix.measurement import Measurement

NEED = {"<=": "not exceed", "<": "be below", ">=": "be at least"}

# Enough to act on; the tables of the run hold the rest.
MAX_OTHERS = 4


def describe(
    gate: Gate,
    worst: Measurement,
    found: Sequence[Measurement],
    stated: Limits,
    used: Limits,
    status: str,
) -> str:
    """Return one sentence: what, of what, how much, and how much is allowed.

    Parameters
    ----------
    gate, worst, found
        The gate, the measurement that speaks for it and all that it saw.
    stated, used
        Limits as the policy or the spec has them, and as they were applied.
    status
        ``pass``, ``warn`` or ``fail``.
    """
    note = f" ({worst.note})" if worst.note else ""
    subject = f"{gate.title}, {worst.variable}" if worst.variable else gate.title
    if not math.isfinite(worst.value):
        return f"{subject}: {worst.value}, could not be computed{note}"
    warned = status == "warn" or used.fail is None
    limit, before = (used.warn, stated.warn) if warned else (used.fail, stated.fail)
    if limit is None:
        return f"{subject}: {number(worst.value)}{note}"
    need = f"{'should' if warned else 'must'} {NEED[gate.pass_when]} {number(limit, worst.value)}"
    if before is not None and before != limit:
        need += f" ({number(before, limit)}, raised by what chance alone can make)"
    others = _others(gate, worst, found, limit)
    if gate.phase in ("design", "prior") and worst.note and status != "pass":
        # The note says it in the user's own names: what a person has to read first.
        return f"{worst.note} ({gate.title}: {number(worst.value, limit)}, {need}){others}"
    return f"{subject}: {number(worst.value, limit)}, {need}{note}{others}"


def _others(gate: Gate, worst: Measurement, found: Sequence[Measurement], limit: float) -> str:
    others = [m for m in found if m is not worst and not gate.accepts(m.value, limit)]
    if not others:
        return ""
    named = [f"{m.variable} {number(m.value, limit)}" for m in others[:MAX_OTHERS]]
    more = len(others) - len(named)
    return "; also " + ", ".join(named) + (f" and {more} more" if more else "")


def number(value: float, other: float = math.nan) -> str:
    """Return ``value`` with four digits, or as many as tell it from ``other``.

    Examples
    --------
    >>> number(1.01004, 1.01), number(431.62, 100.0), number(0.0)
    ('1.01004', '431.6', '0')
    """
    for digits in range(4, 17):
        text = f"{value:.{digits}g}"
        if value == other or text != f"{other:.{digits}g}":
            return text
    return repr(value)
