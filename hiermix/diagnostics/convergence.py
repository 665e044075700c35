"""The worst R-hat, ESS and MCSE of each role."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hiermix.measurement import Measurement


def convergence(table: pd.DataFrame, n_chains: int) -> Iterator[Measurement]:
    """Yield ``rhat``, ``rhat_by_chance``, ``ess_*_per_chain`` and ``mcse_mean_per_sd`` by role.

    Parameters
    ----------
    table
        Of `scalar_table`.
    n_chains
        Chains that the ESS are over.
    """
    for role, rows in table.groupby("role", sort=False):
        scope, among = str(role), _among(len(rows))
        yield from _rhat(scope, rows, among)
        for metric in ("ess_bulk", "ess_tail"):
            values = rows[metric].to_numpy(float)
            at = _worst(-values)
            yield Measurement(
                metric=f"{metric}_per_chain",
                scope=scope,
                variable=rows["variable"].iloc[at],
                value=float(values[at] / max(n_chains, 1)),
                note=f"{values[at]:.0f} over {n_chains} chains{among}",
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = rows["mcse_mean"].to_numpy(float) / rows["sd"].to_numpy(float)
        at = _worst(shares)
        name = rows["variable"].iloc[at]
        note = among.removeprefix(", ")
        yield Measurement("mcse_mean_per_sd", scope, name, float(shares[at]), note)


def _rhat(scope: str, rows: pd.DataFrame, among: str) -> Iterator[Measurement]:
    """Yield the R-hat that decides, whatever the limit, and what chance makes of it.

    Of the parameters above their own `rhat_by_chance` the largest R-hat fails first; if there
    are none, no limit fails, and the largest of all is shown.
    """
    values = rows["rhat"].to_numpy(float)
    bounds = rows["rhat_by_chance"].to_numpy(float)
    beyond = ~(values <= bounds)
    at = _worst(np.where(beyond, values, -np.inf) if beyond.any() else values)
    name, bound = rows["variable"].iloc[at], float(bounds[at])
    note = f"converged chains reach {bound:.4g}{among}"
    yield Measurement("rhat", scope, name, float(values[at]), note)
    yield Measurement("rhat_by_chance", scope, name, bound)


def _worst(badness: np.ndarray) -> int:
    """Return the position of the largest value; NaN counts as larger than all."""
    return int(np.argmax(np.where(np.isnan(badness), np.inf, badness)))


def _among(n: int) -> str:
    return f", worst of {n:,} parameters" if n > 1 else ""
