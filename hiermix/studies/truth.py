"""True effects of levels, where a simulation knows them: reading and scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.data import Source, read_frame
from hiermix.design.grouping import build_factor
from hiermix.errors import DataError, HiermixError, InputErrors, UsageError
from hiermix.summary.draws import effect_names

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.data.frame import Role
    from hiermix.design.types import Factor
    from hiermix.pipeline import Prepared

TRUTH_COLUMNS = ("method", "group", "term", "levels", "rmse", "coverage", "width")
"""Columns of ``truth.csv``, in order."""


def truth_table(levels: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Return ``TRUTH_COLUMNS``, one row per method and term with a truth.

    ``rmse`` is the root mean squared difference of estimate and truth over the levels,
    ``coverage`` the share of levels whose interval holds the truth, ``width`` the mean width of
    the intervals. All methods are scored on the same ``levels``: those with a truth for which
    every method has an estimate.

    Parameters
    ----------
    levels
        Table of the study.
    """
    rows = []
    for (group, term), block in levels.groupby(["group", "term"], sort=False):
        estimates = [f"{method}_estimate" for method in methods]
        scored = block.dropna(subset=["truth", *estimates])
        if not len(scored):
            continue
        truth = scored["truth"]
        for method in methods:
            lower, upper = scored[f"{method}_lower"], scored[f"{method}_upper"]
            error = scored[f"{method}_estimate"] - truth
            rows.append(
                {
                    "method": method,
                    "group": group,
                    "term": term,
                    "levels": len(scored),
                    "rmse": float(np.sqrt(np.square(error).mean())),
                    "coverage": float(((lower <= truth) & (truth <= upper)).mean()),
                    "width": float((upper - lower).mean()),
                }
            )
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))


def read_truth(
    prepared: Prepared,
    factor: Factor,
    asked: Sequence[str],
    root: Path,
    data_root: Path | None = None,
) -> dict[str, np.ndarray]:
    """Return the true coefficients of the levels by the term's name, each ``(n_groups,)``.

    Parameters
    ----------
    factor
        Whose levels.
    asked
        ``COLUMN``, for a factor with a single effect a level, or ``TERM=COLUMN``.
    root, data_root
        As for `prepare`.

    Raises
    ------
    UsageError
        A term that the factor does not have, or a column without a term where it has several.
    InputErrors, DataError
        There is no such column, it holds text, or it varies within a level.
    """
    columns = _columns(prepared, factor, asked)
    if not columns:
        return {}
    spec = prepared.loaded.spec.data
    source = Source(spec.path, spec.query, spec.types, spec.missing, spec.na_values)
    wanted: dict[str, Role] = dict.fromkeys(factor.variables, "category")
    wanted |= dict.fromkeys(columns.values(), "numeric")
    try:
        frame = read_frame(source, root, wanted, data_root=data_root)
    except (DataError, InputErrors) as error:
        raise InputErrors([_of_option(e, columns) for e in error.flatten()]) from error
    return {term: _by_level(frame, factor, term, column) for term, column in columns.items()}


def _of_option(error: HiermixError, columns: Mapping[str, str]) -> HiermixError:
    """Return an error of the data as one of the option that names the column."""
    said = error.message
    about = [
        f"{term}={name}"
        for term, name in columns.items()
        if said.startswith(f"{name}:") or repr(name) in said
    ]
    message = f"--truth {about[0] if about else 'is not read'}: {said}"
    hint = error.hint
    if "data." in hint:
        hint = "a true effect is a number in every row, the same within a level"
    return UsageError(error.id, message, hint=hint)


def _columns(prepared: Prepared, factor: Factor, asked: Sequence[str]) -> dict[str, str]:
    plan = prepared.plan
    terms = [
        name
        for term in plan.design.main.group
        if term.factor.name == factor.name
        for name in effect_names(plan, plan.design.main, term)
    ]
    found = {}
    for text in asked:
        term, equals, column = text.partition("=")
        if not equals:
            term, column = terms[0], text
        if not column or term not in terms or (not equals and len(terms) > 1):
            raise UsageError(
                "usage.truth",
                f"--truth {text!r}: the effects by {factor.name} are {', '.join(terms)}",
                hint=f"--truth '{terms[-1]}=COLUMN'",
            )
        found[term] = column
    return found


def _by_level(frame: Frame, factor: Factor, term: str, column: str) -> np.ndarray:
    own = build_factor(frame.table, factor.variables)
    if isinstance(frame.table[column].dtype, pd.CategoricalDtype):
        raise UsageError(
            "usage.truth",
            f"--truth {term}={column}: {column} holds labels",
            hint="a true effect is a number in every row, the same within a level",
        )
    values = frame.table[column].to_numpy(dtype=float)
    least, most = np.full(own.n_groups, np.inf), np.full(own.n_groups, -np.inf)
    np.minimum.at(least, own.index, values)
    np.maximum.at(most, own.index, values)
    if (most > least).any():
        level = own.levels[int(np.argmax(most > least))]
        raise DataError(
            "data.truth-varies",
            f"--truth {term}={column}: a level has one true effect, but {level!r} has more",
            hint="name a column that is constant within each level",
        )
    return pd.Series(least, index=own.levels).reindex(list(factor.levels)).to_numpy(dtype=float)
