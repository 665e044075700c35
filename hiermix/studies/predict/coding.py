"""Terms to columns: factors as dummies, interactions as products, as formulae codes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd

from hiermix.formula import Expression, Term
from hiermix.studies.predict.expressions import Columns, evaluate
from hiermix.studies.predict.stored import Memory, StoredColumn, StoredTerm


def factor_column(part: Expression, columns: Mapping[str, StoredColumn]) -> str | None:
    """Return the data column that a part of a term uses as a factor, if it is one."""
    if part.function == "C" or (part.is_column and columns[part.variables[0]].kind == "category"):
        return part.variables[0]
    return None


def categories_of(values: np.ndarray) -> tuple[str, ...] | tuple[float, ...]:
    """Return the sorted values of a factor with coefficients; the first is the reference."""
    return tuple(sorted(set(values.tolist())))


def category_label(category: str | float, kind: str) -> str:
    """Return what a coefficient of a category is called.

    Examples
    --------
    >>> category_label(2.0, "int64"), category_label(2.0, "float64")
    ('2', '2.0')
    """
    if isinstance(category, float) and kind == "int64":
        return str(int(category))
    return str(category)


def term_columns(
    term: Term,
    stored: StoredTerm,
    columns: Mapping[str, StoredColumn],
    values: Columns,
    memory: Memory,
    n_rows: int,
) -> np.ndarray:
    """Evaluate a term, shape ``(n_rows, k)``.

    A value that is no category of a factor has 0 in all of its columns; see `unknown_categories`.
    """
    blocks = []
    for part, full in zip(term.factors, stored.full, strict=True):
        name = factor_column(part, columns)
        if name is None:
            block = np.asarray(evaluate(part, values, memory), dtype=np.float64)
            blocks.append(np.broadcast_to(block.T, (*block.shape[1:], n_rows)).T)
            continue
        codes = codes_of(values[name], columns[name])
        first = 0 if full else 1
        wanted = np.arange(first, len(columns[name].categories))
        blocks.append((codes[:, None] == wanted).astype(np.float64))
    return reduce(_product, [block.reshape(n_rows, -1) for block in blocks])


def codes_of(values: np.ndarray, column: StoredColumn) -> np.ndarray:
    """Return the position of each value among the column's categories, -1 for no category."""
    return pd.Index(column.categories).get_indexer(pd.Index(values))


def _product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray((x[:, :, None] * y[:, None, :]).reshape(len(x), -1))


def coding_of(
    term: Term,
    labels: tuple[str, ...] | None,
    columns: Mapping[str, StoredColumn],
    widths: Sequence[int],
) -> tuple[bool | None, ...] | None:
    """Find out how a term's factors were coded from the labels of its columns.

    Parameters
    ----------
    term
        A term of the formula.
    labels
        What its columns are called; ``None`` for a single column without a label.
    columns
        Types and categories.
    widths
        Columns of each part that is numeric.

    Returns
    -------
    tuple or None
        ``StoredTerm.full``; ``None`` where no coding has these labels.
    """
    factors = [factor_column(part, columns) for part in term.factors]
    choices: list[tuple[bool | None, ...]] = [
        (None,) if name is None else (False, True) for name in factors
    ]
    for full in itertools.product(*choices):
        if _labels(factors, full, columns, widths) == labels:
            return full
    return None


def _labels(
    factors: Sequence[str | None],
    full: Sequence[bool | None],
    columns: Mapping[str, StoredColumn],
    widths: Sequence[int],
) -> tuple[str, ...] | None:
    lists: list[list[str]] = []
    for name, coding, width in zip(factors, full, widths, strict=True):
        if name is not None:
            column = columns[name]
            shown = [category_label(c, column.kind) for c in column.categories]
            lists.append(shown if coding else shown[1:])
        elif width > 1:
            lists.append([str(i) for i in range(width)])
    if not lists:
        return None
    return tuple(", ".join(row) for row in itertools.product(*lists))


def unknown_categories(
    terms: Sequence[Term], columns: Mapping[str, StoredColumn], values: Columns
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns of factors that have values which are no category, and at which rows."""
    names = dict.fromkeys(
        name for term in terms for part in term.factors if (name := factor_column(part, columns))
    )
    for name in names:
        bad = codes_of(values[name], columns[name]) < 0
        if bad.any():
            yield name, bad
