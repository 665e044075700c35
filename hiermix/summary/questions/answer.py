"""Questions and draws -> rows of ``questions.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.diagnostics.chains import mcse_of_means
from hiermix.summary.draws import pieces
from hiermix.summary.intervals import IntervalKind, interval, ordered, quantile
from hiermix.summary.questions.choice import Draws, best_of
from hiermix.summary.questions.decisions import directions, frequency, rope_verdicts, share
from hiermix.summary.questions.table import (
    QUESTION_COLUMNS,
    QUESTION_TEXTS,
    empty_questions,
)
from hiermix.summary.questions.targets import target_draws

if TYPE_CHECKING:
    import xarray as xr

    from hiermix.spec import QuestionSpec
    from hiermix.summary.questions.resolve import Asked

MEAN_OF_LEVELS = "mean of levels"
"""What contrast ``mean`` compares with, in the column ``against``."""


@dataclass(frozen=True)
class Levels:
    """The levels of one question: labels, and draws by their positions.

    ``n_draws`` counts those of all chains. ``reference`` is the label and the draws, shape
    ``(1, n_chains, n_draws)``, of the level that the others are compared with. ``by`` is the
    level of the rows that were averaged.
    """

    labels: tuple[str, ...]
    draws: Draws
    n_draws: int
    reference: tuple[str, np.ndarray] | None = None
    by: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Effects:
    """Some rows of an answer: who is compared with whom, and draws ``(n, n_chains, n_draws)``."""

    level: tuple[str, ...]
    against: tuple[str, ...]
    draws: np.ndarray


def levels_of(asked: Asked, posterior: xr.Dataset) -> Levels:
    """Return the levels of a question about coefficients or deviations."""
    target, picked = asked.target, asked.picked
    assert target is not None  # the response scale has its own levels
    deviation = asked.question.scale == "deviation"

    def draws(positions: np.ndarray) -> np.ndarray:
        return target_draws(target, posterior, picked[positions], deviation)

    reference = None
    if asked.reference is not None:
        place = np.array([asked.reference])
        label = target.levels[asked.reference]
        reference = label, target_draws(target, posterior, place, deviation)
    note = target.note
    return Levels(
        tuple(target.levels[i] for i in picked),
        draws,
        posterior.sizes["chain"] * posterior.sizes["draw"],
        reference,
        note=note,
    )


def answer(
    name: str,
    question: QuestionSpec,
    levels: Levels,
    probability: float,
    kind: IntervalKind,
) -> pd.DataFrame:
    """Return ``QUESTION_COLUMNS``, a row for each level or contrast.

    Parameters
    ----------
    name
        The column ``question``.
    question
        What is asked; its levels and names are in ``levels``.
    levels
        Whom it is about, with draws.
    probability, kind
        Of the intervals: see ``summarise``.

    Notes
    -----
    Levels are worked on in `pieces`; time is linear in draws times rows of the answer.
    """
    # Draws that are not finite have no answers: the numbers stay empty.
    with np.errstate(invalid="ignore", over="ignore"):
        blocks = [
            _block(effects, question, probability, kind) for effects in _effects(question, levels)
        ]
        table = pd.concat(blocks, ignore_index=True)
        if question.best is not None:
            table = _with_best(table, question, levels)
    table["question"], table["of"], table["scale"] = name, question.of, question.scale
    table["by"], table["note"] = levels.by, levels.note
    for column in QUESTION_TEXTS:
        table[column] = table[column].astype(object) if column in table else ""
    return table.reindex(columns=list(QUESTION_COLUMNS))


def together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the answers of several questions as one table."""
    return pd.concat(tables, ignore_index=True) if tables else empty_questions()


def _effects(question: QuestionSpec, levels: Levels) -> Iterator[_Effects]:
    n = len(levels.labels)
    if question.contrast == "pairwise":
        yield from _pairs(levels)
        return
    base: np.ndarray | float = 0.0
    against = ""
    if levels.reference is not None:
        against, base = levels.reference
    elif question.contrast == "mean":
        against = MEAN_OF_LEVELS
        total = sum(levels.draws(np.arange(n)[p]).sum(axis=0) for p in pieces(levels.n_draws, n))
        base = total / n
    for piece in pieces(levels.n_draws, n):
        labels = levels.labels[piece]
        yield _Effects(labels, (against,) * len(labels), levels.draws(np.arange(n)[piece]) - base)


def _pairs(levels: Levels) -> Iterator[_Effects]:
    draws = levels.draws(np.arange(len(levels.labels)))
    pairs = list(combinations(range(len(levels.labels)), 2))
    for piece in pieces(levels.n_draws, len(pairs)):
        first = [i for i, _ in pairs[piece]]
        second = [j for _, j in pairs[piece]]
        yield _Effects(
            tuple(levels.labels[i] for i in first),
            tuple(levels.labels[j] for j in second),
            draws[first] - draws[second],
        )


def _block(
    effects: _Effects, question: QuestionSpec, probability: float, kind: IntervalKind
) -> pd.DataFrame:
    draws = effects.draws
    sound = np.isfinite(draws).all(axis=(1, 2))
    rows = ordered(draws.reshape(len(draws), -1).T)
    lower, upper = interval(rows, probability, kind)
    above, mcse_above = share(draws > question.threshold, sound)
    below, mcse_below = frequency(draws < question.threshold, sound), mcse_above
    if (draws == question.threshold).any():
        below, mcse_below = share(draws < question.threshold, sound)
    direction, turns = directions(above, mcse_above, below, mcse_below, question.decide)
    unstable = [np.where(turns, "direction", "")]
    columns: dict[str, object] = {
        "level": list(effects.level),
        "against": list(effects.against),
        "mean": draws.mean(axis=(1, 2)),
        "sd": draws.std(axis=(1, 2), ddof=1),
        "median": quantile(rows, 0.5),
        "lower": lower,
        "upper": upper,
        "mcse_mean": mcse_of_means(draws),
        "threshold": question.threshold,
        "prob_above": above,
        "mcse_above": mcse_above,
        "prob_below": below,
        "mcse_below": mcse_below,
        "decide": question.decide,
        "direction": direction,
    }
    if question.rope is not None:
        low, high = question.rope
        columns["rope_lower"], columns["rope_upper"] = low, high
        columns["prob_rope"], columns["mcse_rope"] = share((draws >= low) & (draws <= high), sound)
        columns["rope"], flips = rope_verdicts(draws, sound, (lower, upper), question.rope)
        unstable.append(np.where(flips, "rope", ""))
    joined = [", ".join(w for w in words if w) for words in zip(*unstable, strict=True)]
    return pd.DataFrame({**columns, "unstable": joined})


def _with_best(table: pd.DataFrame, question: QuestionSpec, levels: Levels) -> pd.DataFrame:
    found = best_of(
        levels.draws,
        len(levels.labels),
        levels.n_draws,
        question.best == "max",
        question.top,
        question.decide,
    )
    table["prob_best"], table["mcse_best"] = found.probability, found.probability_mcse
    table["expected_loss"], table["mcse_loss"] = found.loss, found.loss_mcse
    table["choice"] = np.where(found.chosen, "best", "")
    marks = [found.unstable]
    if question.top is not None and found.top_unstable is not None:
        table["top"] = float(question.top)
        table["prob_top"], table["mcse_top"] = found.top, found.top_mcse
        table["in_top"] = found.top_words
        marks.append(found.top_unstable)
    for word, mark in zip(("best", "top"), marks, strict=False):
        table["unstable"] = [
            ", ".join(w for w in (before, word if here else "") if w)
            for before, here in zip(table["unstable"], mark, strict=True)
        ]
    return table
