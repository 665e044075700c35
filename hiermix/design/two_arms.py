"""Effects of two arms by their counts alone, with standard errors in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Successes and trials of both arms, shape ``(n,)`` each, float64."""

    control_successes: np.ndarray
    control_trials: np.ndarray
    treatment_successes: np.ndarray
    treatment_trials: np.ndarray

    @property
    def rates(self) -> tuple[np.ndarray, np.ndarray]:
        """Rates of control and treatment, shape ``(n,)``; NaN without trials."""
        return (
            _share(self.control_successes, self.control_trials),
            _share(self.treatment_successes, self.treatment_trials),
        )

    @property
    def is_possible(self) -> bool:
        """Whether no arm has more successes than trials."""
        control = self.control_successes <= self.control_trials
        return bool((control & (self.treatment_successes <= self.treatment_trials)).all())


@dataclass(frozen=True)
class Estimate:
    """Estimates and their standard errors, shape ``(n,)``; NaN where they are undefined."""

    value: np.ndarray
    se: np.ndarray


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    nothing = np.full(len(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0))


def _defined(values: np.ndarray, *, positive: bool = False) -> np.ndarray:
    """Put NaN in place of what is no number, and with ``positive`` of what is not above 0."""
    sound = np.isfinite(values) & (values > 0 if positive else True)
    return np.asarray(np.where(sound, values, np.nan))


def difference(counts: Counts) -> Estimate:
    """Return the difference of rates, treatment less control.

    ``se^2 = p0 (1 - p0) / n0 + p1 (1 - p1) / n1`` (Wald). It would be 0 where both rates are 0
    or 1; there it is undefined.

    Examples
    --------
    >>> one = Counts(*(np.array([n]) for n in (6000.0, 50000.0, 6400.0, 50000.0)))
    >>> found = difference(one)
    >>> found.value.round(6).tolist(), found.se.round(6).tolist()
    ([0.008], [0.002084])
    """
    p0, p1 = counts.rates
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = p0 * (1 - p0) / counts.control_trials
        variance = variance + p1 * (1 - p1) / counts.treatment_trials
    return Estimate(p1 - p0, _defined(np.sqrt(variance), positive=True))


def log_ratio(counts: Counts) -> Estimate:
    """Return the log of treatment's rate over control's; undefined with no successes in an arm.

    ``se^2 = 1 / s0 - 1 / n0 + 1 / s1 - 1 / n1`` (Katz et al. 1978, doi:10.2307/2530610).
    """
    p0, p1 = counts.rates
    with np.errstate(invalid="ignore", divide="ignore"):
        value = _defined(np.log(p1) - np.log(p0))
        variance = 1 / counts.control_successes - 1 / counts.control_trials
        variance = variance + 1 / counts.treatment_successes - 1 / counts.treatment_trials
        se = np.sqrt(variance)
    return Estimate(value, np.where(np.isfinite(value), _defined(se, positive=True), np.nan))


def ratio(counts: Counts) -> Estimate:
    """Return treatment's rate over control's; ``se = ratio x`` that of the log (delta method)."""
    p0, p1 = counts.rates
    value = _share(p1, np.nan_to_num(p0))
    return Estimate(value, value * log_ratio(counts).se)


def relative_difference(counts: Counts) -> Estimate:
    """Return the ratio less 1, as lifts are often given."""
    found = ratio(counts)
    return Estimate(found.value - 1, found.se)


def log_odds_ratio(counts: Counts) -> Estimate:
    """Return the log odds ratio; undefined where an arm has no successes or no failures.

    ``se^2 = 1 / s0 + 1 / f0 + 1 / s1 + 1 / f1`` (Woolf 1955,
    doi:10.1111/j.1469-1809.1955.tb01348.x).
    """
    cells = (
        counts.control_successes,
        counts.control_trials - counts.control_successes,
        counts.treatment_successes,
        counts.treatment_trials - counts.treatment_successes,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.log(cells[2]) - np.log(cells[3]) - np.log(cells[0]) + np.log(cells[1])
        se = np.sqrt(1 / cells[0] + 1 / cells[1] + 1 / cells[2] + 1 / cells[3])
    value = _defined(value)
    return Estimate(value, np.where(np.isfinite(value), se, np.nan))


RESPONSES: Mapping[str, Callable[[Counts], Estimate]] = {
    "difference of rates": difference,
    "log ratio of rates": log_ratio,
    "relative difference of rates (ratio less 1)": relative_difference,
    "log odds ratio": log_odds_ratio,
}
"""Scales on which effects are given, with normal errors, as responses."""

MATCH = 0.5
"""Distance of a response from the counts' own effect, in own standard errors, in the median row,
up to which it is that effect: rounding moves it by less, another scale mostly by more."""

TIE = 0.05
"""Distances that differ by less say the same: effects near 0 are near 0 on every scale."""


@dataclass(frozen=True)
class Match:
    """The scale of a response: its name, the ratio of standard errors, and of how many rows.

    ``ratio`` is the median of given over own; ``n_rows`` the rows that have both.
    """

    scale: str
    ratio: float
    n_rows: int


def matched(counts: Counts, values: np.ndarray, se: np.ndarray) -> Match | None:
    """Return the scale on which the counts' own effects are nearest to a response.

    Parameters
    ----------
    counts
        Of each row.
    values, se
        Response and its given standard errors, shape ``(n,)``.

    Returns
    -------
    Match or None
        ``None`` if the response is the effect on none of them. Of scales that are as near as each
        other, the one whose standard errors are.
    """
    found: list[tuple[float, Match]] = []
    for name, estimate in RESPONSES.items():
        own = estimate(counts)
        rows = np.isfinite(own.value) & np.isfinite(own.se)
        if rows.any():
            far = float(np.median(np.abs(values[rows] - own.value[rows]) / own.se[rows]))
            times = float(np.median(se[rows] / own.se[rows]))
            found.append((far, Match(name, times, int(rows.sum()))))
    if not found or (nearest := min(far for far, _ in found)) > MATCH:
        return None
    tied = [match for far, match in found if far <= nearest + TIE]
    return min(tied, key=lambda match: abs(np.log(match.ratio)))
