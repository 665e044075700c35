"""Average predictions, contrasts and slopes on the scale of the response.

With the inverse link h and the linear predictor eta, everything is a mean over the rows of the
data, draw by draw, each row with the effects of its own levels: of h(eta) with a predictor at a
given value in every row, of differences of two such, or of h'(eta) d eta / d x.

Source: average marginal effects as in Arel-Bundock, Greifer and Heiss 2024,
doi:10.18637/jss.v111.i09; the rows are those of the data ("observed values").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hiermix.design.scenario import linear_part_at, slope_part
from hiermix.summary.draws import evenly_spaced
from hiermix.summary.links import INVERSE, SLOPES, Curve
from hiermix.summary.predictor import PredictorDraws, predictor_draws
from hiermix.summary.questions.answer import Levels

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.design.types import LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan
    from hiermix.spec import QuestionSpec, RunSpec
    from hiermix.summary.questions.resolve import Asked

MAX_CELLS = 200_000_000
"""Rows x draws x linear predictors that are evaluated; beyond, fewer draws are used."""

MIN_DRAWS = 100
"""Draws of each chain that are used at least."""

CHUNK_CELLS = 4_000_000
"""Rows times draws that are in memory at a time (a few arrays of 32 MB)."""

STEP = 1e-5
"""Step of the difference quotient of a column, in units of the largest predictor.

