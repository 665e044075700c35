"""Predictions of held-out rows as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.errors import EngineError
from hiermix.studies.heldout import FEW_DRAWS, MAX_MCSE, HeldOut

if TYPE_CHECKING:
    from hiermix.design.types import Factor, Response
    from hiermix.pipeline import Prepared
    from hiermix.studies.folds import Folds
    from hiermix.studies.predict.summary import Summary

METHODS = ("none", "complete", "partial")

ROW_COLUMNS = (
    *("method", "fold", "row", "level", "actual", "trials"),
    *("mean", "sd", "lower", "upper", "inside", "log_score", "note"),
)
"""Columns of ``rows.csv``, in order."""

LEVEL_COLUMNS = (
    *("method", "fold", "level", "rows", "actual"),
    *("mean", "lower", "upper", "inside", "log_score", "note"),
)
"""Columns of ``levels.csv``, in order."""

SCORE_COLUMNS = (
    *("method", "folds", "rows", "elpd", "elpd_se", "elpd_mcse", "elpd_diff", "elpd_diff_se"),
    *("rmse", "coverage", "coverage_se", "width", "failed", "note"),
)
"""Columns of ``scores.csv``, in order."""

PREDICTED = ("mean", "sd", "lower", "upper", "log_score")

NEW_LEVEL = "without pooling the other levels say nothing about a level without rows"

NO_NUMBER = "for some draws the parameters make no distribution: another link keeps them valid"


@dataclass(frozen=True)
class Piece:
    """One fold as one method predicts it.

    Attributes
    ----------
    method, fold
        Which.
    held
        Rows of the fold.
    rows
        Positions of those that the method can predict.
    after
        The piece of partial pooling that this one needs, if any.
    outcome
        Predictions of ``rows``, or why there is no posterior; ``None`` where nothing was fitted.
    """

    method: str
    fold: int
    held: int
    rows: np.ndarray
    after: Piece | None = None
    outcome: HeldOut | EngineError | None = None

    @property
    def lost(self) -> EngineError | None:
        """Why the piece that this one needs is not there."""
        outcome = None if self.after is None else self.after.outcome
        return outcome if isinstance(outcome, EngineError) else None

    @property
    def failed(self) -> bool:
        """Whether a gate failed the fit."""
        return isinstance(self.outcome, HeldOut) and self.outcome.verdict.failed

    @property
    def gates(self) -> tuple[str, ...]:
        """Gates that failed the fit."""
        if not isinstance(self.outcome, HeldOut):
            return ()
        return tuple(f.gate for f in self.outcome.verdict.findings if f.status == "fail")


def row_table(
    prepared: Prepared, folds: Folds, factor: Factor | None, pieces: Sequence[Piece]
) -> pd.DataFrame:
    """Return ``ROW_COLUMNS``, one row per method and row of the data.

    Parameters
    ----------
    factor
        Whose levels rows are said to be of, where no levels are held out.
    """
    response = prepared.design.response
    of = factor if folds.levels is None else folds.levels
    blocks = []
    for piece in pieces:
        held = folds.held(piece.fold)
        block = pd.DataFrame({"method": piece.method, "fold": folds.names[piece.fold]}, held)
        block["row"] = prepared.frame.row_numbers[held]
        block["level"] = "" if of is None else [of.levels[i] for i in of.index[held]]
        block["actual"] = np.asarray(response.values, dtype=float)[held]
        block["trials"] = np.nan if response.trials is None else response.trials[held]
        block[list(PREDICTED)] = np.nan
        if isinstance(piece.outcome, HeldOut):
            _fill(block, piece.rows, piece.outcome.rows, piece.outcome.scores.row)
        blocks.append(_told(block, piece, piece.rows))
    return _ordered(blocks, ROW_COLUMNS)


def level_table(prepared: Prepared, folds: Folds, pieces: Sequence[Piece]) -> pd.DataFrame:
    """Return ``LEVEL_COLUMNS``, one row per method and held-out level.

    A level of which a method predicts a part only has no prediction.
    """
    levels = folds.levels
    if levels is None:
        return pd.DataFrame(columns=list(LEVEL_COLUMNS))
    actual = _means(prepared.design.response, levels)
    counts = np.bincount(levels.index)
    blocks = []
    for piece in pieces:
        held = np.unique(levels.index[folds.held(piece.fold)])
        places, found = np.unique(levels.index[piece.rows], return_counts=True)
        block = pd.DataFrame({"method": piece.method, "fold": folds.names[piece.fold]}, held)
        block["level"] = [levels.levels[i] for i in held]
        block["rows"] = counts[held]
        block["actual"] = actual[held]
        block[list(PREDICTED)] = np.nan
        if isinstance(piece.outcome, HeldOut):
            summary, score = piece.outcome.pieces, piece.outcome.scores.piece
            assert summary is not None and score is not None
            _fill(block, places, summary, score)
            block.loc[places[found < counts[places]], list(PREDICTED)] = np.nan
        whole = places[found == counts[places]]
        blocks.append(_doubted(_told(block, piece, whole), piece, places))
    return _ordered(blocks, LEVEL_COLUMNS)


def _fill(block: pd.DataFrame, at: np.ndarray, summary: Summary, score: np.ndarray) -> None:
    block.loc[at, "mean"] = summary.mean
    block.loc[at, "sd"] = summary.sd
    block.loc[at, "lower"] = summary.lower
    block.loc[at, "upper"] = summary.upper
    block.loc[at, "log_score"] = score


def _told(block: pd.DataFrame, piece: Piece, asked: np.ndarray) -> pd.DataFrame:
    """Add whether the interval holds what was observed, and why a cell is empty.

    Parameters
    ----------
    asked
        Labels of the rows of ``block`` that the fit was asked about.
    """
    missing = block["mean"].isna() | block["lower"].isna()
    inside = (block["lower"] <= block["actual"]) & (block["actual"] <= block["upper"])
    block["inside"] = inside.astype("boolean").mask(missing)
    if isinstance(piece.outcome, EngineError):
        block["note"] = f"no posterior: {piece.outcome}"
    else:
        reason = piece.outcome.scores.reason if piece.outcome is not None else ""
        why = np.where(block.index.isin(asked), NO_NUMBER, NEW_LEVEL)
        block["note"] = np.where(missing, why, reason)
    return block


def _doubted(block: pd.DataFrame, piece: Piece, at: np.ndarray) -> pd.DataFrame:
    """Add which log scores of levels rest on a few of the draws.

    Parameters
    ----------
    at
        Labels of the rows of ``block`` that the predictions are of.
    """
    if isinstance(piece.outcome, HeldOut) and piece.outcome.scores.piece_mcse is not None:
        unsure = block.index.isin(at[piece.outcome.scores.piece_mcse > MAX_MCSE])
        unsure &= block["log_score"].notna().to_numpy()
        with_it = block["note"].where(block["note"] == "", block["note"] + "; ") + FEW_DRAWS
        block["note"] = block["note"].mask(unsure, with_it)
    return block


def _ordered(blocks: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables together by method, then in the order of the data."""
    table = pd.concat(blocks).rename_axis("place").reset_index()
    table["method"] = pd.Categorical(table["method"], list(METHODS))
    table = table.sort_values(["method", "place"], kind="stable", ignore_index=True)
    return table.assign(method=table["method"].astype(str))[list(columns)]


