"""The fitted rows, evaluated by what is stored: a design is only stored if they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.studies.predict.contextual import RowMeans
from hiermix.studies.predict.evaluate import Evaluator
from hiermix.studies.predict.expressions import Columns
from hiermix.studies.predict.stored import StoredDesign

if TYPE_CHECKING:
    from hiermix.design.types import Design

CHECKED_ROWS = 2_000
"""Rows that are evaluated, evenly spaced."""

TOLERANCE = 1e-9
"""Largest difference from the fitted columns, relative to the largest entry of each."""


class NotStored(Exception):
    """Something of the design has no place in what is stored."""


def check_fitted_rows(stored: StoredDesign, design: Design, values: Columns) -> None:
    """Evaluate fitted rows by what is stored and compare them with their design.

    Raises
    ------
    NotStored
        They differ.
    """
    rows = np.unique(np.linspace(0, design.n_obs - 1, CHECKED_ROWS).astype(np.int64))
    few = {name: column[rows] for name, column in values.items()}
    means = RowMeans(() if design.contextual is None else design.contextual.means)
    evaluator = Evaluator(stored, [part.parameter for part in stored.parts])
    levels = evaluator.levels(few)
    for part, fitted in zip(stored.parts, (design.main, *design.components.values()), strict=True):
        found = evaluator.part(part, few, levels, means, len(rows))
        _same_columns(found.common, fitted.common_matrix[rows], f"the columns of {part.parameter}")
        if fitted.offset is not None:
            _same_columns(found.offset, fitted.offset[rows], "the offset")
        for x, term in zip(found.slopes, fitted.group, strict=True):
            _same_columns(x, term.values[rows], term.name)
            if (levels[term.factor.name].place != term.factor.index[rows]).any():
                raise NotStored(f"the levels of {term.factor.name}")


def _same_columns(found: np.ndarray, fitted: np.ndarray, what: str) -> None:
    if found.shape != fitted.shape:
        raise NotStored(f"{what}: {found.shape[-1]} columns for {fitted.shape[-1]}")
    scale = np.abs(fitted).max(axis=0, initial=np.finfo(float).tiny)
    if not (np.abs(found - fitted) <= TOLERANCE * scale).all():
        raise NotStored(f"{what} differ from those that were fitted")
