"""Raw draws to an ArviZ DataTree by the plan's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hiermix.engines.draws import RawDraws
from hiermix.model.plan import ModelPlan, tree_name


def posterior_tree(
    plan: ModelPlan, names: Mapping[str, str], raw: RawDraws, attributes: Mapping[str, Any]
) -> xr.DataTree:
    """Name, shape and un-centre the draws.

    Parameters
    ----------
    plan
        What every variable is called and which dims it has.
    names
        Name in the raw draws -> name in the plan.
    raw
        Draws; intercepts are those at centred columns.
    attributes
        Stored with the posterior group.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats`` and ``observed_data``.
    """
    by_plan = {plan_name: raw.values[name] for name, plan_name in names.items()}
    _uncentre(plan, by_plan)
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for parameter in plan.parameters:
        if parameter.name not in by_plan:
            continue
        dims = tuple(name for name, _ in parameter.dims)
        shape = by_plan[parameter.name].shape[:2] + parameter.shape
        variables[parameter.variable] = (
            ("chain", "draw", *dims),
            by_plan[parameter.name].reshape(shape),
        )
        for name, labels in parameter.dims:
            coordinates[name] = np.asarray(labels, dtype=object)
    chains, draws = next(iter(raw.stats.values())).shape
    base = {"chain": np.arange(chains), "draw": np.arange(draws)}
    posterior = xr.Dataset(variables, coords={**base, **coordinates}, attrs=dict(attributes))
    stats = xr.Dataset({n: (("chain", "draw"), v) for n, v in raw.stats.items()}, coords=base)
    response = plan.design.response
    observed = xr.Dataset(
        {tree_name(response.name): (("__obs__",), response.values)},
        coords={"__obs__": np.arange(plan.design.n_obs)},
    )
    return xr.DataTree.from_dict(
        {"posterior": posterior, "sample_stats": stats, "observed_data": observed}
    )


def _uncentre(plan: ModelPlan, draws: dict[str, np.ndarray]) -> None:
    """Turn intercepts at centred columns into intercepts at zero."""
    for part in plan.parts:
        if not part.intercept or not part.common:
            continue
        intercept = plan.label(part, "Intercept")
        shift: np.ndarray | float = 0.0
        for term, mean in zip(part.common, plan.centres(part), strict=True):
            values = draws[plan.label(part, term.name)]
            if len(term.columns) > 1:
                shift = shift + np.einsum("cdk...,k->cd...", values, mean)
            else:
                shift = shift + values * mean[0]
        draws[intercept] = draws[intercept] - shift
