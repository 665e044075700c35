"""What the sampler says of itself: divergences, energy, tree depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hiermix.measurement import Measurement

if TYPE_CHECKING:
    from hiermix.engines.base import Fit

Summary = Callable[[np.ndarray], tuple[float, np.ndarray, str]]
"""Record of shape ``(n_chains, n_draws)`` to value, which chains it speaks of, and a note."""


def sampling(fit: Fit) -> Iterator[Measurement]:
    """Yield ``divergences``, ``ebfmi`` and ``treedepth_share``.

    One that the engine lacks and did not record is left out; one that it should have recorded is
    NaN. The variable names the chains concerned, as ``posterior.nc`` counts them.
    """
    rows: tuple[tuple[str, str, str, Summary], ...] = (
        ("divergences", "divergences", "diverging", _divergences),
        ("ebfmi", "energy", "energy", _ebfmi),
        ("treedepth_share", "tree_depth", "reached_max_treedepth", _treedepth),
    )
    for metric, lack, name, summary in rows:
        recorded = _recorded(fit, name)
        if isinstance(recorded, np.ndarray):
            value, concerned, note = summary(recorded)
            yield Measurement(metric, "run", _chains(fit, concerned), value, note)
        elif lack not in fit.lacks:
            yield Measurement(metric, "run", name, float("nan"), recorded)


def _recorded(fit: Fit, name: str) -> np.ndarray | str:
    """Return a statistic of every draw, or why there is none."""
    if "sample_stats" not in fit.tree or name not in fit.tree["sample_stats"].data_vars:
        return "the engine did not record it"
    array = fit.tree["sample_stats"].dataset[name]
    asked = (fit.request.chains, fit.request.draws)
    if set(array.dims) != {"chain", "draw"}:
        return f"recorded with the dimensions {', '.join(map(str, array.dims))}"
    values = array.transpose("chain", "draw").to_numpy().astype(float)
    if values.shape != asked:
        return f"recorded for {values.shape} chains and draws instead of {asked}"
    if values.shape[1] < 2:
        return "there are not enough draws"
    if not np.isfinite(values).all():
        return "not finite in some draws"
    return values


def _divergences(values: np.ndarray) -> tuple[float, np.ndarray, str]:
    total = float(values.sum())
    note = f"{total / values.size:.2%} of {values.size:,} draws" if total else ""
    return total, values.any(axis=1), note


def _ebfmi(values: np.ndarray) -> tuple[float, np.ndarray, str]:
    """Return the lowest E-BFMI, as ArviZ has it: mean squared step of the energy by its variance.

    Source: Betancourt 2016, arXiv:1604.00695.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        by_chain = np.square(np.diff(values, axis=1)).mean(axis=1) / values.var(axis=1, ddof=1)
    worst = int(np.argmin(np.where(np.isfinite(by_chain), by_chain, -np.inf)))
    concerned = np.arange(len(by_chain)) == worst
    return float(by_chain[worst]), concerned, f"lowest of {len(by_chain)} chains"


def _treedepth(values: np.ndarray) -> tuple[float, np.ndarray, str]:
    total = float(values.sum())
    note = f"{total:,.0f} of {values.size:,} draws" if total else ""
    return float(values.mean()), values.any(axis=1), note


def _chains(fit: Fit, concerned: np.ndarray) -> str:
    """Return ``chain 2``, ``chains 0, 2``, or ``all chains`` where none stands out."""
    at = np.nonzero(concerned)[0]
    if len(at) == 0 or (len(at) == len(concerned) > 1):
        return "all chains"
    stats = fit.tree["sample_stats"].dataset
    names = stats["chain"].values if "chain" in stats.coords else np.arange(len(concerned))
    return f"chain{'s' if len(at) > 1 else ''} {', '.join(str(names[i]) for i in at)}"