def _means(response: Response, levels: Factor) -> np.ndarray:
    """Return the mean response of each level; of counts of trials their share."""
    trials = np.ones(len(levels.index)) if response.trials is None else response.trials
    sums = np.bincount(levels.index, np.asarray(response.values, dtype=float))
    return np.asarray(sums / np.bincount(levels.index, trials))


def score_table(pieces: Sequence[Piece], rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``SCORE_COLUMNS``, one row per method.

    Parameters
    ----------
    rows
        Table of the rows.
    """
    found = []
    whole = {p.fold: _joint(p) for p in pieces if p.method == "partial"}
    for method in dict.fromkeys(rows["method"]):
        own = [piece for piece in pieces if piece.method == method]
        table = rows[rows["method"] == method]
        known = table.dropna(subset=["mean"])
        joint = np.array([_joint(piece) for piece in own])
        less = joint - np.array([whole.get(piece.fold, np.nan) for piece in own])
        covered = float(known["inside"].astype(float).mean()) if len(known) else np.nan
        error = known["mean"] - known["actual"]
        found.append(
            {
                "method": method,
                "folds": len(own),
                "rows": len(known),
                "elpd": joint.sum(),
                "elpd_se": _se(joint),
                "elpd_mcse": np.sqrt(np.square([_mcse(piece) for piece in own]).sum()),
                "elpd_diff": less.sum(),
                "elpd_diff_se": _se(less),
                "rmse": float(np.sqrt(np.square(error).mean())),
                "coverage": covered,
                "coverage_se": np.sqrt(covered * (1 - covered) / max(len(known), 1)),
                "width": float((known["upper"] - known["lower"]).mean()),
                "failed": sum(piece.failed for piece in own),
                "note": _joined(_note(table), _few_draws(own)),
            }
        )
    return pd.DataFrame(found)[list(SCORE_COLUMNS)]


def _joint(piece: Piece) -> float:
    """Return the joint log score of a fold, NaN unless all of its rows are predicted."""
    if not isinstance(piece.outcome, HeldOut) or len(piece.rows) < piece.held:
        return np.nan
    return piece.outcome.scores.joint


def _mcse(piece: Piece) -> float:
    if not isinstance(piece.outcome, HeldOut) or np.isnan(_joint(piece)):
        return np.nan
    return piece.outcome.scores.mcse


def _few_draws(pieces: Sequence[Piece]) -> str:
    joint = [p for p in pieces if np.isfinite(_joint(p))]
    unsure = sum(isinstance(p.outcome, HeldOut) and p.outcome.scores.unsure for p in joint)
    return f"{unsure} of {len(pieces)} folds: {FEW_DRAWS}" if unsure else ""


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _se(parts: np.ndarray) -> float:
    """Return the standard error of a sum of independent parts."""
    return float(np.sqrt(len(parts)) * parts.std(ddof=1)) if len(parts) > 1 else np.nan


def _note(table: pd.DataFrame) -> str:
    told = []
    for reason, own in table[table["note"] != ""].groupby("note", sort=False):
        told.append(f"{len(own)} of {len(table)} rows: {reason}")
    return "; ".join(told)
