"""Power-scaling: how much the posterior moves as the prior or the likelihood is made weightier.

Prior or likelihood are raised to a power alpha near 1 by importance weights; the sensitivity of a
parameter is how fast its distribution moves away, in the cumulative Jensen-Shannon distance, for
each doubling of alpha (Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5; by ArviZ).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hiermix.diagnostics.scalars import blocks
from hiermix.studies.sensitivity.coefficients import coefficients
from hiermix.studies.sensitivity.log_likelihood import total_log_likelihood
from hiermix.studies.sensitivity.log_prior import log_prior_draws

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

POWER_COLUMNS = (
    *("parameter", "role", "group", "level", "term"),
    *("prior", "likelihood", "mcse_prior", "mcse_likelihood", "diagnosis"),
)
"""Columns of ``power.csv``, in order."""

THRESHOLD = 0.05
"""Sensitivities from which on a component matters, as published: about that of a normal posterior
whose mean moves by 0.3 of its sd for each doubling of alpha."""

CONFLICT = "potential prior-data conflict"
STRONG_PRIOR = "potential strong prior / weak likelihood"
UNKNOWN = "prior matters, likelihood unknown"

ALPHAS = (0.99, 1.01)

MIN_EFFICIENCY = 0.1
"""Share of the draws that weighted ones have to be worth. The log likelihood of very many levels
varies so much between draws that even these powers leave only a few."""

BATCHES = 20
"""Parts of the chains that are left out in turn for a standard error."""


@dataclass(frozen=True)
class PowerScaling:
    """``table`` has ``POWER_COLUMNS``; ``notes`` say what could not be worked out, and why."""

    table: pd.DataFrame
    notes: tuple[str, ...]


def power_scaling(fit: Fit, plan: ModelPlan) -> PowerScaling:
    """Return the sensitivity of every population-level parameter and every coefficient.

    Time: about 2 ms a scalar with 4,000 draws.
    """
    totals = total_log_likelihood(fit, plan)
    log_prior = _log_prior(fit, plan)[:, totals.kept]
    of_prior = log_prior if np.isfinite(log_prior).all() else None
    prior, why_no_prior = _scaled(of_prior, "its log density is not finite at some draw")
    likelihood, why_no_likelihood = _scaled(totals.values, totals.reason)
    notes = []
    if prior is None:
        notes.append(f"no sensitivity to the prior: {why_no_prior}")
    if likelihood is None:
        notes.append(f"no sensitivity to the likelihood: {why_no_likelihood}")
    every = fit.tree["posterior"].sizes["draw"]
    if len(totals.kept) < every:
        notes.append(f"power-scaling is of {len(totals.kept)} of {every} draws a chain")
    rows = [
        *_population(fit, plan, totals.kept, prior, likelihood),
        *_levels(fit, plan, totals.kept, prior, likelihood),
    ]
    return PowerScaling(pd.DataFrame(rows, columns=list(POWER_COLUMNS)), tuple(notes))


def diagnose(prior: float, likelihood: float) -> str:
    """Return what the two sensitivities say, in ArviZ's words; empty where nothing is wrong.

    Examples
    --------
    >>> diagnose(0.2, 0.1), diagnose(0.2, 0.01), diagnose(0.01, 0.2)
    ('potential prior-data conflict', 'potential strong prior / weak likelihood', '')
    """
    if not prior >= THRESHOLD:
        return "" if np.isfinite(prior) else "unknown"
    if np.isnan(likelihood):
        return UNKNOWN
    return CONFLICT if likelihood >= THRESHOLD else STRONG_PRIOR


@dataclass(frozen=True)
class _Scaled:
    """Weights ``(n_chains, n_draws)`` that raise a log density to each of ``ALPHAS``."""

    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, log_density: np.ndarray) -> _Scaled:
        # Weights do not depend on constants; large ones would cost digits.
        centred = log_density - log_density.mean()
        lower, upper = (
            np.exp(_arviz().power_scale_lw(centred, alpha=alpha, axis=(-2, -1))) for alpha in ALPHAS
        )
        return cls(lower, upper)

    @property
    def efficiency(self) -> float:
        """Share of the draws that weighted ones are worth: (sum w)^2 / (n sum w^2), the smaller."""
        return min(
            float(w.sum() ** 2 / (w.size * np.square(w).sum())) for w in (self.lower, self.upper)
        )

    def sensitivity(self, draws: np.ndarray) -> float:
        """Return that of one scalar, whose draws have the shape of the weights.

        NaN where one of them is not finite: ArviZ would say 0.
        """
        if not np.isfinite(draws).all():
            return np.nan
        with np.errstate(all="ignore"):
            found = _arviz().power_scale_sense(draws, self.lower, self.upper, *ALPHAS)
        return float(found)

    def without_batches(self) -> Iterator[tuple[_Scaled, np.ndarray]]:
        """Yield the same without each part of the chains, and which draws are left."""
        every = np.arange(self.lower.shape[1])
        for batch in np.array_split(every, min(BATCHES, len(every))):
            left = np.delete(every, batch)
            yield _Scaled(self.lower[:, left], self.upper[:, left]), left


def _scaled(log_density: np.ndarray | None, missing: str) -> tuple[_Scaled | None, str]:
    """Return the weights, or why there are none."""
    if log_density is None:
        return None, missing
    found = _Scaled.of(log_density)
    if found.efficiency < MIN_EFFICIENCY:
        return None, "the importance weights rest on a few of the draws"
    return found, ""


def _arviz() -> Any:
    """Return ArviZ's statistics of arrays; imported late, since it takes half a second."""
    from arviz_stats.base.array import array_stats

    return array_stats


