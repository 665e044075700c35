"""Statistics that replicated data may fail to reproduce, overall and by level.

Some are nearly always matched: a model with an intercept fits the mean. They show conflicts with
priors. Those that nothing but the mean determines are left out: the sd of 0/1 outcomes. Statistics
of residuals depend on the parameters too (the realized discrepancies of Gelman, Meng and Stern
1996): what predictors and levels explain does not hide a misfit from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hiermix.design.types import Factor
from hiermix.spec.families import (
    COUNT_FAMILIES,
    POSITIVE_FAMILIES,
    PROPORTION_FAMILIES,
    SEMICONTINUOUS_FAMILIES,
)
from hiermix.summary.predictive.tails import Scale

POSITIVE = POSITIVE_FAMILIES | SEMICONTINUOUS_FAMILIES
REAL = frozenset({"gaussian", "t", "laplace", "asymmetriclaplace", "exgaussian"})
HEAVY = frozenset({"t"})

CHECKED = COUNT_FAMILIES | PROPORTION_FAMILIES | POSITIVE | REAL | {"bernoulli", "beta"}
"""Families with numeric outcomes; categories and angles have no mean that means something."""

MIN_ROWS = 5
"""Rows of a level from which on the spread of its rows is checked."""


RESIDUAL = frozenset({"pearson", "largest_residual"})
"""Statistics of standardised residuals: of the data, too, they differ from draw to draw."""


@dataclass(frozen=True)
class Outcomes:
    """Data sets of the same rows: ``values`` ``(R or 1, n)``, ``trials`` ``(n,)`` of proportions.

    ``expected`` and ``sd`` ``(R, n)`` are those of an outcome, given the parameters of each draw;
    ``None`` where they are not known.
    """

    values: np.ndarray
    trials: np.ndarray | None
    expected: np.ndarray | None = None
    sd: np.ndarray | None = None

    @property
    def residuals(self) -> np.ndarray:
        """Standardised residuals, shape ``(R, n)``; 0 for what could not be otherwise."""
        assert self.expected is not None
        difference = self.values - self.expected
        return np.where(difference == 0, 0.0, difference / self.sd)


def overall_names(family: str, residuals: bool) -> tuple[str, ...]:
    """Return the statistics of all rows for a family of `CHECKED`."""
    if family == "bernoulli":
        return ("mean",)
    if family in COUNT_FAMILIES:
        return ("mean", "dispersion", "zeros", "max", *(("pearson",) if residuals else ()))
    if family in PROPORTION_FAMILIES:
        return ("mean", "dispersion", "zeros", *(("pearson",) if residuals else ()))
    if family in SEMICONTINUOUS_FAMILIES:
        return ("mean", "sd", "zeros", "max")
    if family in REAL and family not in HEAVY:
        largest = ("largest_residual",) if residuals else ()
        return ("mean", "sd", "skewness", "min", "max", *largest)
    return ("mean", "sd", "min", "max")


def level_names(family: str, residuals: bool) -> tuple[str, ...]:
    """Return the statistics of each level for a family of `CHECKED`."""
    if family == "bernoulli":
        return ("mean",)
    if residuals:
        return ("mean", "pearson")
    return ("mean",) if family in PROPORTION_FAMILIES else ("mean", "sd")


def scale_of(family: str, statistic: str) -> Scale:
    """Return the scale on which the tail of a replicated statistic is at most exponential."""
    if statistic in ("sd", "dispersion"):
        return "log"
    if family in HEAVY:
        return "heavy"
    return "log" if family in POSITIVE and statistic != "zeros" else "linear"


def overall(outcomes: Outcomes, statistic: str) -> np.ndarray:
    """Return a statistic of all rows of each data set, shape ``(R,)``."""
    with np.errstate(all="ignore"):
        return np.asarray(OVERALL[statistic](outcomes))


def _mean(data: Outcomes) -> np.ndarray:
    if data.trials is None:
        return np.asarray(data.values.mean(axis=1))
    return np.asarray(data.values.sum(axis=1) / data.trials.sum())


def _dispersion(data: Outcomes) -> np.ndarray:
    """Return Pearson's chi-square about the common mean, over its n - 1 degrees of freedom.

    For counts the variance over the mean. It is 1 on average for rows that differ by chance alone.
    """
    mean = _mean(data)[:, None]
    n = data.values.shape[1]
    if data.trials is None:
        square = np.square(data.values - mean).sum(axis=1) / mean[:, 0]
    else:
        expected = data.trials * mean
        square = (np.square(data.values - expected) / (expected * (1 - mean))).sum(axis=1)
    # Data sets that are all zeros vary as little as their mean allows.
    return np.where(np.isnan(square) & np.isfinite(mean[:, 0]), 1.0, square / (n - 1))


def _skewness(data: Outcomes) -> np.ndarray:
    centred = data.values - data.values.mean(axis=1, keepdims=True)
    square = np.square(centred)
    return np.asarray((square * centred).mean(axis=1) / square.mean(axis=1) ** 1.5)


OVERALL: Mapping[str, Callable[[Outcomes], np.ndarray]] = {
    "mean": _mean,
    "sd": lambda data: data.values.std(axis=1, ddof=1),
    "dispersion": _dispersion,
    "zeros": lambda data: (data.values == 0).mean(axis=1),
    "skewness": _skewness,
    "pearson": lambda data: np.square(data.residuals).mean(axis=1),
    "largest_residual": lambda data: np.abs(data.residuals).max(axis=1),
    "min": lambda data: data.values.min(axis=1),
    "max": lambda data: data.values.max(axis=1),
}
"""Statistic of all rows -> function of data sets, shape ``(R,)``."""


@dataclass(frozen=True)
class Levels:
    """Rows of a factor in the order of its levels: ``order`` ``(n,)``, ``starts`` ``(n_groups,)``.

    Examples
    --------
    >>> g = Factor("g", ("g",), ("a", "b"), np.array([1, 0, 1]), np.array([1, 2]))
    >>> data = Outcomes(np.array([[2.0, 5.0, 4.0]]), None)
    >>> Levels.of(g).statistic(data, "mean").tolist()
    [[5.0, 3.0]]
    """

    factor: Factor
    order: np.ndarray
    starts: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, factor: Factor) -> Levels:
        """Sort the rows of a factor, each level of which has some."""
        counts = np.bincount(factor.index, minlength=factor.n_groups)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return cls(factor, np.argsort(factor.index, kind="stable"), starts, counts)

    def statistic(self, data: Outcomes, name: str) -> np.ndarray:
        """Return ``mean``, ``sd`` or ``pearson`` of each level, shape ``(R, n_groups)``."""
        if name == "pearson":
            return np.asarray(self._sums(np.square(data.residuals)[:, self.order]) / self.counts)
        values = data.values[:, self.order]
        sizes = self.counts if data.trials is None else self._sums(data.trials[None, self.order])
        means = self._sums(values) / sizes
        if name == "mean":
            return np.asarray(means)
        square = np.square(values - np.repeat(means, self.counts, axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(self._sums(square) / (self.counts - 1)))

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduceat(values, self.starts, axis=1))
