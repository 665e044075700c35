"""Rows that carry the same information are merged to cells, without loss.

Rows whose columns and levels are all equal share the linear predictor eta, so their likelihood
depends on them through sufficient statistics only. With c the cell of a row i,

- Bernoulli and binomial: successes and trials add;
- Poisson with log link: counts add, and so do exposures, offset_c = log sum_i exp(offset_i);
- Gaussian with identity link and one residual sd: with weights w_i (1 for plain rows), total
  W_c and mean m_c of y_i - offset_i,

      sum_i w_i log N(y_i | eta + offset_i, sigma) = W_c log N(m_c | eta, sigma) - S_c / (2 sigma^2)

  where S_c is the weighted sum of squares about m_c.

The log density of the cells differs from that of the rows by a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from hiermix.data.merging import WORTHWHILE
from hiermix.design.merging import why_not_merged
from hiermix.design.types import LinearPart, Response
from hiermix.model.plan import ModelPlan


@dataclass(frozen=True)
class Reduction:
    """A plan over cells, and which rows they are.

    Attributes
    ----------
    plan
        Plan over cells: same parameters, priors, centres and coordinates; the plan over rows
        where nothing is merged.
    method
        ``binomial cells``, ``poisson cells``, ``gaussian cells`` or ``none``.
    n_rows, n_cells
        How many.
    cell
        Shape ``(n_rows,)``: the cell of each row; cells are in the order of their first rows.
    constant
        Log density of the cells less that of the rows.
    reason
        Why nothing is merged, in words; empty otherwise.
    """

    plan: ModelPlan
    method: str
    n_rows: int
    n_cells: int
    cell: np.ndarray
    constant: float = 0.0
    reason: str = ""

    @property
    def merges(self) -> bool:
        """Whether there are fewer cells than rows."""
        return self.method != "none"

    def facts(self) -> dict[str, Any]:
        """Return what the manifest says."""
        if not self.merges:
            return {"method": self.method, "reason": self.reason, "rows": self.n_rows}
        return {
            "method": self.method,
            "rows": self.n_rows,
            "cells": self.n_cells,
            "ratio": self.n_rows / self.n_cells,
            "constant": self.constant,
        }

    def sentence(self) -> str:
        """Return the same in words."""
        if not self.merges:
            return f"rows are not merged: {self.reason}"
        return f"{self.n_rows} rows merged to {self.n_cells} {self.method}, without loss"


def reduce_plan(plan: ModelPlan) -> Reduction:
    """Merge the rows that the likelihood cannot tell apart, if at least half of them go.

    Parameters
    ----------
    plan
        Plan over rows.

    Returns
    -------
    Reduction
        Its plan has the same posterior: priors, centres and coordinates stay those of the rows.

    Notes
    -----
    Time and memory O(n_rows) a column: columns are hashed one after the other, and the first
    that leaves too many cells ends it.
    """
    design = plan.design
    if plan.merged is not None:
        return Reduction(
            plan,
            f"{plan.family} cells",
            design.n_rows,
            design.n_obs,
            np.arange(design.n_obs),
            plan.merged,
        )
    refusal = why_not_merged(
        plan.family,
        plan.links[design.main.parameter],
        design.response.kind,
        distributional=bool(design.components),
        known_se=design.known_se is not None,
    )
    if refusal:
        return unreduced(plan, refusal)
    merge = _MERGES[plan.family]
    offset = design.main.offset if merge is _binomial else None
    # Rows that were merged while they were read have no other form than cells.
    most = WORTHWHILE * design.n_obs if design.multiplicity is None else design.n_obs
    cell, n_cells, too_fine = _cells(design.main, offset, design.n_obs, most)
    if too_fine:
        return unreduced(plan, too_fine)
    if n_cells == 1:
        # Bambi squeezes a response of one row and two columns to a vector: two cells alike.
        cell, n_cells = np.minimum(np.arange(design.n_obs), 1), 2
    merged = merge(plan, cell, n_cells)
    return Reduction(
        _over_cells(plan, merged, cell, n_cells),
        f"{merged.family} cells",
        design.n_rows,
        n_cells,
        cell,
        merged.constant,
    )


def unreduced(plan: ModelPlan, reason: str) -> Reduction:
    """Return the plan as it is: every row is a cell."""
    n = plan.design.n_obs
    return Reduction(plan, "none", n, n, np.arange(n), reason=reason)


def _cells(
    part: LinearPart, offset: np.ndarray | None, n_obs: int, most: float
) -> tuple[np.ndarray, int, str]:
    """Return the cell of each row, how many there are, and which column makes too many.

    Two values are equal if their bits are, except that 0 and -0 are.
    """
    cell, n_cells = np.zeros(n_obs, dtype=np.int64), 1
    for name, column in _columns(part, offset):
        own, distinct = pd.factorize(column)
        if n_cells == 1:
            cell, n_cells = own, len(distinct)
        elif len(distinct) > 1:
            cell, pairs = pd.factorize(cell * len(distinct) + own)
            n_cells = len(pairs)
        if n_cells > most:
            return cell, n_cells, f"columns up to {name} make {n_cells} cells of {n_obs} rows"
    return cell, n_cells, ""


def _columns(part: LinearPart, offset: np.ndarray | None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield everything that a row's linear predictor depends on as 64-bit integers."""
    for factor in part.factors:
        yield factor.name, factor.index
    blocks = [(term.columns, term.values) for term in part.common]
    blocks += [(term.columns, term.values) for term in part.group]
    for names, values in blocks:
        for name, column in zip(names, values.T, strict=True):
            yield name, _bits(column)
    if offset is not None:
        yield "offset", _bits(offset)


