"""The posterior as scalars, by the names that every table prints."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan, Parameter


@dataclass(frozen=True)
class Block:
    """The scalars of one parameter.

    Attributes
    ----------
    names
        ``n`` names: ``x``, ``f[b]``, ``1|g[DE]``, ``f|g[b, DE]``.
    draws
        Shape ``(n, n_chains, n_draws)``; ``None`` if the posterior does not hold what the plan
        promises.
    problem
        Why it does not, in words; empty if it does.
    """

    parameter: Parameter
    names: tuple[str, ...]
    draws: np.ndarray | None
    problem: str = ""


def blocks(fit: Fit, plan: ModelPlan) -> Iterator[Block]:
    """Yield every parameter of the plan that is sampled, in its order, with its draws."""
    posterior = fit.tree["posterior"].dataset if "posterior" in fit.tree else xr.Dataset()
    for parameter in plan.parameters:
        if parameter.is_fixed:
            continue
        names = scalar_names(parameter)
        problem = _problem(posterior, parameter)
        if problem:
            yield Block(parameter, names, None, problem)
            continue
        dims = [dim for dim, _ in parameter.dims]
        array = posterior[parameter.variable].transpose(*dims, "chain", "draw").to_numpy()
        yield Block(parameter, names, array.reshape(len(names), *array.shape[-2:]))


def scalar_names(parameter: Parameter) -> tuple[str, ...]:
    """Return the printed names of a parameter's scalars, in the order of its draws.

    A group-specific effect has the dimensions (levels, labels) and is printed as Bambi does,
    label first.

    Examples
    --------
    >>> from hiermix.model.plan import Parameter
    >>> scalar_names(Parameter("1|g", "group_specific", (("g", ("DE", "FR")),)))
    ('1|g[DE]', '1|g[FR]')
    >>> dims = (("g", ("DE", "FR")), ("f", ("b",)))
    >>> scalar_names(Parameter("f|g", "group_specific", dims))
    ('f|g[b, DE]', 'f|g[b, FR]')
    """
    if not parameter.dims:
        return (parameter.name,)
    order = -1 if parameter.role == "group_specific" else 1
    combinations = itertools.product(*(labels for _, labels in parameter.dims))
    return tuple(f"{parameter.name}[{', '.join(labels[::order])}]" for labels in combinations)


def _problem(posterior: xr.Dataset, parameter: Parameter) -> str:
    if parameter.variable not in posterior.data_vars:
        return "not in the posterior"
    array = posterior[parameter.variable]
    expected = {"chain", "draw", *(dim for dim, _ in parameter.dims)}
    if set(array.dims) != expected:
        return f"has the dimensions {', '.join(map(str, array.dims))}"
    for dim, labels in parameter.dims:
        if array.sizes[dim] != len(labels):
            return f"has {array.sizes[dim]} of {len(labels)} values along {dim}"
        if dim in array.coords and tuple(map(str, array.coords[dim].values)) != labels:
            return f"has other labels along {dim} than the model"
    return ""
