"""Rows -> the columns of the linear predictors, exactly as they would have been fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.design.build import respelt
from hiermix.design.cre.means import decompose
from hiermix.formula import Expression, Formula, Term, parse_formula, parse_right_side
from hiermix.studies.predict.coding import term_columns
from hiermix.studies.predict.contextual import RowMeans
from hiermix.studies.predict.expressions import Columns, evaluate
from hiermix.studies.predict.levels import LevelIndex, RowLevels
from hiermix.studies.predict.stored import StoredCommon, StoredDesign, StoredPart, StoredTerm

Levels = Mapping[str, RowLevels]
"""Factor -> the levels of some rows."""


@dataclass(frozen=True)
class PartValues:
    """Columns of one linear predictor at some rows.

    ``common`` has shape ``(n, n_common)``; ``offset`` ``(n,)``; ``slopes`` one ``(n, k)`` for each
    group term, ones for an intercept.
    """

    common: np.ndarray
    offset: np.ndarray
    slopes: tuple[np.ndarray, ...]


class Evaluator:
    """Evaluates rows by a stored design.

    Parameters
    ----------
    design
        What is remembered of the fit.
    parameters
        The family's parameters whose linear predictors are needed.
    """

    def __init__(self, design: StoredDesign, parameters: Sequence[str]) -> None:
        self.design = design
        self.parts = tuple(part for part in design.parts if part.parameter in parameters)
        self._formulas = {part.parameter: formula_of(part, design) for part in self.parts}
        names = dict.fromkeys(group.factor for part in self.parts for group in part.groups)
        self._indexes = {name: LevelIndex(design.factors[name], design.columns) for name in names}

    @property
    def factors(self) -> tuple[str, ...]:
        """Grouping factors that are needed."""
        return tuple(self._indexes)

    def formula(self, part: StoredPart) -> Formula:
        """Return the formula of a linear predictor."""
        return self._formulas[part.parameter]

    def terms(self) -> Iterator[Term]:
        """Yield all terms with columns: common ones and slopes."""
        for formula in self._formulas.values():
            yield from formula.terms
            for block in formula.group_terms:
                yield from block.terms

    @property
    def weights(self) -> Expression | None:
        """Return what the likelihood weights rows by, if the response is ``weighted``."""
        response = self._formulas[self.design.main.parameter].response
        found = None if response is None else response.arguments.get("weights")
        return found if isinstance(found, Expression) else None

    @property
    def weight_columns(self) -> tuple[str, ...]:
        """Data columns that the likelihood weights rows by: weights, trials, standard errors."""
        if self.weights is not None:
            return self.weights.variables
        if isinstance(self.design.response.trials, str):
            return (self.design.response.trials,)
        return () if self.design.known_se is None else (self.design.known_se,)

    def variables(self) -> tuple[str, ...]:
        """Return the data columns that are needed, each once."""
        names = [v for formula in self._formulas.values() for v in formula.predictors()]
        return tuple(dict.fromkeys(names))

    def levels(self, values: Columns) -> dict[str, RowLevels]:
        """Return the levels of rows for each factor whose columns there are."""
        return {
            name: index.of_rows(values)
            for name, index in self._indexes.items()
            if set(self.design.factors[name].variables) <= set(values)
        }

    def sources(self, part: StoredPart, values: Columns, n_rows: int) -> dict[str, np.ndarray]:
        """Return the columns of the formula's common terms by name, ``(n_rows, k)`` each."""
        pairs = zip(self.formula(part).terms, part.terms, strict=True)
        return {stored.name: self._term(term, stored, values, n_rows) for term, stored in pairs}

    def part(
        self, part: StoredPart, values: Columns, levels: Levels, means: RowMeans, n_rows: int
    ) -> PartValues:
        """Return the columns of one linear predictor."""
        sources = self.sources(part, values, n_rows)
        swept: dict[str, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
        columns = [np.zeros((n_rows, 0))]
        for common in part.common:
            if common.role != "own" and common.source not in swept:
                swept[common.source] = self._swept(part, common, sources, levels, means)
            columns.append(_picked(common, sources, swept)[:, list(common.pick)])
        offset = np.zeros(n_rows)
        for expression in self.formula(part).offsets:
            offset = offset + evaluate(expression, values, self.design.memory)
        slopes = tuple(self._slopes(part, values, levels, means, n_rows))
        return PartValues(np.concatenate(columns, axis=1), offset, slopes)

    def _term(self, term: Term, stored: StoredTerm, values: Columns, n_rows: int) -> np.ndarray:
        design = self.design
        return term_columns(term, stored, design.columns, values, design.memory, n_rows)

    def _swept(
        self,
        part: StoredPart,
        common: StoredCommon,
        sources: Mapping[str, np.ndarray],
        levels: Levels,
        means: RowMeans,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        stored = next(term for term in part.terms if term.name == common.source)
        x, factors = sources[common.source], common.factors
        within, own = self._decomposed(x, column_names(stored), factors, levels, means)
        return within, dict(zip(factors, own, strict=True))

    def _decomposed(
        self,
        x: np.ndarray,
        names: Sequence[str],
        factors: Sequence[str],
        levels: Levels,
        means: RowMeans,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        by_row = [means.of_rows(factor, levels[factor], names) for factor in factors]
        outer = [
            tuple(j for j, other in enumerate(factors) if other in self.design.factors[own].outer)
            for own in factors
        ]
        return decompose(x, by_row, means.overall(factors[0], names), outer)

    def _slopes(
        self, part: StoredPart, values: Columns, levels: Levels, means: RowMeans, n_rows: int
    ) -> Iterator[np.ndarray]:
        terms = {
            (bar, term.name): term
            for bar, block in enumerate(self.formula(part).group_terms)
            for term in block.terms
        }
        for group in part.groups:
            if group.slope is None:
                yield np.ones((n_rows, 1))
                continue
            x = self._term(terms[group.bar, group.slope.name], group.slope, values, n_rows)
            if group.within:
                names = column_names(group.slope)
                x, _ = self._decomposed(x, names, group.within, levels, means)
            yield x


def formula_of(part: StoredPart, design: StoredDesign) -> Formula:
    """Return the parsed formula of a linear predictor; only the main one has a response."""
    if part is design.main:
        return respelt(parse_formula(part.formula))
    return parse_right_side(part.formula)


def column_names(term: StoredTerm) -> tuple[str, ...]:
    """Return the names of a term's columns: ``x``, or ``f[b]``, ``f[c]``."""
    if term.labels is None:
        return (term.name,)
    return tuple(f"{term.name}[{label}]" for label in term.labels)


def _picked(
    common: StoredCommon,
    sources: Mapping[str, np.ndarray],
    swept: Mapping[str, tuple[np.ndarray, dict[str, np.ndarray]]],
) -> np.ndarray:
    if common.role == "own":
        return sources[common.source]
    within, between = swept[common.source]
    return within if common.role == "within" else between[common.of]
