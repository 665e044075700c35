"""Expected predictive accuracy from importance sampling, through ArviZ."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hiermix.studies.densities import log_mean

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDDataLOO

    from hiermix.engines.base import Fit


MAX_UNRELIABLE = 0.01
"""Share of the pieces that may be unreliable; beyond, the sum says nothing."""

MAX_REFITS = 100
"""Pieces that are left out by a refit at most."""

Refit = Callable[[np.ndarray], np.ndarray]
"""Positions of pieces -> their log predictive densities given the rest; NaN where there is none."""

ALIKE = 1e-4
"""Log densities of a piece that differ by less between draws are not smoothed."""

NEAR = 0.1
"""Where ArviZ finds no k and they differ by less, importance weights are as good as equal."""

SAME = 1e-12
"""Share of a log density, or difference, within which two are those of the same draw."""

NOT_FINITE = "the log likelihood of some draws is not finite"


@dataclass(frozen=True)
class Accuracy:
    """Expected log pointwise predictive density of what is left out, one piece at a time.

    Attributes
    ----------
    elpd, se
        Sum over the pieces, and its standard error; NaN where there is none, or where more than
        ``MAX_UNRELIABLE`` of the pieces are unreliable.
    pieces
        How many.
    unreliable
        Pieces whose Pareto k is above the limit for the number of draws (0.7 at most): their
        part of ``elpd`` may be far off.
    reason
        Why there is none, or what to mind, in words; empty otherwise.
    """

    elpd: float
    se: float
    pieces: int
    unreliable: int
    reason: str = ""


def missing(reason: str) -> Accuracy:
    """Return that there is no accuracy, and why."""
    return Accuracy(math.nan, math.nan, 0, 0, reason)


def leave_out(
    log_likelihood: np.ndarray, posterior: xr.Dataset, refit: Refit | None = None
) -> Accuracy:
    """Return the accuracy for pieces of data that are left out one at a time.

    Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry 2017,
    doi:10.1007/s11222-016-9696-4).

    Parameters
    ----------
    log_likelihood
        Shape ``(n_chains, n_draws, n_pieces)``.
    posterior
        Draws that it belongs to, for their efficiency.
    refit
        Leaves pieces out by fitting again: those whose Pareto k is too high, ``MAX_REFITS`` at
        most, the highest first.
    """
    if not np.isfinite(log_likelihood).all():
        return missing(NOT_FINITE)
    found = pointwise_loo(log_likelihood, posterior)
    pieces = log_likelihood.shape[-1]
    k = found.pareto_k.to_numpy().reshape(-1)
    high = np.flatnonzero(k > found.good_k)
    elpd, se, told = float(found.elpd), float(found.se), ""
    if refit is not None and len(high):
        values = found.elpd_i.to_numpy().reshape(-1).copy()
        worst = high[np.argsort(-k[high], kind="stable")][:MAX_REFITS]
        exact = refit(worst)
        done = worst[np.isfinite(exact)]
        values[done] = exact[np.isfinite(exact)]
        high = np.setdiff1d(high, done)
        elpd, se = float(values.sum()), _standard_error(values)
        told = f"{len(done)} of {pieces} left out by a refit"
    if len(high) > MAX_UNRELIABLE * pieces or not math.isfinite(elpd):
        reason = f"Pareto k is too high for {len(high)} of {pieces}: importance sampling fails"
        return Accuracy(math.nan, math.nan, pieces, len(high), _joined(told, reason))
    reason = ""
    if len(high):
        reason = f"Pareto k is high for {len(high)} of {pieces}: their part may be far off"
    return Accuracy(elpd, se, pieces, len(high), _joined(told, reason))


def _joined(*reasons: str) -> str:
    return ", ".join(reason for reason in reasons if reason)


def pointwise_loo(log_likelihood: np.ndarray, posterior: xr.Dataset) -> ELPDDataLOO:
    """Return ArviZ's PSIS-LOO with its part and Pareto k of each piece; nothing is warned of.

    Of pieces that are all but certain ArviZ refuses some, and finds no k for others: they have k 0
    if their log densities are ``NEAR`` each other. Pieces without a k for another reason, mostly
    weights that rest on a few draws, have an infinite one. So do pieces whose largest weight is
    that of many draws, as those of a chain that did not move: ArviZ refuses all pieces for one
    such. Neither is smoothed.

    Parameters
    ----------
    log_likelihood
        Shape ``(n_chains, n_draws, n_pieces)``, finite.
    posterior
        Draws that it belongs to, for their efficiency.
    """
    from arviz_stats.utils import ELPDDataLOO

    n_chains, n_draws, n_pieces = log_likelihood.shape
    spread = np.ptp(log_likelihood, axis=(0, 1))
    elpd, k = np.full(n_pieces, np.nan), np.full(n_pieces, np.nan)
    varies = (spread > ALIKE) & ~_ends_level(log_likelihood)
    if varies.any():
        found = _arviz_loo(log_likelihood[:, :, varies], posterior)
        elpd[varies], k[varies] = found.elpd_i.to_numpy(), found.pareto_k.to_numpy()
    rest = np.isnan(elpd) | np.isnan(k)
    elpd[rest] = -log_mean(-log_likelihood[:, :, rest], (0, 1))
    k[rest] = np.where(spread[rest] < NEAR, 0.0, np.inf)
    good_k = min(1 - 1 / math.log10(n_chains * n_draws), 0.7)
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=_standard_error(elpd),
        p=float((log_mean(log_likelihood, (0, 1)) - elpd).sum()),
        n_samples=n_chains * n_draws,
        n_data_points=n_pieces,
        scale="log",
        warning=bool((k > good_k).any()),
        good_k=good_k,
        elpd_i=xr.DataArray(elpd, dims="piece"),
        pareto_k=xr.DataArray(k, dims="piece"),
    )


def _ends_level(log_likelihood: np.ndarray) -> np.ndarray:
    """Return which pieces have the same weight in all draws of the tail, shape ``(n_pieces,)``.

    Told by the square root of the number of draws, which is less than the length of any tail.
    """
    n_chains, n_draws, _ = log_likelihood.shape
    lowest = log_likelihood.min(axis=(0, 1))
    last = log_likelihood <= lowest + SAME * np.maximum(np.abs(lowest), 1.0)
    return np.asarray(last.sum(axis=(0, 1)) >= math.sqrt(n_chains * n_draws))


def _arviz_loo(log_likelihood: np.ndarray, posterior: xr.Dataset) -> ELPDDataLOO:
    import arviz as az

    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "log_likelihood": xr.Dataset({"y": (("chain", "draw", "piece"), log_likelihood)}),
        }
    )
    with warnings.catch_warnings():
        # What it warns of is counted and told by the callers.
        warnings.simplefilter("ignore")
        found: ELPDDataLOO = az.loo(tree, pointwise=True)
    return found


def _standard_error(values: np.ndarray) -> float:
    """Return the standard error of a sum over pieces; 0 of a single one."""
    return float(np.sqrt(len(values) * values.var(ddof=1))) if len(values) > 1 else 0.0


def row_log_likelihood(fit: Fit) -> np.ndarray | None:
    """Return the pointwise log likelihood of a fit, ``(n_chains, n_draws, n_obs)``, if stored."""
    if "log_likelihood" not in fit.tree.children:
        return None
    (values,) = fit.tree["log_likelihood"].dataset.data_vars.values()
    return np.asarray(values.transpose("chain", "draw", ...).to_numpy())


def efficiency_of(fit: Fit, names: list[str], draws: np.ndarray | None = None) -> xr.Dataset:
    """Return draws of some variables of a posterior, those at ``draws`` of each chain."""
    posterior = fit.tree["posterior"].dataset
    picked = posterior[[name for name in names if name in posterior.data_vars]]
    picked = picked if len(picked.data_vars) else posterior
    picked = picked if draws is None else picked.isel(draw=draws)
    return xr.Dataset(
        {name: (variable.dims, variable.to_numpy()) for name, variable in picked.data_vars.items()}
    )
