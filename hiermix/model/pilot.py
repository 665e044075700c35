"""A rough look at the group sds before sampling.

Expectation-maximisation in the Gaussian picture of the model gives a mode; with few levels the
mode says little (it is often zero), so each sd is then averaged over its own profile likelihood
times its prior. Only the sampler's coordinates depend on the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.design.types import Factor, GroupTerm
from hiermix.model.distributions import frozen
from hiermix.model.working import WorkingData
from hiermix.spec.priors import Prior

SWEEPS = 3
STEPS = 12
GRID = np.geomspace(1e-3, 1e2, 41)
"""Group sds tried, in units of a typical one."""

KNOWN = {"HalfNormal", "HalfStudentT", "HalfCauchy", "Exponential", "Gamma", "Uniform"}


@dataclass(frozen=True)
class Pilot:
    """Rough group sds by term (shape ``(k,)`` each) and the dispersion that goes with them."""

    working: WorkingData
    sds: Mapping[str, np.ndarray]
    dispersion: float


@dataclass(frozen=True)
class _Levels:
    """Sufficient statistics of one factor: ``gram`` is ``(g, q, q)``, ``cross`` ``(g, q)``."""

    gram: np.ndarray
    cross: np.ndarray
    total: float
    n_rows: float

    @classmethod
    def of(
        cls, z: np.ndarray, factor: Factor, working: WorkingData, residual: np.ndarray
    ) -> _Levels:
        g, q = factor.n_groups, z.shape[1]
        weight = working.weight
        gram = np.empty((g, q, q))
        for a in range(q):
            for b in range(a, q):
                gram[:, a, b] = gram[:, b, a] = np.bincount(
                    factor.index, weight * z[:, a] * z[:, b], minlength=g
                )
        columns = [np.bincount(factor.index, weight * c * residual, minlength=g) for c in z.T]
        total = float(np.sum(weight * residual**2)) + working.within_ss
        return cls(gram, np.column_stack(columns), total, working.n_rows)

    def conditional(self, tau2: np.ndarray, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
        """Return means ``(g, q)`` and covariances ``(g, q, q)`` of the effects."""
        precision = self.gram / dispersion
        diagonal = np.arange(len(tau2))
        precision[:, diagonal, diagonal] += 1 / tau2
        covariance = np.linalg.inv(precision)
        return np.einsum("gab,gb->ga", covariance, self.cross) / dispersion, covariance

    def log_likelihood(self, tau2: np.ndarray, dispersion: float) -> float:
        """Return the marginal log likelihood of the sds, up to a constant."""
        mean, _ = self.conditional(tau2, dispersion)
        inflation = np.eye(len(tau2)) + self.gram * tau2 / dispersion
        _, log_determinant = np.linalg.slogdet(inflation)
        return float(0.5 * np.sum(mean * self.cross) / dispersion - 0.5 * log_determinant.sum())


def run_pilot(
    terms: Sequence[GroupTerm], working: WorkingData, priors: Mapping[str, Sequence[Prior]]
) -> Pilot:
    """Estimate the group sds, factor by factor, the others' effects held at their means.

    Parameters
    ----------
    terms
        Group terms of the main linear predictor.
    working
        Working residuals and weights, shape ``(n_obs,)``.
    priors
        Term -> priors of its group sds, one a column.

    Notes
    -----
    Cost O(n_obs k^2 + n_groups k^3) a factor and sweep.
    """
    by_factor: dict[str, list[GroupTerm]] = {}
    for term in terms:
        by_factor.setdefault(term.factor.name, []).append(term)
    known = working.dispersion
    squares = float(working.weight @ working.residual**2) + working.within_ss
    spread = float(np.sqrt(squares / working.weight.sum()))
    if known is not None:
        spread = max(spread, float(np.sqrt(known / working.mean_weight)))
    dispersion = known or 0.5 * spread**2 * working.mean_weight
    n_rows = working.n_rows
    contribution = {name: np.zeros_like(working.residual) for name in by_factor}
    columns = {
        name: np.column_stack([term.values for term in group]) for name, group in by_factor.items()
    }
    typical = {
        name: spread / np.sqrt(np.maximum(working.rows @ z**2 / n_rows, np.finfo(float).tiny))
        for name, z in columns.items()
    }
    tau2 = {name: (0.5 * value) ** 2 for name, value in typical.items()}
    levels: dict[str, _Levels] = {}
    for _ in range(SWEEPS):
        for name, group in by_factor.items():
            others = sum((c for n, c in contribution.items() if n != name), start=0.0)
            factor = group[0].factor
            levels[name] = _Levels.of(columns[name], factor, working, working.residual - others)
            tau2[name], dispersion, mean = _maximise(levels[name], tau2[name], dispersion, known)
            contribution[name] = np.einsum("nq,nq->n", columns[name], mean[factor.index])
    sds: dict[str, np.ndarray] = {}
    for name, group in by_factor.items():
        flat = [prior for term in group for prior in priors[term.name]]
        means = _posterior_means(levels[name], tau2[name], dispersion, typical[name], flat)
        start = 0
        for term in group:
            sds[term.name] = means[start : start + len(term.columns)]
            start += len(term.columns)
    return Pilot(working, sds, dispersion)


def _maximise(
    levels: _Levels, tau2: np.ndarray, dispersion: float, known: float | None
) -> tuple[np.ndarray, float, np.ndarray]:
    """Run a few EM steps for independent effects (Laird and Ware 1982, doi:10.2307/2529876)."""
    floor = 1e-6 * tau2
    diagonal = np.arange(len(tau2))
    mean = np.zeros_like(levels.cross)
    for _ in range(STEPS):
        mean, covariance = levels.conditional(tau2, dispersion)
        tau2 = np.maximum((mean**2 + covariance[:, diagonal, diagonal]).mean(axis=0), floor)
        if known is None:
            fitted = 2 * np.sum(mean * levels.cross)
            fitted -= np.einsum("ga,gab,gb->", mean, levels.gram, mean)
            lost = np.einsum("gab,gba->", levels.gram, covariance)
            dispersion = (levels.total - float(fitted) + float(lost)) / levels.n_rows
            dispersion = max(dispersion, 1e-12 * levels.total)
    return tau2, dispersion, mean


def _posterior_means(
    levels: _Levels,
    tau2: np.ndarray,
    dispersion: float,
    typical: np.ndarray,
    priors: Sequence[Prior],
) -> np.ndarray:
    """Average each sd over likelihood times prior, the other sds held at their modes."""
    means = np.empty(len(tau2))
    for column, prior in enumerate(priors):
        grid = GRID * typical[column]
        trial = tau2.copy()
        log_weight = np.log(grid) + log_density(prior, grid)
        if not np.isfinite(log_weight).any():
            # A prior that lies between two points of the grid leaves little to average over.
            means[column] = float(frozen(prior).median())
            continue
        for i, sd in enumerate(grid):
            trial[column] = sd**2
            log_weight[i] += levels.log_likelihood(trial, dispersion)
        weight = np.exp(log_weight - log_weight.max())
        means[column] = float(np.sum(weight * grid) / np.sum(weight))
    return means


def log_density(prior: Prior, values: np.ndarray) -> np.ndarray:
    """Return the log density of a prior of a group sd; flat for distributions not listed."""
    by_mean = prior.distribution == "Gamma" and "mu" in dict(prior.arguments)
    if prior.distribution not in KNOWN or by_mean:
        return np.zeros_like(values)
    return np.asarray(frozen(prior).logpdf(values))
