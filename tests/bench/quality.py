"""Effective draws and R-hat of a posterior, by the same code for every tool."""

from __future__ import annotations

from typing import Any


def worst(posterior: Any) -> tuple[float, float]:
    """Return the lowest bulk ESS and the highest R-hat of all scalars, group effects included."""
    import arviz as az

    ess, rhat = az.ess(posterior, method="bulk"), az.rhat(posterior)
    names = list(posterior.data_vars)
    return min(float(ess[n].min()) for n in names), max(float(rhat[n].max()) for n in names)
