"""What is kept of every attempt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiermix.escalation.rules import Trial
    from hiermix.gates import Verdict
    from hiermix.measurement import Measurement


@dataclass(frozen=True)
class Attempt:
    """One fitting attempt: a line of ``attempts.jsonl``.

    Attributes
    ----------
    number
        From 1.
    settings
        How it was sampled, by which ``engine``; ``parameterization`` maps group terms to their
        form.
    reason
        Why it was made: the gates that had failed, and what was changed.
    failed_gates
        Gates that failed, of all phases.
    seconds
        Wall time.
    divergences
        Divergent draws, ``None`` where they were not counted.
    error
        Why there are no draws, empty if there are.
    stands
        Whether the verdict, the tables and the draws are those of this attempt.
    """

    number: int
    settings: Mapping[str, Any]
    reason: str
    failed_gates: tuple[str, ...]
    seconds: float
    divergences: int | None = None
    error: str = ""
    stands: bool = False


def record(
    number: int,
    trial: Trial,
    seconds: float,
    verdict: Verdict | None = None,
    measurements: Iterable[Measurement] = (),
    *,
    error: str = "",
) -> Attempt:
    """Return the record of an attempt.

    Parameters
    ----------
    number, trial, seconds
        Which it was, how it was made and how long it took.
    verdict, measurements
        What was found, where there are draws.
    error
        Why there are none.
    """
    counted = [m.value for m in measurements if m.metric == "divergences"]
    known = [int(value) for value in counted if math.isfinite(value)]
    return Attempt(
        number,
        _settings(trial),
        trial.reason,
        () if verdict is None else tuple(f.gate for f in verdict.findings if f.status == "fail"),
        seconds,
        known[0] if known else None,
        error,
    )


def _settings(trial: Trial) -> dict[str, Any]:
    # Imported here: what reads finished runs needs no engine.
    from hiermix.engines import adapts

    request = trial.request
    settings: dict[str, Any] = {
        "engine": trial.engine.name,
        "draws": request.draws,
        "tune": request.tune,
        "chains": request.chains,
        "seed": request.seed,
    }
    if adapts(trial.engine):
        settings |= {
            "target_accept": request.acceptance,
            "max_treedepth": request.max_treedepth,
            "parameterization": {c.term: c.form for c in trial.plan.centring},
        }
    return settings
