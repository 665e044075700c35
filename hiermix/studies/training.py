"""The same model for some of its rows: columns, priors and coordinates stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.design.types import Factor

if TYPE_CHECKING:
    from hiermix.design.types import Design, GroupTerm, Response
    from hiermix.model.plan import Centring, ModelPlan, Parameter
    from hiermix.pipeline import Prepared


def trained_on(prepared: Prepared, rows: np.ndarray) -> Prepared:
    """Return a model for the responses of some rows.

    What was worked out of the predictors of all rows stays: transformations, centres, group
    means. Priors keep their numbers. Levels without a row leave their factor, so that nothing but
    the distribution of the levels is known of them.

    Parameters
    ----------
    prepared
        Its rows are those of the data: none are merged.
    rows
        Positions, ascending.
    """
    plan = training_plan(prepared.plan, rows)
    # Some rows need not have both arms, and nobody asks for their effects.
    spec = prepared.loaded.spec.model_copy(update={"questions": (), "arms": None})
    frame = prepared.frame
    return replace(
        prepared,
        loaded=replace(prepared.loaded, spec=spec),
        frame=replace(frame, table=frame.table.iloc[rows], row_numbers=frame.row_numbers[rows]),
        design=plan.design,
        plan=plan,
    )


def rows_of(design: Design, rows: np.ndarray) -> Design:
    """Return a design of some of the rows, with the levels that occur in them.

    What was worked out of all rows and is no column (group means, what is identified) is left out.
    """
    factors = {
        factor.name: _factor(factor, rows)
        for part in (design.main, *design.components.values())
        for factor in part.factors
    }
    return replace(
        design,
        response=_response(design.response, rows),
        main=design.main.at(rows, factors),
        components={name: part.at(rows, factors) for name, part in design.components.items()},
        known_se=None if design.known_se is None else design.known_se[rows],
        contextual=None,
        identification=None,
    )


def levels_left(factor: Factor, rows: np.ndarray) -> np.ndarray:
    """Return the positions of the levels that occur in some rows."""
    return np.unique(factor.index[rows])


def _factor(factor: Factor, rows: np.ndarray) -> Factor:
    left, index = np.unique(factor.index[rows], return_inverse=True)
    levels = tuple(factor.levels[i] for i in left)
    counts = np.bincount(index, minlength=len(left)).astype(np.int64)
    return Factor(factor.name, factor.variables, levels, index, counts)


def _response(response: Response, rows: np.ndarray) -> Response:
    def own(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[rows]

    return replace(
        response,
        values=response.values[rows],
        trials=own(response.trials),
        status=own(response.status),
        lower=own(response.lower),
        upper=own(response.upper),
        weights=own(response.weights),
    )


def training_plan(plan: ModelPlan, rows: np.ndarray) -> ModelPlan:
    """Return a plan for some of its rows: the same parameters, of levels those that are left."""
    terms = {plan.label(part, term.name): term for part in plan.parts for term in part.group}
    left = {term.factor.name: levels_left(term.factor, rows) for term in terms.values()}
    own = {term.name: left[term.factor.name] for term in plan.design.main.group}
    return replace(
        plan,
        design=rows_of(plan.design, rows),
        parameters=tuple(_parameter(p, terms.get(p.name), left) for p in plan.parameters),
        centring=tuple(_centring(c, own[c.term], rows) for c in plan.centring),
    )


def _parameter(
    parameter: Parameter, term: GroupTerm | None, left: dict[str, np.ndarray]
) -> Parameter:
    if term is None or parameter.role != "group_specific":
        return parameter
    (name, labels), *others = parameter.dims
    kept = tuple(labels[i] for i in left[term.factor.name])
    return replace(parameter, dims=((name, kept), *others))


def _centring(centring: Centring, levels: np.ndarray, rows: np.ndarray) -> Centring:
    # Worked out of all responses, it tells the sampler where to look, never what is found.
    return replace(
        centring,
        information=centring.information[levels],
        estimate=centring.estimate[levels],
        row_weight=centring.row_weight[rows],
        weight=centring.weight[levels],
    )