A column that is linear in the predictor, such as ``x`` and ``x:z``, has its derivative up to
rounding; the error of others is of the order of the step squared.
"""


LINKS = frozenset(SLOPES) - {"inverse_squared"}
"""Links that expected responses can be asked about."""

MEANS = frozenset(
    {
        "bernoulli", "beta", "beta_binomial", "binomial", "gamma", "gaussian", "laplace",
        "negativebinomial", "poisson", "t", "wald",
    }
)  # fmt: skip
"""Families whose formula is about the mean of the response, or of a trial (binomial)."""


@dataclass(frozen=True)
class ResponseScale:
    """The data and the model, to ask about expected responses."""

    spec: RunSpec
    frame: Frame
    design: Design
    plan: ModelPlan

    def levels(self, question: QuestionSpec) -> tuple[str, ...]:
        """Return the levels of a factor; none of a number."""
        column = self.frame.table[question.of]
        if not isinstance(column.dtype, pd.CategoricalDtype):
            return ()
        return tuple(str(level) for level in column.cat.categories)

    def at(self, question: QuestionSpec, value: float | str | np.ndarray | None) -> LinearPart:
        """Return the linear predictor with the predictor of a question at a value.

        Parameters
        ----------
        question
            Its ``at`` holds for the other predictors.
        value
            A number, a level, one number for each row, or ``None`` for what the data have.

        Raises
        ------
        DesignError
            A term cannot be evaluated there.
        """
        changes = {name: self._column(name, at) for name, at in question.at.items()}
        if value is not None:
            changes[question.of] = self._column(question.of, value)
        return linear_part_at(self.spec, self.frame, self.design, changes)

    def _column(self, name: str, value: float | str | np.ndarray) -> pd.Series[Any]:
        table = self.frame.table
        if isinstance(value, str):
            levels = pd.Series([value] * len(table), index=table.index, dtype=object)
            return levels.astype(table[name].dtype)
        return pd.Series(np.broadcast_to(value, len(table)).astype(float), index=table.index)

    def slope(self, question: QuestionSpec) -> LinearPart:
        """Return the derivative of the linear predictor by the predictor of a question.

        At the rows' own values, or where ``at`` has the predictor itself.
        """
        own = self.frame.table[question.of].to_numpy(dtype=float)
        step = STEP * float(np.abs(own).max())
        x = np.full(len(own), question.at[question.of]) if question.of in question.at else own
        return slope_part(self.at(question, x + step), self.at(question, x - step), step)


def response_levels(
    scale: ResponseScale, asked: Asked, fit: Fit, noted: str = ""
) -> tuple[Levels, ...]:
    """Return what a question about the response compares, for each level of ``by``."""
    question = asked.question
    rows = RowSets.of(scale, question)
    means = RowMeans.of(scale, fit, rows, predictors=len(asked.picked) + 1)
    note = "; ".join(t for t in (noted, _fixed(question), means.note) if t)
    labels: tuple[str, ...] = ("",)
    reference: np.ndarray | None = None
    name = ""
    if question.values is not None:
        before, after = question.values
        labels, name = (f"{after:g}",), f"{before:g}"
        reference = means.expected(scale.at(question, before))[None]
        found = means.expected(scale.at(question, after))[None]
    elif levels := scale.levels(question):
        labels = tuple(levels[i] for i in asked.picked)
        found = np.stack([means.expected(scale.at(question, label)) for label in labels])
        if asked.reference is not None:
            name = levels[asked.reference]
            reference = means.expected(scale.at(question, name))[None]
    else:
        found = means.slope(scale.at(question, None), scale.slope(question))[None]
    return tuple(
        Levels(
            labels,
            found[..., g].__getitem__,
            found.shape[1] * found.shape[2],
            None if reference is None else (name, reference[..., g]),
            by,
            note,
        )
        for g, by in enumerate(rows.by)
    )


def _fixed(question: QuestionSpec) -> str:
    stated = [f"{name} = {v:g}" if isinstance(v, float) else f"{name} = {v}"
              for name, v in question.at.items()]  # fmt: skip
    return f"at {', '.join(stated)}" if stated else ""


@dataclass(frozen=True)
class RowSets:
    """Which rows are averaged together, and how much each counts.

    ``by`` are the labels of the sets; ``order`` sorts rows by set, ``starts`` is where each
    begins and ``weight`` what a row counts, in that order.
    """

    by: tuple[str, ...]
    order: np.ndarray
    starts: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, scale: ResponseScale, question: QuestionSpec) -> RowSets:
        """Return the sets of a question, rows weighted by how often they occur."""
        weight = scale.design.rows
        if question.by is None:
            return cls(("",), np.arange(len(weight)), np.zeros(1, dtype=int), weight)
        column = scale.frame.table[question.by].cat.remove_unused_categories()
        codes = column.cat.codes.to_numpy()
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(column.cat.categories)))
        return cls(tuple(map(str, column.cat.categories)), order, starts, weight[order])

    def average(self, values: np.ndarray) -> np.ndarray:
        """Return weighted means of ``(n_draws, n_obs)`` by set, shape ``(n_draws, n_sets)``."""
        sums = np.add.reduceat(values[:, self.order] * self.weight, self.starts, axis=1)
        return np.asarray(sums / np.add.reduceat(self.weight, self.starts))


@dataclass(frozen=True)
class RowMeans:
    """Averages over rows, draw by draw: arrays of shape ``(n_chains, n_picked, n_sets)``.

    ``rows`` are the ``n_obs`` rows of the linear predictors that are asked about; ``coefficients``
    has ``n_picked`` draws of each of ``chains``, and ``note`` says so where these are not all.
    """

    rows: RowSets
    n_obs: int
    chains: int
    coefficients: PredictorDraws
    curve: Curve
    curve_slope: Curve
    note: str = ""

    @classmethod
    def of(
        cls,
        scale: ResponseScale,
        fit: Fit,
        rows: RowSets,
        *,
        predictors: int,
        n_obs: int | None = None,
    ) -> RowMeans:
        """Choose and read the draws: all, unless ``n_obs`` (of the design) times them are many."""
        sizes = fit.tree["posterior"].sizes
        chains, n_draws = sizes["chain"], sizes["draw"]
        n_obs = scale.design.n_obs if n_obs is None else n_obs
        wanted = min(n_draws, max(MIN_DRAWS, MAX_CELLS // (n_obs * chains * predictors)))
        picks, note = None, ""
        if wanted < n_draws:
            places = evenly_spaced(n_draws, wanted)
            picks = (np.arange(chains)[:, None] * n_draws + places).ravel()
            note = f"{len(places)} of {n_draws} draws a chain"
        coefficients = predictor_draws(fit, scale.plan, scale.plan.design.main, picks)
        link = scale.plan.links[scale.design.main.parameter]
        return cls(rows, n_obs, chains, coefficients, INVERSE[link], SLOPES[link], note)

    def expected(self, part: LinearPart) -> np.ndarray:
        """Return means of the expected response."""
        predictor = self._of(part)
        return self._over(lambda draws: self.curve(_eta(predictor, draws)))

    def slope(self, part: LinearPart, derivative: LinearPart) -> np.ndarray:
        """Return means of its derivative, by the chain rule."""
        predictor, change = self._of(part), self._of(derivative)
        change = replace(change, intercept=np.zeros_like(change.intercept))
        return self._over(
            lambda draws: self.curve_slope(_eta(predictor, draws)) * _eta(change, draws)
        )

    def _of(self, part: LinearPart) -> PredictorDraws:
        return replace(self.coefficients, part=part, n_obs=self.n_obs)

    def _over(self, values: Callable[[slice], np.ndarray]) -> np.ndarray:
        count = len(self.coefficients.intercept)
        step = max(1, CHUNK_CELLS // self.n_obs)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            means = [
                self.rows.average(values(slice(start, min(start + step, count))))
                for start in range(0, count, step)
            ]
        return np.concatenate(means).reshape(self.chains, -1, len(self.rows.by))


def _eta(predictor: PredictorDraws, draws: slice) -> np.ndarray:
    return np.asarray(predictor.common_part(draws) + predictor.group_part(draws))
