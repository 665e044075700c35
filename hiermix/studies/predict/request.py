"""What is asked of a prediction, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hiermix.data.frame import Role
from hiermix.data.source import ColumnType
from hiermix.spec.families import CATEGORY_FAMILIES, FAMILIES
from hiermix.studies.predict.linear import NewLevels
from hiermix.studies.predict.stored import StoredDesign
from hiermix.summary.families import PREDICTIVES

Kind = Literal["expected", "response"]
Scale = Literal["response", "link"]


@dataclass(frozen=True)
class Asked:
    """How to predict.

    Attributes
    ----------
    kind
        ``expected``: the expected response; ``response``: a new observation.
    scale
        ``link`` gives the linear predictor in place of the expected response.
    new_levels
        What levels get that were not fitted: ``error`` refuses them, ``population`` gives them
        the population's coefficients, ``draw`` a draw from the distribution of the levels.
    interval, interval_kind
        Posterior probability of the interval, and ``eti`` or ``hdi``.
    seed
        Of new levels and new observations.
    trials
        Trials of every row of a binomial family; ``None`` takes the column of the fit.
    """

    kind: Kind = "expected"
    scale: Scale = "response"
    new_levels: NewLevels = "error"
    interval: float = 0.9
    interval_kind: Literal["eti", "hdi"] = "eti"
    seed: int = 0
    trials: int | None = None


def needed_parameters(design: StoredDesign, asked: Asked) -> tuple[str, ...]:
    """Return the family's parameters that a prediction depends on, the parent first."""
    family = FAMILIES[design.family]
    if asked.scale == "link":
        return (family.parent,)
    if design.family in CATEGORY_FAMILIES:
        return (family.parent, *(p.name for p in family.parameters))
    names = tuple(p.name for p in family.parameters)
    needs = names if asked.kind == "response" else PREDICTIVES[design.family].needs
    return (family.parent, *(name for name in names if name in needs))


def needs_se(design: StoredDesign, asked: Asked) -> bool:
    """Return whether a prediction depends on the rows' known standard errors."""
    return design.known_se is not None and asked.kind == "response"


def uses_trials(design: StoredDesign, asked: Asked) -> bool:
    """Return whether a prediction depends on a number of trials."""
    return design.response.kind == "proportion" and asked.scale == "response"


def column_types(design: StoredDesign) -> dict[str, ColumnType]:
    """Return how the columns of new data are read: as in the fit, numbers as numbers."""
    found: dict[str, ColumnType] = {}
    for name, column in design.columns.items():
        if column.kind == "category":
            if column.type in ("category", "text"):
                found[name] = column.type
        else:
            found[name] = "boolean" if column.kind == "bool" else "numeric"
    return found


def column_role(design: StoredDesign, name: str) -> Role:
    """Return what the model needs a column of new data to be."""
    column = design.columns.get(name)
    return "category" if column is not None and column.kind == "category" else "numeric"
