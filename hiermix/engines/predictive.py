"""Pointwise log likelihood and posterior predictive draws of the Bambi-built model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from hiermix.engines.draws import RawDraws
from hiermix.engines.limits import what_is_stored

INTERPRETED = {"mode": "FAST_COMPILE"}
"""These functions run a few thousand times; compiling them takes longer than that."""


def add_predictive(
    tree: xr.DataTree,
    build: Callable[[], Any],
    raw: RawDraws,
    response: str,
    seed: int,
    *,
    of_means: bool = False,
) -> dict[str, str]:
    """Add the groups ``log_likelihood`` and ``posterior_predictive`` where they are feasible.

    Parameters
    ----------
    tree
        Result of `posterior_tree`; extended in place.
    build
        Makes the PyMC model over the original rows, if it is needed; its free variables are all
        in ``raw``.
    raw
        Draws by the model's names.
    response
        Printed name of the response.
    seed
        Seed of the predictive draws.
    of_means
        Whether the rows are means of rows of the data, of which nothing can be said singly.

    Returns
    -------
    dict
        Group -> why it was left out.
    """
    chains, draws = next(iter(raw.stats.values())).shape
    n_obs = tree["observed_data"].sizes["__obs__"]
    stored = what_is_stored(n_obs, chains, draws, of_means=of_means)
    if not stored.log_likelihood and stored.predictive is None:
        return stored.skipped
    model = build()
    free = {rv.name for rv in model.free_RVs}
    values = {name: array for name, array in raw.values.items() if name in free}
    logger = logging.getLogger("pymc")
    level, logger.level = logger.level, logging.ERROR
    try:
        if stored.log_likelihood:
            pointwise = pm.compute_log_likelihood(
                _dataset(values),
                model=model,
                extend_inferencedata=False,
                progressbar=False,
                compile_kwargs=INTERPRETED,
            )
            tree["log_likelihood"] = xr.DataTree(_renamed(pointwise, response))
        if stored.predictive is not None:
            thin = {name: array[:, stored.predictive] for name, array in values.items()}
            predictive = pm.sample_posterior_predictive(
                _dataset(thin),
                model=model,
                random_seed=seed,
                freeze_vars=sorted(thin),
                progressbar=False,
                compile_kwargs=INTERPRETED,
            )
            tree["posterior_predictive"] = xr.DataTree(
                _renamed(predictive["posterior_predictive"].to_dataset(), response)
            )
    finally:
        logger.level = level
    return stored.skipped


def _dataset(values: Mapping[str, np.ndarray]) -> xr.DataTree:
    variables = {
        name: (("chain", "draw", *(f"{name}_d{i}" for i in range(array.ndim - 2))), array)
        for name, array in values.items()
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})


def _renamed(data: xr.Dataset, response: str) -> xr.Dataset:
    (variable,) = data.data_vars.values()
    dims = ("chain", "draw", "__obs__")
    return xr.Dataset(
        {response: (dims, variable.transpose(*dims).to_numpy())},
        coords={name: data[name].to_numpy() for name in dims},
    )