def _bits(column: np.ndarray) -> np.ndarray:
    return (np.ascontiguousarray(column, dtype=np.float64) + 0.0).view(np.int64)


@dataclass(frozen=True)
class _Merged:
    """Response and offset ``(n_cells,)``, and what the log density of the cells lacks."""

    family: str
    response: Response
    offset: np.ndarray | None
    constant: float = 0.0
    within_ss: float = 0.0


def _binomial(plan: ModelPlan, cell: np.ndarray, n_cells: int) -> _Merged:
    response, offset = plan.design.response, plan.design.main.offset
    rows = plan.design.rows
    of_row = np.ones(len(cell)) if response.trials is None else response.trials
    successes = np.bincount(cell, rows * response.values, n_cells)
    trials = np.bincount(cell, rows * of_row, n_cells)
    return _Merged(
        "binomial",
        Response(response.name, "proportion", successes, trials=trials),
        None if offset is None else offset[_first_rows(cell, n_cells)],
        float(_log_choices(successes, trials).sum() - rows @ _log_choices(response.values, of_row)),
    )


def _log_choices(successes: np.ndarray, trials: np.ndarray) -> np.ndarray:
    ways = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
    return np.asarray(ways)


def _poisson(plan: ModelPlan, cell: np.ndarray, n_cells: int) -> _Merged:
    response, main, rows = plan.design.response, plan.design.main, plan.design.rows
    offset = np.zeros(len(cell)) if main.offset is None else main.offset
    # Largest offset of the cell out of the sum, so that no exponential overflows.
    largest = np.full(n_cells, -np.inf)
    np.maximum.at(largest, cell, offset)
    exposure = np.bincount(cell, rows * np.exp(offset - largest[cell]), n_cells)
    together = largest + np.log(exposure)
    counts = np.bincount(cell, rows * response.values, n_cells)
    of_cells = counts @ together - gammaln(counts + 1).sum()
    of_rows = rows @ (response.values * offset - gammaln(response.values + 1))
    return _Merged(
        "poisson",
        Response(response.name, "plain", counts),
        together,
        float(of_cells - of_rows),
    )


def _gaussian(plan: ModelPlan, cell: np.ndarray, n_cells: int) -> _Merged:
    response, main = plan.design.response, plan.design.main
    weights = plan.design.rows if response.weights is None else response.weights
    y = response.values if main.offset is None else response.values - main.offset
    total = np.bincount(cell, weights, n_cells)
    means = np.bincount(cell, weights * y, n_cells) / total
    return _Merged(
        "gaussian",
        Response(response.name, "weighted", means, weights=total),
        None,
        within_ss=float(weights @ (y - means[cell]) ** 2) + plan.design.within_ss,
    )


_MERGES: Mapping[str, Callable[[ModelPlan, np.ndarray, int], _Merged]] = {
    "bernoulli": _binomial,
    "binomial": _binomial,
    "poisson": _poisson,
    "gaussian": _gaussian,
}


def _over_cells(plan: ModelPlan, merged: _Merged, cell: np.ndarray, n_cells: int) -> ModelPlan:
    first = _first_rows(cell, n_cells)
    rows = plan.design.multiplicity
    main = replace(plan.design.main.at(first), offset=merged.offset)
    return replace(
        plan,
        design=replace(
            plan.design,
            response=merged.response,
            main=main,
            multiplicity=np.bincount(cell, rows, n_cells).astype(np.int64),
        ),
        family=merged.family,
        centring=tuple(
            replace(c, row_weight=np.bincount(cell, c.row_weight, n_cells)) for c in plan.centring
        ),
        within_ss=merged.within_ss,
        merged=merged.constant,
    )


def _first_rows(cell: np.ndarray, n_cells: int) -> np.ndarray:
    first = np.zeros(n_cells, dtype=np.int64)
    first[cell[::-1]] = np.arange(len(cell))[::-1]
    return first
