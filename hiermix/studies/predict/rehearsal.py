"""A stored design is held against its draws, and tried out, before any new data are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.data.new_rows import Chunk
from hiermix.design.cre.means import LevelMeans
from hiermix.design.types import ordered_pairs
from hiermix.formula import Expression, Term
from hiermix.studies.predict.blocks import Blocks
from hiermix.studies.predict.coding import coding_of, factor_column
from hiermix.studies.predict.contextual import RowMeans
from hiermix.studies.predict.evaluate import Evaluator
from hiermix.studies.predict.expressions import Columns, check_memory, evaluate, remembering
from hiermix.studies.predict.levels import RowLevels, level_texts
from hiermix.studies.predict.request import Asked
from hiermix.studies.predict.stored import (
    StoredDesign,
    StoredFactor,
    StoredParameter,
    StoredPart,
    StoredTerm,
)


@dataclass(frozen=True)
class DrawsOutline:
    """What variables the draws of a run have.

    ``dims`` maps a variable to its dimensions but chain and draw, ``labels`` a dimension to its
    coordinates.
    """

    dims: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]


def check_against_draws(
    design: StoredDesign, outline: DrawsOutline, means: Sequence[LevelMeans]
) -> None:
    """Check that a design belongs to its draws and level means.

    Parameters
    ----------
    design
        For which `check_consistent` has nothing to say.
    outline
        Of the draws.
    means
        Level means of the fit.

    Raises
    ------
    ValueError
        It does not: names, levels, categories or shapes differ, or it cannot evaluate a row.
    """
    for name, parameter in design.parameters.items():
        _check_variable(name, parameter, outline)
    for part in design.parts:
        _check_labels(design, part, outline)
    for fitted in means:
        factor = design.factors.get(fitted.group)
        if factor is None or _level_names(factor) != tuple(fitted.levels):
            raise ValueError(f"the levels of {fitted.group} are not those of its means")
    try:
        with np.errstate(all="ignore"):
            _rehearse(design, outline, means)
    # Whatever goes wrong with a row of the design's own making is wrong with the design.
    except Exception as error:
        text = str(error) or type(error).__name__
        raise ValueError(f"it cannot evaluate a row: {text}") from error


def _level_names(factor: StoredFactor) -> tuple[str, ...]:
    return tuple(":".join(level) for level in factor.levels)


def _check_variable(name: str, parameter: StoredParameter, outline: DrawsOutline) -> None:
    found = outline.dims.get(parameter.variable)
    if found is None and parameter.value is None:
        raise ValueError(f"no draws of {name}")
    if found is not None and set(found) != set(parameter.dims):
        raise ValueError(f"{name} has the dimensions {', '.join(found) or '(none)'}")


def _check_labels(design: StoredDesign, part: StoredPart, outline: DrawsOutline) -> None:
    """Compare levels and labels with the coordinates of the draws."""
    labels = {term.name: term.labels for term in part.terms}
    for common in part.common:
        stated = labels[common.source]
        own = None if stated is None else tuple(stated[i] for i in common.pick)
        _same_labels(design, f"{part.prefix}{common.name}", own, outline)
    for group in part.groups:
        levels = _level_names(design.factors[group.factor])
        _same_labels(design, f"{part.prefix}{group.name}", levels, outline)
        slope = None if group.slope is None else group.slope.labels
        _same_labels(design, f"{part.prefix}{group.name}_sigma", slope, outline)
    for factor in dict.fromkeys(group.factor for group in part.groups):
        name = f"{part.prefix}cor|{factor}"
        sizes: dict[int, int] = {}
        for group in part.groups:
            if group.factor == factor and group.correlated:
                sizes[group.bar] = sizes.get(group.bar, 0) + len(group.columns)
        pairs = sum(len(ordered_pairs(size)) for size in sizes.values())
        parameter = design.parameters.get(name)
        stored = 0 if parameter is None else len(outline.labels.get(parameter.dims[0], ()))
        if pairs != stored:
            raise ValueError(f"{pairs} correlations of {factor}, and draws of {stored}")


def _same_labels(
    design: StoredDesign, name: str, labels: tuple[str, ...] | None, outline: DrawsOutline
) -> None:
    parameter = design.parameters.get(name)
    if parameter is None:
        raise ValueError(f"no parameter {name}")
    if labels is None or parameter.variable not in outline.dims:
        return
    # netCDF has no null character.
    stored = tuple(label.replace("\0", "\N{REPLACEMENT CHARACTER}") for label in labels)
    if not parameter.dims or outline.labels.get(parameter.dims[0]) != stored:
        raise ValueError(f"the levels of {name} are not those of its draws")


class _Ones:
    """Draws of the right shapes, all of them 1."""

    n_draws = 2

    def __init__(self, outline: DrawsOutline) -> None:
        self._outline = outline

    def draws(self, parameter: StoredParameter, levels: np.ndarray | None = None) -> np.ndarray:
        if parameter.value is not None and parameter.variable not in self._outline.dims:
            return np.full(self.n_draws, parameter.value)
        shape = [len(self._outline.labels[dim]) for dim in parameter.dims]
        if levels is not None:
            shape[0] = len(levels)
        return np.ones((*shape, self.n_draws))


def _rehearse(design: StoredDesign, outline: DrawsOutline, means: Sequence[LevelMeans]) -> None:
    """Predict one row of fitted levels and one of new ones."""
    asked = Asked("response", "response", "draw", design.interval, design.interval_kind)
    evaluator = Evaluator(design, [part.parameter for part in design.parts])
    values = dict(_values(design, evaluator))
    chunk = Chunk(np.ones(1, dtype=np.int64), values, {})
    fitted, new = {}, {}
    for name in evaluator.factors:
        fitted[name] = RowLevels(np.zeros(1, dtype=np.int64), (), np.full(1, -1))
        level = ("new",) * len(design.factors[name].variables)
        new[name] = RowLevels(np.full(1, -1), (level,), np.zeros(1, dtype=np.int64))
        _check_level_texts(design, name)
    for part in design.parts:
        _check_codings(design, evaluator, part, values)
    at = RowMeans(means)
    parts = {p.parameter: evaluator.part(p, values, fitted, at, 1) for p in design.parts}
    for part in design.parts:
        groups = zip(parts[part.parameter].slopes, part.groups, strict=True)
        if any(x.shape != (1, len(group.columns)) for x, group in groups):
            raise ValueError(f"{part.parameter}: columns of slopes")
    used = {name: np.zeros(1, dtype=np.int64) for name in evaluator.factors}
    blocks = Blocks(evaluator, asked, _Ones(outline), used)
    for levels in (fitted, new):
        blocks.summarise(chunk, parts, levels)
    lines = 1 if blocks.categories is None else len(blocks.categories)
    if len(blocks.summarise(chunk, parts, fitted).mean) != lines:
        raise ValueError("the categories of the response")


def _values(design: StoredDesign, evaluator: Evaluator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a value of each column: a category that was fitted, a text, or 1."""
    extra = [design.known_se, design.response.trials, *evaluator.weight_columns]
    for name in [*design.columns, *(name for name in extra if isinstance(name, str))]:
        column = design.columns.get(name)
        value: str | float = "" if column is not None and column.kind == "category" else 1.0
        if column is not None and column.categories:
            value = column.categories[0]
        if isinstance(value, str) != (column is not None and column.kind == "category"):
            raise ValueError(f"the categories of {name}")
        yield name, np.array([value], dtype=object if isinstance(value, str) else np.float64)


