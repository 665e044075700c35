"""Attempt after attempt, until one passes or nothing is left to try."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    """Return the last attempt that has draws, and the records of all.

    Parameters
    ----------
    first
        As the spec says.
    sample
        Samples and judges a trial, given its number from 1.
    max_attempts, others
        See `next_trial`.
    note, warn
        Hear that and why another attempt begins, and that one has no draws.

    Raises
    ------
    EngineError
        From the first attempt. An error in a later one leaves the verdict of the one before.
    """
    trials: list[Trial] = [first]
    attempts: list[Attempt] = []
    last: Judged | None = None
    while True:
        trial, number = trials[-1], len(trials)
        started = time.perf_counter()
        try:
            last = sample(trial, number)
        except EngineError as error:
            if last is None:
                raise
            warn(f"attempt {number} has no draws, the one before stands: {error.message}")
            seconds = time.perf_counter() - started
            attempts.append(record(number, trial, seconds, error=error.message))
            return last, tuple(attempts)
        seconds = time.perf_counter() - started
        attempts.append(record(number, trial, seconds, last.verdict, last.measurements))
        following = next_trial(trials, last.verdict, max_attempts=max_attempts, others=others)
        if following is None:
            return last, tuple(attempts)
        note(f"attempt {number + 1} of at most {max_attempts}: {following.reason}")
        trials.append(following)
