"""Pointwise log likelihood and posterior predictive draws of the Bambi-built model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from hiermix.engines.draws import RawDraws

MAX_LOG_LIKELIHOOD = 5_000_000
"""Rows x draws up to which the pointwise log likelihood is stored (40 MB)."""

MAX_PREDICTIVE = 2_000_000
"""Rows x draws of posterior predictive values."""

INTERPRETED = {"mode": "FAST_COMPILE"}
"""These functions run a few thousand times; compiling them takes longer than that."""

PREDICTIVE_DRAWS = 100
"""Posterior predictive draws per run, spread over chains and draws: enough to see a misfit."""


def add_predictive(
    tree: xr.DataTree, model: Any, raw: RawDraws, response: str, seed: int
) -> dict[str, str]:
    """Add the groups ``log_likelihood`` and ``posterior_predictive`` where they are feasible.

    Parameters
    ----------
    tree
        Result of `posterior_tree`; extended in place.
    model
        The PyMC model; its free variables are all in ``raw``.
    raw
        Draws by the model's names.
    response
        Printed name of the response.
    seed
        Seed of the predictive draws.

    Returns
    -------
    dict
        Group -> why it was left out.
    """
    free = {rv.name for rv in model.free_RVs}
    values = {name: array for name, array in raw.values.items() if name in free}
    chains, draws = next(iter(raw.stats.values())).shape
    n_obs = tree["observed_data"].sizes["__obs__"]
    skipped: dict[str, str] = {}
    logger = logging.getLogger("pymc")
    level, logger.level = logger.level, logging.ERROR
    try:
        if n_obs * chains * draws <= MAX_LOG_LIKELIHOOD:
            pointwise = pm.compute_log_likelihood(
                _dataset(values),
                model=model,
                extend_inferencedata=False,
                progressbar=False,
                compile_kwargs=INTERPRETED,
            )
            tree["log_likelihood"] = xr.DataTree(_renamed(pointwise, response))
        else:
            skipped["log_likelihood"] = f"{n_obs} rows x {chains * draws} draws are too many"
        kept = max(1, min(PREDICTIVE_DRAWS // chains, draws))
        if n_obs * kept * chains <= MAX_PREDICTIVE:
            chosen = np.linspace(0, draws - 1, kept).round().astype(int)
            thin = {name: array[:, chosen] for name, array in values.items()}
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
        else:
            skipped["posterior_predictive"] = f"{n_obs} rows are too many"
    finally:
        logger.level = level
    return skipped


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
