"""Predictions of a few rows at a time, all draws of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hiermix.data.new_rows import Chunk
from hiermix.spec.families import CATEGORY_FAMILIES
from hiermix.studies.predict.categories import drawn, probabilities
from hiermix.studies.predict.evaluate import Evaluator, PartValues
from hiermix.studies.predict.levels import RowLevels
from hiermix.studies.predict.linear import LinearDraws, Posterior
from hiermix.studies.predict.request import Asked, needed_parameters, needs_se
from hiermix.studies.predict.stored import StoredPart
from hiermix.studies.predict.summary import Summary, summarise_rows
from hiermix.summary.families import predicted
from hiermix.summary.links import INVERSE

BLOCK_ROWS = 128
"""Rows that are predicted at a time; their new observations come from one random stream."""


class Blocks:
    """Predicts rows whose columns are evaluated.

    Parameters
    ----------
    evaluator
        Has the design and the linear predictors that are needed.
    asked
        How to predict.
    posterior
        Draws.
    used
        Factor -> positions of its fitted levels that occur in the new rows.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        asked: Asked,
        posterior: Posterior,
        used: Mapping[str, np.ndarray],
    ) -> None:
        self._evaluator = evaluator
        self._design = evaluator.design
        self._asked = asked
        self._linear = {
            part.parameter: LinearDraws(
                self._design, part, posterior, used, asked.new_levels, asked.seed
            )
            for part in evaluator.parts
        }
        self._fixed = self._auxiliary(posterior)

    def summarise(
        self, chunk: Chunk, values: Mapping[str, PartValues], levels: Mapping[str, RowLevels]
    ) -> Summary:
        """Return the predictions of a chunk: one for each row, or for each row and category.

        Parameters
        ----------
        chunk
            The rows.
        values
            Family's parameter -> columns of its linear predictor.
        levels
            Factor -> levels of the rows.
        """
        # What overflows is told as a row without a prediction.
        with np.errstate(all="ignore"):
            found = [
                self._block(chunk, slice(start, start + BLOCK_ROWS), values, levels)
                for start in range(0, len(chunk), BLOCK_ROWS)
            ]
        names = ("mean", "sd", "lower", "upper")
        return Summary(*(np.concatenate([getattr(own, name) for own in found]) for name in names))

    @property
    def categories(self) -> tuple[str, ...] | None:
        """Categories that each row has a prediction for; ``None`` for a single prediction."""
        design = self._design
        if design.family not in CATEGORY_FAMILIES:
            return None
        if self._asked.scale == "link":
            return (design.response.levels or ())[1:] if design.family == "categorical" else None
        return design.response.levels

    def _auxiliary(self, posterior: Posterior) -> dict[str, np.ndarray]:
        """Return the draws of the needed parameters without a linear predictor."""
        design, asked = self._design, self._asked
        found = {}
        modelled = {part.parameter for part in self._evaluator.parts}
        for name in needed_parameters(design, asked):
            if name not in modelled and name in design.parameters:
                found[name] = posterior.draws(design.parameters[name])
        return found

    def _block(
        self,
        chunk: Chunk,
        rows: slice,
        values: Mapping[str, PartValues],
        levels: Mapping[str, RowLevels],
    ) -> Summary:
        design, asked = self._design, self._asked
        main = design.main
        eta = self._linear[main.parameter].at(values[main.parameter], levels, rows)
        if asked.scale == "link":
            draws = eta
        elif design.family in CATEGORY_FAMILIES:
            draws = probabilities(design.family, main.link, eta, self._fixed.get("threshold"))
            if asked.kind == "response":
                draws = drawn(draws, self._rng(chunk, rows))
        else:
            parameters = {main.parameter: _unlinked(main, eta[0])}
            parameters |= {name: draws[None, :] for name, draws in self._fixed.items()}
            for part in self._evaluator.parts[1:]:
                own = self._linear[part.parameter].at(values[part.parameter], levels, rows)[0]
                parameters[part.parameter] = _unlinked(part, own)
            parameters |= self._given(chunk, rows)
            rng = self._rng(chunk, rows) if asked.kind == "response" else None
            draws = predicted(design.family, parameters, rng)[None]
        # A copy: what is summarised is reordered in place.
        flat = np.array(np.moveaxis(draws, 0, 1), order="C").reshape(-1, draws.shape[-1])
        return summarise_rows(flat, asked.interval, asked.interval_kind)

    def _given(self, chunk: Chunk, rows: slice) -> dict[str, np.ndarray]:
        """Return what the new data say of the distribution of a row, shape ``(rows, 1)``."""
        design, asked = self._design, self._asked
        found = {}
        if needs_se(design, asked):
            found["sigma"] = chunk.values[str(design.known_se)][rows, None]
        if design.response.kind == "proportion":
            trials = design.response.trials if asked.trials is None else float(asked.trials)
            column = chunk.values.get(trials) if isinstance(trials, str) else None
            count = 1.0 if isinstance(trials, str) or trials is None else float(trials)
            n = np.full(len(chunk), count) if column is None else column
            found["n"] = n[rows, None]
        return found

    def _rng(self, chunk: Chunk, rows: slice) -> np.random.Generator:
        first = int(chunk.numbers[rows.start])
        return np.random.default_rng(np.random.SeedSequence([self._asked.seed, 1, first]))


def _unlinked(part: StoredPart, eta: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return INVERSE[part.link](eta)