def _log_prior(fit: Fit, plan: ModelPlan) -> np.ndarray:
    """Return the joint log prior, shape ``(n_chains, n_draws)``."""
    sizes = fit.tree["posterior"].sizes
    shape = sizes["chain"], sizes["draw"]
    of_each = log_prior_draws(fit, plan).values()
    return np.asarray(sum(of_each, np.zeros(shape[0] * shape[1]))).reshape(shape)


def _population(
    fit: Fit,
    plan: ModelPlan,
    kept: np.ndarray,
    prior: _Scaled | None,
    likelihood: _Scaled | None,
) -> Iterator[dict[str, Any]]:
    scalars = [
        (name, block.parameter.role, draws[:, kept])
        for block in blocks(fit, plan)
        if block.parameter.role != "group_specific" and block.draws is not None
        for name, draws in zip(block.names, block.draws, strict=True)
    ]
    own = [draws for _, _, draws in scalars]
    errors = {"prior": _errors(prior, own), "likelihood": _errors(likelihood, own)}
    for place, (name, role, draws) in enumerate(scalars):
        row = _row(name, role, draws, prior, likelihood)
        yield {**row, **{f"mcse_{part}": errors[part][place] for part in errors}}


def _levels(
    fit: Fit,
    plan: ModelPlan,
    kept: np.ndarray,
    prior: _Scaled | None,
    likelihood: _Scaled | None,
) -> Iterator[dict[str, Any]]:
    for own in coefficients(fit, plan):
        for level, draws in zip(own.levels, own.draws, strict=True):
            name = _printed(own.parameter, own.term, level)
            row = _row(name, "group_specific", draws[:, kept], prior, likelihood)
            yield {**row, "group": own.group, "level": level, "term": own.term}


def _printed(parameter: str, term: str, level: str) -> str:
    """Return the name of a level's effect, with the column of the term if it has several.

    Examples
    --------
    >>> _printed("1|g", "Intercept", "DE"), _printed("f|g", "f[b]", "DE")
    ('1|g[DE]', 'f|g[b, DE]')
    """
    column = term.rpartition("[")[2].removesuffix("]") if term.endswith("]") else ""
    return f"{parameter}[{column}, {level}]" if column else f"{parameter}[{level}]"


def _row(
    name: str, role: str, draws: np.ndarray, prior: _Scaled | None, likelihood: _Scaled | None
) -> dict[str, Any]:
    of_prior = np.nan if prior is None else prior.sensitivity(draws)
    of_likelihood = np.nan if likelihood is None else likelihood.sensitivity(draws)
    return {
        "parameter": name,
        "role": role,
        "group": "",
        "level": "",
        "term": "",
        "prior": of_prior,
        "likelihood": of_likelihood,
        "mcse_prior": np.nan,
        "mcse_likelihood": np.nan,
        "diagnosis": diagnose(of_prior, of_likelihood),
    }


def _errors(scaled: _Scaled | None, scalars: list[np.ndarray]) -> np.ndarray:
    """Return jackknife standard errors, leaving out a part of every chain at a time."""
    if scaled is None or not scalars:
        return np.full(len(scalars), np.nan)
    values = np.array(
        [
            [rest.sensitivity(draws[:, left]) for draws in scalars]
            for rest, left in scaled.without_batches()
        ]
    )
    n = len(values)
    return np.asarray(np.sqrt((n - 1) / n * np.square(values - values.mean(axis=0)).sum(axis=0)))
