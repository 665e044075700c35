"""Pointwise log likelihood and predictive draws of a Gaussian model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from hiermix.engines.exact.statement import Statement
from hiermix.engines.limits import what_is_stored

CHUNK_BYTES = 64 * 2**20


def add_outcome(
    tree: xr.DataTree,
    statement: Statement,
    values: Mapping[str, np.ndarray],
    offset: np.ndarray,
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
    values
        Draws ``(chains, draws, ...)`` by printed name; the intercept at centred columns.
    offset
        Shape ``(n,)``: what was subtracted from the response.
    response
        Name in the tree.
    seed
        Of the predictive draws.
    of_means
        Whether the rows are means of rows of the data, of which nothing can be said singly.

    Returns
    -------
    dict
        Group -> why it was left out.
    """
    n_obs = len(statement.y)
    chains, draws = tree["posterior"].sizes["chain"], tree["posterior"].sizes["draw"]
    stored = what_is_stored(n_obs, chains, draws, of_means=of_means)
    if stored.log_likelihood:
        pointwise = np.empty((chains, draws, n_obs))
        for chain in range(chains):
            for part in _parts(n_obs, draws):
                pointwise[chain, part] = _log_density(statement, values, chain, part)
        tree["log_likelihood"] = _rows(pointwise, response, np.arange(draws))
    if stored.predictive is not None:
        rng = np.random.default_rng([seed, len(stored.predictive)])
        predicted = np.empty((chains, len(stored.predictive), n_obs))
        for chain in range(chains):
            mean, sd = _mean_and_sd(statement, values, chain, stored.predictive)
            predicted[chain] = mean + offset + sd * rng.standard_normal(mean.shape)
        tree["posterior_predictive"] = _rows(predicted, response, stored.predictive)
    return stored.skipped


def _parts(n_obs: int, draws: int) -> list[slice]:
    step = max(1, CHUNK_BYTES // (8 * n_obs))
    return [slice(at, min(at + step, draws)) for at in range(0, draws, step)]


def _log_density(
    statement: Statement, values: Mapping[str, np.ndarray], chain: int, part: slice
) -> np.ndarray:
    """Return log densities ``(draws, n)``; where rows count several times, that many times them."""
    mean, sd = _mean_and_sd(statement, values, chain, part)
    counted: np.ndarray | float = 1.0
    if statement.counted:
        counted = statement.weight
    z = (statement.y - mean) / sd
    return np.asarray(counted * (-0.5 * z**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)))


def _mean_and_sd(
    statement: Statement,
    values: Mapping[str, np.ndarray],
    chain: int,
    part: slice | np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sd of the response without offset, ``(draws, n)`` each."""
    own = {name: array[chain, part] for name, array in values.items()}
    count = len(next(iter(own.values())))
    common = statement.coefficients
    mean = np.zeros((count, len(statement.y)))
    for name, places in common.places.items():
        mean += own[name].reshape(count, -1) @ common.values[:, places].T
    for effects in statement.factors:
        for name, places in effects.places.items():
            levels = own[name].reshape(count, effects.factor.n_groups, -1)
            for column, place in enumerate(places):
                mean += levels[:, effects.factor.index, column] * effects.values[:, place]
    sigma = statement.sigma if isinstance(statement.sigma, float) else own["sigma"][:, None]
    precision = 1.0 if statement.counted else statement.weight
    return mean, np.broadcast_to(sigma / np.sqrt(precision), mean.shape)


def _rows(array: np.ndarray, response: str, draws: np.ndarray) -> xr.DataTree:
    chains, _, n_obs = array.shape
    coordinates = {"chain": np.arange(chains), "draw": draws, "__obs__": np.arange(n_obs)}
    dims = ("chain", "draw", "__obs__")
    return xr.DataTree(xr.Dataset({response: (dims, array)}, coords=coordinates))
