"""The model as a value: described, not built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hiermix.design.types import Design, LinearPart
from hiermix.spec.priors import Prior

ParameterRole = Literal[
    "common", "group_sd", "correlation", "residual", "auxiliary", "group_specific"
]

Form = Literal["adapted", "centered", "noncentered"]
"""In which coordinates a group term is sampled."""


@dataclass(frozen=True)
class Parameter:
    """One variable of the posterior, by the name that every table prints.

    Attributes
    ----------
    name, role
        ``x`` is ``common``, ``1|g_sigma`` ``group_sd``, ``1|g`` ``group_specific``...
    dims
        ``(dimension name, labels)`` after chain and draw; a scalar has none.
    component
        The family's parameter that it belongs to (``mu``, ``sigma``...).
    prior
        One prior for each scalar of the variable, one LKJ for all correlations of a factor (each
        bar of the formula has its own matrix), a number where the parameter is fixed, ``None``
        for group-specific effects, whose prior is Normal(0, their group sd).
    default_prior
        Whether the prior is hiermix's default (Bambi's auto-scaled one).
    """

    name: str
    role: ParameterRole
    dims: tuple[tuple[str, tuple[str, ...]], ...] = ()
    component: str = "mu"
    prior: tuple[Prior, ...] | float | None = None
    default_prior: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape after chain and draw."""
        return tuple(len(labels) for _, labels in self.dims)

    @property
    def variable(self) -> str:
        """Name in the DataTree."""
        return tree_name(self.name)

    @property
    def is_fixed(self) -> bool:
        """Whether the spec gives its value, so that there is nothing to sample."""
        return isinstance(self.prior, float)


def tree_name(name: str) -> str:
    """Return a name as a DataTree and netCDF can hold it: ``/`` separates their groups.

    Examples
    --------
    >>> tree_name("I(x / 2)") == "I(x \N{DIVISION SLASH} 2)"
    True
    """
    return name.replace("/", "\N{DIVISION SLASH}")


def correlation_name(factor: str) -> str:
    """Return the printed name of the correlations of a factor's effects, before any prefix."""
    return f"cor|{factor}"


@dataclass(frozen=True)
class Centring:
    """In which coordinates NUTS sees the levels of one group term.

    It changes the geometry, never the posterior.

    Attributes
    ----------
    term
        Name of the group term.
    form
        ``noncentered`` (u = tau z), ``centered`` (hierarchically: the sampler moves the level's
        own coefficient) or ``adapted``, which is the first where tau^2 x information is small
        and the second where it is large, at every value of tau.
    information
        Shape ``(n_groups, k)``: what the level's rows tell about its coefficient, in units of
        1 / coefficient^2; zero where they tell nothing.
    estimate
        Shape ``(n_groups, k)``: the level's own rough estimate of its coefficient.
    row_weight
        Shape ``(n_obs,)``: weights of the rows in level means; of merged rows the sums.
    weight
        Shape ``(n_groups, k)``, in [0, 1]: how centred each level is at the rough estimate of
        tau (its pooling weight); 0 or 1 throughout for the fixed forms.
    reason
        Why, in words.
    stated
        Whether the spec says so; then nothing may change it.
    """

    term: str
    form: Form
    information: np.ndarray
    estimate: np.ndarray
    row_weight: np.ndarray
    weight: np.ndarray
    reason: str
    stated: bool = False


@dataclass(frozen=True)
class ModelPlan:
    """Everything an engine needs: family, links, columns, numeric priors, names.

    ``links`` maps the family's parameters that have a linear predictor to their link functions.
    ``centring`` has an entry for each group term of the main linear predictor, or is empty where
    the family has several coefficients a column. ``column_means`` has, for each linear predictor
    with an intercept, one ``(k,)`` a common term: the means over the original rows, to which the
    intercept's prior refers, whatever rows ``design`` has left. ``within_ss`` is the sum of
    squares S about the means of merged Gaussian rows: the log density has a term
    -S / (2 sigma^2). ``merged`` is ``None`` where ``design`` has the rows of the data; where it has
    cells of rows (`hiermix.model.reduction`), their log density less that of the rows.
    """

    design: Design
    family: str
    links: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    centring: tuple[Centring, ...]
    notes: tuple[str, ...] = ()
    column_means: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    within_ss: float = 0.0
    merged: float | None = None

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called ``name``; raise ``KeyError`` if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    @property
    def has_means(self) -> bool:
        """Whether the responses of ``design`` are means of rows of the data."""
        return self.merged is not None and self.family == "gaussian"

    @property
    def parts(self) -> tuple[LinearPart, ...]:
        """Linear predictors: the main one first, then the components'."""
        return (self.design.main, *self.design.components.values())

    def centres(self, part: LinearPart) -> tuple[np.ndarray, ...]:
        """Return what is taken off the columns of each common term, one ``(k,)`` a term."""
        if part.intercept:
            return self.column_means[part.parameter]
        return tuple(np.zeros(len(term.columns)) for term in part.common)

    def label(self, part: LinearPart, name: str) -> str:
        """Return the printed name of a term: components carry theirs as a prefix, as in Bambi."""
        return name if part is self.design.main else f"{part.parameter}_{name}"
