"""Attempt after attempt, until one passes or nothing is left to try."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hiermix.errors import EngineError
from hiermix.escalation.record import Attempt, record
from hiermix.escalation.rules import Trial, next_trial

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.engines import Engine, Fit
    from hiermix.gates import Verdict
    from hiermix.measurement import Measurement


@dataclass(frozen=True)
class Judged:
    """Draws of one attempt and what the gates say of them."""

    trial: Trial
    fit: Fit
    scalars: pd.DataFrame
    measurements: tuple[Measurement, ...]
    verdict: Verdict


def escalate(
    first: Trial,
    sample: Callable[[Trial, int], Judged],
    *,
    max_attempts: int,
    others: Sequence[Engine],
    note: Callable[[str], None],
    warn: Callable[[str], None],
) -> tuple[Judged, tuple[Attempt, ...]]:
    """Return the attempt that stands, and the records of all.

    It is the one with the fewest failed gates of the sampler; of equals the last.

    Parameters
    ----------
    first
        As the spec says.
    sample
        Samples and judges a trial, given its number from 1.
    max_attempts, others
        See `next_trial`.
    note, warn
        Hear that and why another attempt begins, that one has no draws, and that an earlier one
        stands.

    Raises
    ------
    EngineError
        No attempt has draws. An error after one that has ends the attempts.
    """
    trials: list[Trial] = [first]
    attempts: list[Attempt] = []
    judged: list[tuple[int, Judged]] = []
    while True:
        trial, number = trials[-1], len(trials)
        started = time.perf_counter()
        following: Trial | None
        try:
            found = sample(trial, number)
        except (EngineError, MemoryError) as error:
            message = error.message if isinstance(error, EngineError) else "not enough memory"
            following = None if judged else _taken_over(trials, message, max_attempts, others)
            if not judged and following is None:
                raise
            stands = ", the one before stands" if judged else ""
            warn(f"attempt {number} has no draws{stands}: {message}")
            attempts.append(record(number, trial, time.perf_counter() - started, error=message))
        else:
            judged.append((number, found))
            seconds = time.perf_counter() - started
            attempts.append(record(number, trial, seconds, found.verdict, found.measurements))
            following = next_trial(trials, found.verdict, max_attempts=max_attempts, others=others)
        if following is None:
            break
        note(f"attempt {number + 1} of at most {max_attempts}: {following.reason}")
        trials.append(following)
    standing, best = min(judged, key=lambda pair: (_failures(pair[1].verdict), -pair[0]))
    if standing < judged[-1][0]:
        note(f"attempt {standing} stands: no later one has fewer failed gates")
    return best, tuple(replace(a, stands=a.number == standing) for a in attempts)


def _failures(verdict: Verdict) -> int:
    return sum(f.phase == "sampler" and f.status == "fail" for f in verdict.findings)


def _taken_over(
    trials: Sequence[Trial], message: str, max_attempts: int, others: Sequence[Engine]
) -> Trial | None:
    """Return a trial of the next engine, where the one before gave no draws at all."""
    tried = [trial.engine for trial in trials]
    following = next((other for other in others if other not in tried), None)
    if following is None or len(trials) >= max_attempts:
        return None
    first = trials[0]
    return Trial(first.plan, first.request, following, f"{message}: engine {following.name}")
