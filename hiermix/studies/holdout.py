"""Responses that are held out, and how well each method of pooling predicts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.errors import EngineError, UsageError
from hiermix.listening import Listener
from hiermix.pipeline import Prepared, RunResult
from hiermix.studies.arms import completely_pooled, not_pooled
from hiermix.studies.folds import Folds
from hiermix.studies.heldout import Asked, HeldOut, predict_held_out, why_not_predicted
from hiermix.studies.holdout_tables import METHODS, Piece, level_table, row_table, score_table
from hiermix.studies.refits import fit_pieces
from hiermix.studies.training import levels_left, rows_of, trained_on

if TYPE_CHECKING:
    from hiermix.design.types import Factor


@dataclass(frozen=True)
class HoldoutStudy:
    """Held-out rows, predicted.

    Attributes
    ----------
    name, by, group
        Of the run; what is held out by, ``None`` for rows; the factor that the methods treat
        differently, ``None`` where the formula has no group-specific effects.
    interval
        Probability of the intervals.
    scores, levels, rows
        ``SCORE_COLUMNS``, one row per method; ``LEVEL_COLUMNS``, one per method and held-out
        level, none where rows are held out; ``ROW_COLUMNS``, one per method and row.
    notes
        What was done, in sentences.
    problems
        Folds whose fit failed its gates or has no posterior, in words.
    failed
        Whether there is any such fold.
    """

    name: str
    by: str | None
    group: str | None
    interval: float
    scores: pd.DataFrame
    levels: pd.DataFrame
    rows: pd.DataFrame
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether a fit failed its gates or has no posterior."""
        return bool(self.problems)


def hold_out(
    prepared: Prepared, folds: Folds, group: str | None, listener: Listener, *, jobs: int = 1
) -> HoldoutStudy:
    """Fit a model without the responses of each fold, and predict them.

    The predictors of all rows are known: columns, centres and group means stay those of all rows,
    and priors keep the numbers that they have in the model of all rows.

    Parameters
    ----------
    prepared
        The model of the spec; none of its rows are merged.
    folds
        Which rows are held out together.
    group
        Factor whose levels are pooled completely and not at all for comparison; ``None`` for a
        model without group-specific effects.
    listener
        Hears of the fits.
    jobs
        Processes; results do not depend on it.

    Raises
    ------
    UsageError
        The model's rows cannot be held out, or without the effects of the factor nothing is left.
    EngineError
        No fit has a posterior.
    """
    check_holdout(prepared)
    study = _Study(prepared, folds, group)
    if group is None:
        pieces = study.fitted(["complete"], listener, jobs)
    else:
        pieces = study.fitted(["partial", "complete"], listener, jobs)
        pieces = [*study.fitted(["none"], listener, jobs, pieces), *pieces]
    pieces.sort(key=lambda piece: METHODS.index(piece.method))
    lost = [p.outcome for p in pieces if isinstance(p.outcome, EngineError)]
    if lost and not any(isinstance(p.outcome, HeldOut) for p in pieces):
        raise lost[0]
    rows = row_table(prepared, folds, _factor(prepared, group), pieces)
    return HoldoutStudy(
        prepared.loaded.spec.name,
        None if folds.levels is None else folds.levels.name,
        group,
        prepared.loaded.spec.outputs.interval,
        score_table(pieces, rows),
        level_table(prepared, folds, pieces),
        rows,
        tuple(_notes(prepared, folds, group)),
        tuple(_problems(pieces, folds)),
    )


def check_holdout(prepared: Prepared) -> None:
    """Raise ``UsageError`` if rows of a model cannot be held out."""
    if prepared.frame.multiplicity is not None:
        raise UsageError(
            "usage.holdout-merged",
            "equal rows were merged while they were read; none of them can be held out",
            hint="--set data.reduce=off",
        )
    why = why_not_predicted(prepared.design, prepared.plan.family)
    if why:
        raise UsageError(
            "usage.holdout-response",
            f"nothing can be held out: {why}",
            hint="hold out responses that are numbers",
        )


