"""Pieces that importance sampling cannot leave out are left out by a refit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hiermix.errors import EngineError, UsageError
from hiermix.listening import Listener
from hiermix.pipeline import Prepared, RunResult
from hiermix.studies.accuracy import Refit
from hiermix.studies.heldout import Asked, HeldOut, predict_held_out, why_not_predicted
from hiermix.studies.refits import fit_pieces
from hiermix.studies.training import rows_of, trained_on

if TYPE_CHECKING:
    from hiermix.design.types import Factor


class Refits:
    """Leaves out rows and levels of fitted models, one piece a fit.

    Parameters
    ----------
    factor
        Whose levels are left out.
    listener
        Hears of the fits.
    jobs
        Processes.
    """

    def __init__(self, factor: Factor, listener: Listener, jobs: int) -> None:
        self._factor = factor
        self._listener = listener
        self._jobs = jobs

    def of_rows(self, method: str, result: RunResult) -> Refit:
        """Return what leaves rows out.

        Without pooling, a row that is the only one of its level leaves nothing that tells of it,
        and is not left out.
        """
        rows = np.arange(result.prepared.design.n_obs)
        if method == "none":
            rows = np.where(self._factor.counts[self._factor.index] == 1, -1, rows)
        return partial(self._scores, f"{method}: rows", result.prepared, rows)

    def of_levels(self, method: str, result: RunResult) -> Refit:
        """Return what leaves levels out."""
        index = self._factor.index
        return partial(self._scores, f"{method}: levels", result.prepared, index)

    def _scores(
        self, what: str, prepared: Prepared, piece: np.ndarray, left_out: np.ndarray
    ) -> np.ndarray:
        self._listener.note(f"{what} whose Pareto k is too high are left out by refits")
        makers = {
            str(number): partial(_task, prepared, np.flatnonzero(piece == number), int(number))
            for number in left_out[np.isin(left_out, piece)]
        }
        found = fit_pieces(makers, self._listener, jobs=self._jobs) if makers else {}
        scores = {name: _score(outcome) for name, outcome in found.items()}
        return np.array([scores.get(str(number), np.nan) for number in left_out])


def check_refits(prepared: Prepared) -> None:
    """Raise ``UsageError`` if rows of a model cannot be left out by refits."""
    why = why_not_predicted(prepared.design, prepared.plan.family)
    if prepared.frame.multiplicity is not None:
        why = "equal rows were merged while they were read (--set data.reduce=off)"
    if why:
        raise UsageError("usage.pooling-refit", f"--refit: {why}", hint="leave out --refit")


def _task(
    prepared: Prepared, rows: np.ndarray, number: int
) -> tuple[Prepared, Callable[[RunResult], HeldOut]]:
    rest = np.setdiff1d(np.arange(prepared.design.n_obs), rows)
    asked = Asked(rows_of(prepared.design, rows), None, (prepared.loaded.spec.fit.seed, number))
    return trained_on(prepared, rest), partial(predict_held_out, asked=asked)


def _score(outcome: HeldOut | EngineError) -> float:
    # What a gate failed, or a few draws decide, is no better than what it is to replace.
    if isinstance(outcome, EngineError) or outcome.verdict.failed or outcome.scores.unsure:
        return np.nan
    return outcome.scores.joint
