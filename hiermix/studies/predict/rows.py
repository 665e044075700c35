"""Predictions for rows of new data, in two passes: all are checked before any is predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.data.new_rows import Chunk, NewRows, replaced
from hiermix.data.words import counted
from hiermix.design.cre.means import LevelMeans
from hiermix.errors import DataError, Where
from hiermix.studies.predict.blocks import Blocks
from hiermix.studies.predict.checking import check_values
from hiermix.studies.predict.contextual import RowMeans
from hiermix.studies.predict.evaluate import Evaluator, PartValues, column_names
from hiermix.studies.predict.expressions import evaluate
from hiermix.studies.predict.levels import RowLevels
from hiermix.studies.predict.linear import Posterior
from hiermix.studies.predict.problems import Problems, nearest, raise_all, some
from hiermix.studies.predict.request import Asked, needed_parameters, needs_se, uses_trials
from hiermix.studies.predict.stored import StoredDesign, StoredPart
from hiermix.studies.predict.summary import Summary


@dataclass(frozen=True)
class Batch:
    """Predictions of some rows.

    ``chunk`` has the rows; ``categories`` are ``None``, or the ``m`` categories that each row has a
    line for, and then the summary has ``m`` entries a row. ``new_levels`` ``(n,)`` names the
    factors whose level was not fitted.
    """

    chunk: Chunk
    categories: tuple[str, ...] | None
    summary: Summary
    new_levels: np.ndarray


class RowPredictor:
    """Predicts rows of one open source.

    Parameters
    ----------
    design
        What the run remembers.
    asked
        How to predict.
    means
        Level means of the fit.
    """

    def __init__(self, design: StoredDesign, asked: Asked, means: Sequence[LevelMeans]) -> None:
        self._design = design
        self._asked = asked
        self._means = RowMeans(means)
        self._evaluator = Evaluator(design, needed_parameters(design, asked))
        self._used = {
            name: np.zeros(len(design.factors[name].levels), dtype=bool)
            for name in self._evaluator.factors
        }
        self._new: dict[str, dict[tuple[str, ...], None]] = {name: {} for name in self._used}
        self._respelt: dict[str, dict[str, str]] = {name: {} for name in self._used}
        self._extrapolated: dict[str, int] = {}
        self._weight = self._evaluator.weight_columns

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Data columns of the grouping factors that are needed, each once."""
        factors = [self._design.factors[name] for name in self._evaluator.factors]
        return tuple(dict.fromkeys(v for factor in factors for v in factor.variables))

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """Data columns that new data have to have."""
        names = list(self._evaluator.variables())
        if needs_se(self._design, self._asked):
            names.append(str(self._design.known_se))
        return tuple(dict.fromkeys(names))

    @property
    def welcome_columns(self) -> tuple[str, ...]:
        """Data columns that are used where new data have them: trials, weights."""
        names = list(self._weight) if self._means.groups else []
        trials = self._design.response.trials
        if uses_trials(self._design, self._asked) and isinstance(trials, str):
            names += [trials] if self._asked.trials is None else []
        return tuple(n for n in dict.fromkeys(names) if n not in self.needed_columns)

    def check(self, rows: NewRows, file: str) -> tuple[str, ...]:
        """Look at every row; return sentences for a person.

        Raises
        ------
        InputErrors
            Columns are not there or cannot be read, values are missing, or have no place in the
            model: every column and term with its rows.
        """
        problems = Problems()
        for chunk in rows.chunks():
            levels = self._evaluator.levels(chunk.values)
            check_values(self._evaluator, chunk, problems, self._extrapolated)
            self._check_numbers(chunk, problems)
            for name, own in levels.items():
                self._note_levels(name, own, chunk, problems)
            if not rows.errors:
                self._add_means(chunk, levels)
        missing = [
            DataError(
                "predict.missing",
                f"{name}: {count} missing, at {', '.join(places)}"
                + (f" and {counted(count - len(places), 'row')} more" if places[2:] else ""),
                Where(file=file),
                "fill in a value, or leave the rows out",
            )
            for name, count, places in rows.missing()
        ]
        columns = [own for error in rows.errors for own in replaced(error, file)]
        raise_all([*columns, *missing, *problems.errors(file, rows.place)])
        return tuple(self._notes(rows))

    def _check_numbers(self, chunk: Chunk, problems: Problems) -> None:
        se, trials = self._design.known_se, self._design.response.trials
        if se is not None and se in chunk.values:
            bad = ~(chunk.values[se] > 0)
            problems.add_where(
                "predict.known-se", se, "a standard error is > 0", chunk, bad, chunk.values[se]
            )
        if isinstance(trials, str) and trials in chunk.values:
            n = chunk.values[trials]
            bad = ~((n >= 1) & (n == np.floor(n)) & (n < 2**53))
            problems.add_where(
                "predict.trials", trials, "trials are whole numbers, 1 or more", chunk, bad, n
            )

    def _note_levels(self, name: str, levels: RowLevels, chunk: Chunk, problems: Problems) -> None:
        self._used[name][levels.place[~levels.is_new]] = True
        self._new[name].update(dict.fromkeys(levels.new))
        self._respelt[name].update(levels.respelt)
        if self._asked.new_levels != "error" or not levels.new:
            return
        known = [":".join(level) for level in self._design.factors[name].levels]
        rows = np.flatnonzero(levels.is_new)
        texts = [":".join(levels.new[levels.which[row]]) for row in rows[:3]]
        problems.add(
            "predict.new-level",
            name,
            "no such level was fitted",
            chunk.numbers[rows],
            shown=texts,
            hint=f"{nearest(texts[0], known)}; or use --new-levels draw or population",
        )

    def _add_means(self, chunk: Chunk, levels: Mapping[str, RowLevels]) -> None:
        groups = [group for group in self._means.groups if levels[group].new]
        if not groups:
            return
        main = self._design.main
        sources = self._evaluator.sources(main, chunk.values, len(chunk))
        at = {
            column: sources[term.name][:, i]
            for term in main.terms
            for i, column in enumerate(column_names(term))
        }
        weight = self._row_weights(chunk)
        for group in groups:
            x = np.column_stack([at[name] for name in self._means.columns(group)])
            self._means.add(group, levels[group], x, weight)

    def _row_weights(self, chunk: Chunk) -> np.ndarray:
        """Return how much rows count in means of new levels: as in the fit, if that is known."""
        if not self._weight or not set(self._weight) <= set(chunk.values):
            return np.ones(len(chunk))
        if self._evaluator.weights is not None:
            found = evaluate(self._evaluator.weights, chunk.values, {})
        else:
            found = chunk.values[self._weight[0]]
            if self._weight[0] == self._design.known_se:
                found = 1 / found**2
        return np.where(np.isfinite(found) & (found > 0), found, 0.0)

    def _notes(self, rows: NewRows) -> Iterator[str]:
        design, asked = self._design, self._asked
        for name, new in self._new.items():
            if new:
                how = {
                    "draw": "one fresh draw each from the distribution of the levels",
                    "population": "no deviation from the population",
                }[asked.new_levels]
                texts = [":".join(level) for level in new]
                yield f"{name}: {counted(len(new), 'new level')} ({some(texts)}); {how}"
        for name, meant in self._respelt.items():
            if meant:
                pairs = [f"{text} as {level}" for text, level in meant.items()]
                yield f"{name}: read {some(pairs)}"
        for call, count in self._extrapolated.items():
            yield f"{call}: {counted(count, 'row')} beyond the fitted rows; the spline goes on"
        if uses_trials(design, asked) and asked.trials is None:
            trials = design.response.trials
            if isinstance(trials, str) and trials not in rows.wanted:
                yield f"no column {trials}: predictions are for one trial, so probabilities"
        if design.response.kind in ("truncated", "censored"):
            yield f"the response is {design.response.kind}: predictions are of the value behind it"

    def batches(self, rows: NewRows, posterior: Posterior) -> Iterator[Batch]:
        """Yield the predictions of all rows, in file order; `check` comes first."""
        used = {name: np.flatnonzero(own) for name, own in self._used.items()}
        blocks = Blocks(self._evaluator, self._asked, posterior, used)
        for chunk in rows.chunks():
            levels = self._evaluator.levels(chunk.values)
            values = {
                part.parameter: self._values(part, chunk, levels) for part in self._evaluator.parts
            }
            summary = blocks.summarise(chunk, values, levels)
            yield Batch(chunk, blocks.categories, summary, _new_names(levels, len(chunk)))

    def _values(
        self, part: StoredPart, chunk: Chunk, levels: Mapping[str, RowLevels]
    ) -> PartValues:
        return self._evaluator.part(part, chunk.values, levels, self._means, len(chunk))


def _new_names(levels: Mapping[str, RowLevels], n_rows: int) -> np.ndarray:
    """Return for each row the factors with a level that was not fitted, as a text."""
    names = np.full(n_rows, "", dtype=object)
    for factor, own in levels.items():
        for row in np.flatnonzero(own.is_new):
            names[row] = f"{names[row]}; {factor}" if names[row] else factor
    return names
