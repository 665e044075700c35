"""Draws -> ``arms.csv``: effects per level as difference of rates, ratio and log odds ratio.

Of every posterior draw, the expected rate of each row with all rows at control, and with all at
treatment, other predictors as they are; averaged over the rows of a level by their trials
(g-computation, Robins 1986, doi:10.1016/0270-0255(86)90088-6); then the effect of these two rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.design.two_arms import Counts, Estimate, difference, log_odds_ratio, ratio
from hiermix.formula import parse_formula
from hiermix.spec import QuestionSpec
from hiermix.summary.arms.sides import Sides, sides_of
from hiermix.summary.arms.table import ALL_ROWS, ARMS_COLUMNS, SCALES, empty_arms
from hiermix.summary.draws import pieces
from hiermix.summary.questions.answer import Levels, answer
from hiermix.summary.questions.response import ResponseScale, RowMeans, RowSets

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.design.types import Factor, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan
    from hiermix.spec import RunSpec
    from hiermix.summary.intervals import IntervalKind

SUMMARIES = ("mean", "sd", "median", "lower", "upper", "mcse_mean", "prob_above")
"""Columns that answers to questions have too."""

NO_EFFECT = {"difference": 0.0, "ratio": 1.0, "log_odds": 0.0}
"""What ``prob_above`` compares with."""

RAW = {"difference": difference, "ratio": ratio, "log_odds": log_odds_ratio}


def arm_effects(
    spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan, fit: Fit
) -> pd.DataFrame:
    """Return ``arms.csv`` of a run: ``ARMS_COLUMNS``, a row for each level and scale.

    Levels are those of the grouping factors by which the effect of the arm differs, else of all
    grouping factors; the first rows are of all rows together. None without two arms.

    Parameters
    ----------
    spec, frame, design, plan
        What was fitted: the design before any rows were merged for the fit, the plan of the
        draws.
    fit
        The posterior.

    Notes
    -----
    Rows with equal predictors are evaluated once. Levels are worked on in `pieces`; beyond
    ``MAX_CELLS`` evaluations fewer draws are used, which the column ``draws`` says.
    """
    if spec.arms is None:
        return empty_arms()
    scale = ResponseScale(spec, frame, design, plan)
    sides = sides_of(scale)
    if sides is None:
        return empty_arms()
    trials = design.rows * (1.0 if design.response.trials is None else design.response.trials)
    successes = design.rows * design.response.values
    cells = _Cells.of(scale, sides, trials)
    together = RowSets((ALL_ROWS,), np.arange(len(cells.rows)), np.zeros(1, int), cells.weight)
    factors = _factors(scale, sides.column)
    means = RowMeans.of(
        scale, fit, together, predictors=2 * (1 + len(factors)), n_obs=len(cells.rows)
    )
    rates = _Rates(cells, means)
    outputs = spec.outputs.interval, spec.outputs.interval_kind
    overall = np.zeros(design.n_obs, dtype=int)
    found = [
        _block(rates.of(together, cells.rows), "", _counts(sides, successes, trials, overall, 1),
               together.by, *outputs)
    ]  # fmt: skip
    for factor in factors:
        counts = _counts(sides, successes, trials, factor.index, factor.n_groups)
        found += [
            _block(of_piece, factor.name, _picked(counts, levels), factor.levels[levels], *outputs)
            for levels, of_piece in rates.by_level(factor)
        ]
    return pd.concat(found, ignore_index=True)


def _factors(scale: ResponseScale, column: str) -> tuple[Factor, ...]:
    """Return the factors by which the effect differs; if there are none, all."""
    blocks = parse_formula(scale.spec.model.formula).group_terms
    own = {
        block.factor_name
        for block in blocks
        if any(column in term.variables for term in block.terms)
    }
    factors = scale.design.main.factors
    return tuple(f for f in factors if f.name in own) or factors


@dataclass(frozen=True)
class _Cells:
    """Rows that differ in another predictor than the arm.

    ``rows`` ``(n_cells,)`` are the positions of the first of each, ``weight`` ``(n_cells,)`` their
    trials in both arms, ``parts`` the linear predictors of all rows at control and at treatment.
    """

    rows: np.ndarray
    weight: np.ndarray
    parts: tuple[LinearPart, LinearPart]

    @classmethod
    def of(cls, scale: ResponseScale, sides: Sides, trials: np.ndarray) -> _Cells:
        formula = parse_formula(scale.spec.model.formula)
        others = [name for name in formula.predictors() if name != sides.column]
        codes = np.zeros(len(trials), dtype=int)
        if others:
            groups = scale.frame.table.groupby(others, sort=False, observed=True)
            codes = groups.ngroup().to_numpy()
        _, rows = np.unique(codes, return_index=True)
        return cls(rows, np.bincount(codes, weights=trials), sides.parts)


@dataclass(frozen=True)
class _Rates:
    """Expected rates of sets of rows, draw by draw."""

    cells: _Cells
    means: RowMeans

    def of(self, sets: RowSets, rows: np.ndarray) -> np.ndarray:
        """Return rates at control and treatment, shape ``(2, n_sets, n_chains, n_draws)``.

        Those that are no rates are NaN: a link that does not keep them within 0 and 1 has left
        these, or a draw is damaged.

        Parameters
        ----------
        sets
            Of positions in ``rows``.
        rows
            Positions in the data.
        """
        means = replace(self.means, rows=sets, n_obs=len(rows))
        found = np.stack([means.expected(part.at(rows)) for part in self.cells.parts])
        with np.errstate(invalid="ignore"):
            found[~((found >= 0) & (found <= 1))] = np.nan
        return np.moveaxis(found, -1, 1)

    def by_level(self, factor: Factor) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield runs of levels, and what `of` says of them."""
        cells = self.cells
        codes = factor.index[cells.rows]
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(factor.n_groups + 1))
        n_draws = len(self.means.coefficients.intercept)
        for piece in pieces(2 * n_draws, factor.n_groups):
            own = starts[piece.start : piece.stop + 1]
            picked = order[own[0] : own[-1]]
            weight = cells.weight[picked]
            sets = RowSets(factor.levels[piece], np.arange(len(picked)), own[:-1] - own[0], weight)
            yield piece, self.of(sets, cells.rows[picked])