class _Study:
    def __init__(self, prepared: Prepared, folds: Folds, group: str | None) -> None:
        self._prepared = prepared
        self._folds = folds
        self._factor = _factor(prepared, group)
        self._complete = prepared if group is None else completely_pooled(prepared, group)

    def fitted(
        self,
        methods: Sequence[str],
        listener: Listener,
        jobs: int,
        before: Sequence[Piece] = (),
    ) -> list[Piece]:
        """Return the predictions of every fold by some methods.

        Parameters
        ----------
        before
            Those of ``partial``, which no pooling takes common effects from.
        """
        listener.stage("sample")
        partial_of = {piece.fold: piece for piece in before if piece.method == "partial"}
        pieces = [
            Piece(
                method,
                number,
                len(self._folds.held(number)),
                self._rows(method, number),
                partial_of.get(number),
            )
            for method in methods
            for number in range(len(self._folds.names))
        ]
        wanted = {f"{p.method} {p.fold}": p for p in pieces if len(p.rows) and not p.lost}
        makers = {name: partial(self._task, piece) for name, piece in wanted.items()}
        found = fit_pieces(makers, listener, jobs=jobs)
        return [replace(p, outcome=found.get(f"{p.method} {p.fold}", p.lost)) for p in pieces]

    def _rows(self, method: str, number: int) -> np.ndarray:
        """Return the rows of a fold that a method can predict."""
        held = self._folds.held(number)
        if method != "none" or self._factor is None:
            return held
        left = levels_left(self._factor, self._folds.kept(number))
        return held[np.isin(self._factor.index[held], left)]

    def _task(self, piece: Piece) -> tuple[Prepared, Callable[[RunResult], HeldOut]]:
        model = self._model(piece)
        levels = self._folds.levels
        place = None
        if levels is not None:
            place = np.unique(levels.index[piece.rows], return_inverse=True)[1]
        seed = (model.loaded.spec.fit.seed, piece.fold, METHODS.index(piece.method))
        asked = Asked(rows_of(model.design, piece.rows), place, seed)
        trained = trained_on(model, self._folds.kept(piece.fold))
        return trained, partial(predict_held_out, asked=asked)

    def _model(self, piece: Piece) -> Prepared:
        """Return the model of a method for all rows."""
        if piece.method == "partial":
            return self._prepared
        if piece.method == "complete":
            return self._complete
        assert self._factor is not None
        assert piece.after is not None and isinstance(piece.after.outcome, HeldOut)
        known = piece.after.outcome.coefficients
        return not_pooled(self._prepared, self._factor.name, known).prepared


def _factor(prepared: Prepared, group: str | None) -> Factor | None:
    return next((f for f in prepared.design.main.factors if f.name == group), None)


def _notes(prepared: Prepared, folds: Folds, group: str | None) -> Iterator[str]:
    count, n_obs = len(folds.names), prepared.design.n_obs
    if folds.levels is None:
        yield f"{n_obs} rows in {count} folds"
    elif count == folds.levels.n_groups:
        yield f"each of the {count} levels of {folds.levels.name} is held out in turn"
    else:
        yield f"{folds.levels.n_groups} levels of {folds.levels.name} in {count} folds"
    if group is None:
        yield "the formula has no group-specific effects: it is complete pooling as it is"
    else:
        yield f"complete: without effects by {group}; none: effects by {group} are independent"


def _problems(pieces: Sequence[Piece], folds: Folds) -> Iterator[str]:
    for method in METHODS:
        own = [p for p in pieces if p.method == method]
        lost = [p for p in own if isinstance(p.outcome, EngineError)]
        failed = [p for p in own if p.failed]
        if lost:
            yield (f"{method}: no posterior without {_names(lost, folds)}: {lost[0].outcome}")
        if failed:
            gates = dict.fromkeys(gate for p in failed for gate in p.gates)
            yield (
                f"{method}: gates failed {len(failed)} of {len(own)} fits, "
                f"without {_names(failed, folds)}: {', '.join(gates)}"
            )


def _names(pieces: Sequence[Piece], folds: Folds) -> str:
    names = [folds.names[p.fold] for p in pieces[:3]]
    more = f" and {len(pieces) - 3} more" if len(pieces) > 3 else ""
    what = "fold " if folds.levels is None or len(folds.names) < folds.levels.n_groups else ""
    return f"{what}{', '.join(names)}{more}"
