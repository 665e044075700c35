"""Draws of a fit by the names that the tables print."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hiermix.errors import HiermixError

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan, Parameter

CHUNK_BYTES = 8 * 2**20
"""Draws that are worked on at a time; a few such arrays are alive at once. Larger ones are slower:
the system hands out their memory anew each time."""

INTERCEPT = "1"
"""Expression of a group-specific intercept."""


def evenly_spaced(n_draws: int, wanted: int) -> np.ndarray:
    """Return the positions of at most ``wanted`` of ``n_draws`` draws, ends included, ascending.

    Examples
    --------
    >>> evenly_spaced(1000, 3).tolist(), evenly_spaced(2, 3).tolist()
    ([0, 500, 999], [0, 1])
    """
    found = np.linspace(0, n_draws - 1, min(wanted, n_draws)).round().astype(np.int64)
    return np.unique(found)


def is_fixed(parameter: Parameter) -> bool:
    """Return whether a parameter is a number that the spec gives, not something to estimate."""
    return isinstance(parameter.prior, int | float)


def draws_of(fit: Fit, parameter: Parameter) -> np.ndarray:
    """Return the draws of a parameter, chains after one another, shape ``(n_draws, *shape)``.

    A parameter that is fixed and not in the posterior has its number as every draw. One that
    the posterior lacks, or holds with other dimensions, is NaN throughout: the integrity gate
    fails such a fit, and its tables are written all the same.
    """
    posterior = fit.tree["posterior"].dataset
    dims = [name for name, _ in parameter.dims]
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if parameter.variable in posterior.data_vars:
        array = posterior[parameter.variable]
        if set(array.dims) == {"chain", "draw", *dims}:
            values = array.transpose("chain", "draw", *dims).to_numpy()
            if values.shape[2:] == parameter.shape:
                return np.asarray(values.reshape(n_draws, *parameter.shape))
    elif is_fixed(parameter):
        return np.full((n_draws, *parameter.shape), parameter.prior, dtype=float)
    return np.full((n_draws, *parameter.shape), np.nan)


def scalars_of(scalars: pd.DataFrame, parameter: Parameter, column: str) -> np.ndarray:
    """Return one column of the scalar table for a parameter, in the shape of the parameter."""
    values = scalars.loc[scalars["parameter"] == parameter.name, column].to_numpy(dtype=float)
    if len(values) != int(np.prod(parameter.shape, dtype=int)):
        raise HiermixError(
            "summary.scalars",
            f"{len(values)} diagnosed scalars for '{parameter.name}', whose shape is "
            f"{parameter.shape}",
        )
    return values.reshape(parameter.shape)


def by_level(plan: ModelPlan, part: LinearPart, term: GroupTerm, values: np.ndarray) -> np.ndarray:
    """Arrange an array of a group term as ``(..., k, n_groups)``.

    ``k`` counts the effects of one level: columns of the slope times categories of the response,
    as far as the parameter has either; their names are ``effect_names``.

    Parameters
    ----------
    values
        The last axes are those of the term's parameter.
    """
    parameter = plan.parameter(plan.label(part, term.name))
    n_axes = len(parameter.dims)
    moved = np.moveaxis(values, values.ndim - n_axes + _level_axis(parameter, term), -1)
    lead = values.shape[: values.ndim - n_axes]
    return moved.reshape(*lead, -1, term.factor.n_groups)


def effect_names(plan: ModelPlan, part: LinearPart, term: GroupTerm) -> tuple[str, ...]:
    """Return the names of the common effects that the levels of a group term deviate from.

    ``Intercept``, ``x``, ``f[b]``, ``sigma_x``...: ``k`` names in the order of ``by_level``.
    """
    parameter = plan.parameter(plan.label(part, term.name))
    plain = plan.label(part, "Intercept" if term.expression == INTERCEPT else term.expression)
    level_axis = _level_axis(parameter, term)
    others = [labels for axis, (_, labels) in enumerate(parameter.dims) if axis != level_axis]
    if not others:
        return (plain,)
    return tuple(f"{plain}[{', '.join(labels)}]" for labels in itertools.product(*others))


def group_columns(plan: ModelPlan) -> Iterator[tuple[LinearPart, GroupTerm, int]]:
    """Yield every column of every group term, in the order of the tables by level.

    By linear predictor, factor and term; the position is that in ``effect_names``.
    """
    for part in plan.parts:
        for factor in part.factors:
            for term in part.group:
                if term.factor.name == factor.name:
                    for column in range(len(effect_names(plan, part, term))):
                        yield part, term, column


def pieces(n_draws: int, n_groups: int) -> Iterator[slice]:
    """Yield runs of levels whose draws take ``CHUNK_BYTES`` at most."""
    step = max(1, CHUNK_BYTES // (8 * max(n_draws, 1)))
    return (slice(start, start + step) for start in range(0, n_groups, step))


def _level_axis(parameter: Parameter, term: GroupTerm) -> int:
    for axis, (_, labels) in enumerate(parameter.dims):
        if labels == term.factor.levels:
            return axis
    raise HiermixError(
        "summary.levels", f"'{parameter.name}' has no axis for the levels of its factor"
    )
