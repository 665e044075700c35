"""Everything that sorts the rows into levels: grouping factors and their rivals.

A rival is an effect outside the group terms whose column can be the same as that of a level: a
common effect of a factor, or the residual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hiermix.design.types import CommonTerm, Factor, LinearPart

Role = Literal["factor", "common", "residual"]


@dataclass(frozen=True)
class Partition:
    """Rows sorted into levels.

    ``index`` has shape ``(n_obs,)`` and holds positions in ``texts``, the effects of the levels
    in words (``product P25``, ``common effect f[b]``); for a factor these are its bare levels
    and ``name`` comes before them. ``counts`` are different rows per level, ``rows`` of a factor's
    levels all rows, merged ones each counted.
    """

    role: Role
    name: str
    texts: Sequence[str]
    index: np.ndarray
    counts: np.ndarray
    rows: np.ndarray | None = None

    def text(self, level: int) -> str:
        """Return one level in words."""
        text = self.texts[level]
        return f"{self.name} {text}" if self.role == "factor" else text


def of_factor(factor: Factor) -> Partition:
    """Return a grouping factor as a partition."""
    counts = np.bincount(factor.index, minlength=factor.n_groups)
    return Partition("factor", factor.name, factor.levels, factor.index, counts, factor.counts)


def of_residual(n_obs: int) -> Partition:
    """Return the residual: an effect a row, with nothing to look up in rows or counts."""
    return Partition("residual", "residual", ("residual",), np.zeros(0, np.int64), np.zeros(1))


def of_common(part: LinearPart) -> Iterator[Partition]:
    """Yield the common effects that are one number for each of several sets of rows.

    These are the intercept, where a factor has a single level, the terms of nothing but factors,
    and, beside an intercept, columns of two numbers. A term with interactions stands for the
    cells of its factors if the terms made of these factors have one coefficient a cell; else only
    its own dummy columns are told apart.
    """
    if part.intercept and any(factor.n_groups == 1 for factor in part.factors):
        rows = np.zeros(len(part.factors[0].index), dtype=np.int64)
        text = "common effect Intercept"
        yield Partition("common", "Intercept", (text,), rows, np.array([len(rows)]))
    terms = [term for term in part.common if term.only_factors]
    codes = {term.name: _dummy_codes(term) for term in terms}
    for term in terms:
        own = codes[term.name]
        if own is not None:
            yield _common(term, own, _cells(term, own, terms, codes, part.intercept))
    for term in part.common if part.intercept else ():
        if not term.only_factors:
            yield from _two_valued(term)


def _two_valued(term: CommonTerm) -> Iterator[Partition]:
    """Yield numeric columns with two values, such as 0 and 1: beside an intercept they are dummies.

    A market that alone is treated has the column of the treatment.
    """
    for name, x in zip(term.columns, term.values.T, strict=True):
        low, high = float(x.min()), float(x.max())
        top = x == high
        if low < high and bool((top | (x == low)).all()):
            text = f"common effect {name}"
            counts = np.array([int((~top).sum()), int(top.sum())])
            yield Partition("common", name, (text, text), top.astype(np.int64), counts)


def _dummy_codes(term: CommonTerm) -> np.ndarray | None:
    """Return 1 + the dummy column that is 1 in each row, 0 where none is.

    Column by column, so that no second array of the size of ``values`` is made.
    """
    code = np.zeros(len(term.values), dtype=np.int64)
    for position, column in enumerate(term.values.T):
        on = column == 1
        if not (on | (column == 0)).all() or (code[on] != 0).any():
            return None
        code[on] = position + 1
    return code


def _cells(
    term: CommonTerm,
    own: np.ndarray,
    terms: Sequence[CommonTerm],
    codes: dict[str, np.ndarray | None],
    intercept: bool,
) -> np.ndarray:
    inside = [t for t in terms if set(t.variables) <= set(term.variables)]
    cell = own
    for other in inside:
        code = codes[other.name]
        if code is None:
            return own
        if other is not term:
            cell = np.unique(cell * (code.max() + 1) + code, return_inverse=True)[1]
    n_coefficients = intercept + sum(len(t.columns) for t in inside)
    return cell if cell.max() + 1 == n_coefficients else own


def _common(term: CommonTerm, own: np.ndarray, cell: np.ndarray) -> Partition:
    n_cells = int(cell.max()) + 1
    dummy = np.zeros(n_cells, dtype=np.int64)
    dummy[cell] = own
    names = [f"common effect {term.name}", *(f"common effect {c}" for c in term.columns)]
    texts = tuple(names[position] for position in dummy.tolist())
    return Partition("common", term.name, texts, cell, np.bincount(cell, minlength=n_cells))
