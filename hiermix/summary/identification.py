"""The table of what the likelihood separates, effect by effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hiermix.design.identification import KINDS, STATUSES, Identification
from hiermix.design.identification.words import graph_sentence
from hiermix.summary.draws import by_level, draws_of, effect_names, group_columns, pieces

if TYPE_CHECKING:
    from hiermix.design.identification import LevelGraph, TermIdentification
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

COLUMNS = (
    "group",
    "level",
    "term",
    "n_rows",
    "n_partners",
    "status",
    "kind",
    "partners",
    "contraction",
)
"""Columns of ``identification.csv``, in order."""


def identification_table(
    fit: Fit | None, plan: ModelPlan, identification: Identification
) -> pd.DataFrame:
    """Return ``COLUMNS``: the rows of ``group_effects``, then one for each graph of levels.

    ``contraction`` is ``1 - Var(u_j | y) / E(tau^2 | y)``: 0 where the level's rows say nothing
    beyond its population, near 1 where they decide. It is NaN for graphs and without a fit.
    ``partners`` are the effects that this one cannot be told from. The row of a graph is
    ``sum-only`` where the factors fall into several parts.

    Parameters
    ----------
    fit
        The posterior, or ``None`` before sampling.
    plan, identification
        The model and the audit of its linear predictors.
    """
    blocks = [
        _block(fit, plan, part, term, column, identification)
        for part, term, column in group_columns(plan)
    ]
    if identification.graphs or not blocks:
        blocks.append(_graphs(identification.graphs))
    table = pd.concat(blocks, ignore_index=True)
    return table[list(COLUMNS)]


def identified_column(
    identification: Identification,
    plan: ModelPlan,
    part: LinearPart,
    term: GroupTerm,
    column: int,
) -> np.ndarray:
    """Return whether the likelihood tells each level's effect on its own, shape ``(n_groups,)``.

    Parameters
    ----------
    column
        Position in ``effect_names``: with a categorical response a column of the term has an
        effect for each category, and what is said of the column holds for all of them.
    """
    return ~_audited(identification, plan, part, term, column).unidentified


def contraction(
    fit: Fit, plan: ModelPlan, part: LinearPart, term: GroupTerm, column: int
) -> np.ndarray:
    """Return ``1 - Var(u_j | y) / E(tau^2 | y)`` of each level, shape ``(n_groups,)``.

    After the posterior contraction of Schad, Betancourt and Vasishth 2021,
    doi:10.1037/met0000275, with the variance that the fitted population gives a level in place
    of a prior's. Correlated pairs can have a little more variance than that: below 0.
    """
    name = plan.label(part, term.name)
    effects = by_level(plan, part, term, draws_of(fit, plan.parameter(name)))[:, column, :]
    sds = draws_of(fit, plan.parameter(f"{name}_sigma"))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        between = float(np.mean(np.square(sds.reshape(len(sds), -1)[:, column])))
        variances = [effects[:, piece].var(axis=0, ddof=1) for piece in pieces(*effects.shape)]
        shares = 1 - np.concatenate(variances) / between
    return np.where(np.isfinite(shares), shares, np.nan)


def _audited(
    identification: Identification,
    plan: ModelPlan,
    part: LinearPart,
    term: GroupTerm,
    column: int,
) -> TermIdentification:
    # Categories of the response come after the columns of the slope.
    n_categories = len(effect_names(plan, part, term)) // len(term.columns)
    name = term.columns[column // n_categories]
    return identification.term(part.parameter, term.name, name)


def _block(
    fit: Fit | None,
    plan: ModelPlan,
    part: LinearPart,
    term: GroupTerm,
    column: int,
    identification: Identification,
) -> pd.DataFrame:
    found = _audited(identification, plan, part, term, column)
    n_groups = term.factor.n_groups
    partners = np.full(n_groups, "", dtype=object)
    for level, texts in found.partners.items():
        partners[level] = "; ".join(texts)
    return pd.DataFrame(
        {
            "group": [term.factor.name] * n_groups,
            "level": list(term.factor.levels),
            "term": [effect_names(plan, part, term)[column]] * n_groups,
            "n_rows": found.n_rows,
            "n_partners": pd.array(found.n_partners).astype("Int64"),
            "status": np.array(STATUSES, dtype=object)[found.status],
            "kind": np.array(KINDS, dtype=object)[found.kind],
            "partners": partners,
            "contraction": np.full(n_groups, np.nan)
            if fit is None
            else contraction(fit, plan, part, term, column),
        }
    )


def _graphs(graphs: tuple[LevelGraph, ...]) -> pd.DataFrame:
    n_graphs = len(graphs)
    status = ["likelihood" if graph.n_components == 1 else "sum-only" for graph in graphs]
    return pd.DataFrame(
        {
            "group": [f"{graph.first}, {graph.second}" for graph in graphs],
            "level": [""] * n_graphs,
            "term": [""] * n_graphs,
            "n_rows": np.array([graph.n_rows for graph in graphs], dtype=np.int64),
            "n_partners": pd.array([pd.NA] * n_graphs, dtype="Int64"),
            "status": status,
            "kind": ["components"] * n_graphs,
            "partners": [graph_sentence(graph) for graph in graphs],
            "contraction": np.full(n_graphs, np.nan),
        }
    )