def _check_level_texts(design: StoredDesign, name: str) -> None:
    """Check that levels of a column of numbers are such numbers."""
    factor = design.factors[name]
    for i, variable in enumerate(factor.variables):
        kind = design.columns[variable].kind
        if kind != "category":
            texts = [level[i] for level in factor.levels]
            numbers = np.array([float(text) for text in texts])
            if level_texts(numbers, kind).tolist() != texts:
                raise ValueError(f"the levels of {name}")


def _check_codings(
    design: StoredDesign, evaluator: Evaluator, part: StoredPart, values: Columns
) -> None:
    formula = evaluator.formula(part)
    for term in [*formula.terms, *(t for block in formula.group_terms for t in block.terms)]:
        for factor in term.factors:
            for call in remembering(factor):
                check_memory(call, design.memory.get(call.render(), {}))
    slopes = {
        (bar, term.name): term for bar, b in enumerate(formula.group_terms) for term in b.terms
    }
    pairs: list[tuple[Term, StoredTerm]] = list(zip(formula.terms, part.terms, strict=True))
    pairs += [(slopes[g.bar, g.slope.name], g.slope) for g in part.groups if g.slope is not None]
    for term, stored in pairs:
        widths = [_width(factor, design, values) for factor in term.factors]
        if coding_of(term, stored.labels, design.columns, widths) != stored.full:
            raise ValueError(f"the coding of {term.name}")


def _width(factor: Expression, design: StoredDesign, values: Columns) -> int:
    """Return how many columns a part of a term has, 1 for a factor."""
    if factor_column(factor, design.columns) is not None:
        return 1
    return int(np.size(evaluate(factor, values, design.memory)))