def _counts(
    sides: Sides, successes: np.ndarray, trials: np.ndarray, index: np.ndarray, n: int
) -> Counts:
    """Sum the counts of each arm over the rows of each level."""

    def total(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.bincount(index[rows], weights=values[rows], minlength=n)

    return Counts(
        total(successes, ~sides.treated),
        total(trials, ~sides.treated),
        total(successes, sides.treated),
        total(trials, sides.treated),
    )


def _picked(counts: Counts, levels: slice) -> Counts:
    return Counts(
        counts.control_successes[levels],
        counts.control_trials[levels],
        counts.treatment_successes[levels],
        counts.treatment_trials[levels],
    )


def _effects(rates: np.ndarray) -> dict[str, np.ndarray]:
    """Return the draws of each scale, ``(n_levels, n_chains, n_draws)``; NaN if undefined."""
    control, treatment = rates
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = {
            "difference": treatment - control,
            "ratio": treatment / control,
            "log_odds": (np.log(treatment) - np.log1p(-treatment))
            - (np.log(control) - np.log1p(-control)),
        }
    return {name: np.where(np.isfinite(draws), draws, np.nan) for name, draws in found.items()}


def _block(
    rates: np.ndarray,
    group: str,
    counts: Counts,
    levels: tuple[str, ...],
    probability: float,
    kind: IntervalKind,
) -> pd.DataFrame:
    """Return the rows of some levels of one factor."""
    n, effects = len(levels), _effects(rates)
    tables = []
    for name in SCALES:
        draws, raw = effects[name], RAW[name](counts)
        tables.append(_scale(name, draws, levels, raw, probability, kind))
    table = pd.concat(tables, ignore_index=True)
    rate = counts.rates
    columns = {
        "level": levels,
        "trials_control": counts.control_trials.astype(np.int64),
        "trials_treatment": counts.treatment_trials.astype(np.int64),
        "rate_control": rate[0],
        "rate_treatment": rate[1],
    }
    for column, values in columns.items():
        table[column] = np.tile(np.asarray(values, dtype=object if column == "level" else None), 3)
    table["group"] = group
    table["draws"] = rates.shape[2] * rates.shape[3]
    by_level = np.arange(3 * n).reshape(3, n).T.ravel()
    return table.iloc[by_level][list(ARMS_COLUMNS)]


def _scale(
    name: str,
    draws: np.ndarray,
    levels: tuple[str, ...],
    raw: Estimate,
    probability: float,
    kind: IntervalKind,
) -> pd.DataFrame:
    question = QuestionSpec(of=name, threshold=NO_EFFECT[name])
    size = draws.shape[1] * draws.shape[2]
    asked = answer(name, question, Levels(levels, draws.__getitem__, size), probability, kind)
    table = asked[list(SUMMARIES)].copy()
    table["scale"] = name
    table["raw_estimate"] = raw.value
    table["raw_se"] = raw.se
    return table
