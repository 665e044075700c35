"""A rough Gaussian picture of any family: working responses and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiermix.design.types import Design
from hiermix.spec.families import COUNT_FAMILIES, PROPORTION_FAMILIES

POISSON = frozenset({"poisson", "zero_inflated_poisson", "hurdle_poisson"})
CHANCES = PROPORTION_FAMILIES | {"bernoulli"}
LOGIT_LIKE = frozenset({"logit", "probit", "cloglog"})
ITERATIONS = 8
RIDGE = 1e-8


@dataclass(frozen=True)
class WorkingData:
    """``response = eta + error``, error sd ``sqrt(dispersion / weight)``.

    A row that stands for several has the sum of their weights.

    Attributes
    ----------
    response
        Shape ``(n_obs,)``: working response without the offset, on the scale of the linear
        predictor.
    residual
        Shape ``(n_obs,)``: ``response`` minus the fit of the common effects alone.
    coefficients
        Shape ``(n_common,)``: that fit's coefficients, without the intercept's.
    weight
        Shape ``(n_obs,)``.
    dispersion
        Known dispersion, or ``None`` where the family has a free residual scale.
    rows
        Shape ``(n_obs,)``: how many rows of the data each stands for.
    within_ss
        Weighted sum of squares of the rows' responses about ``response``.
    """

    response: np.ndarray
    residual: np.ndarray
    coefficients: np.ndarray
    weight: np.ndarray
    dispersion: float | None
    rows: np.ndarray
    within_ss: float

    @property
    def n_rows(self) -> float:
        """Rows of the data."""
        return float(self.rows.sum())

    @property
    def mean_weight(self) -> float:
        """Average over the rows of the data."""
        return float(self.weight.sum()) / self.n_rows


def working_data(design: Design, family: str, link: str) -> WorkingData | None:
    """Linearise the likelihood at the complete-pooling fit.

    Iteratively reweighted least squares on the common effects (McCullagh and Nelder 1989,
    section 2.5). It only has to be right to a factor of two: it chooses coordinates for the
    sampler, not estimates.

    Returns
    -------
    WorkingData or None
        ``None`` for families and links without such a picture.
    """
    x = _columns(design)
    offset = design.main.offset if design.main.offset is not None else np.zeros(design.n_obs)
    y = design.response.values
    weights = design.response.weights
    rows = design.rows
    if link == "identity" and family not in CHANCES | COUNT_FAMILIES:
        weight = rows if weights is None else weights
        if design.known_se is not None:
            weight = weight / design.known_se**2
        known = 1.0 if design.known_se is not None else None
        return _fitted(design, x, y - offset, weight, known)
    if family in CHANCES and link in LOGIT_LIKE:
        trials = design.response.trials
        n = np.ones(design.n_obs) if trials is None else trials
        z, weight = _irls_logit(x, y, n, offset, rows)
        return _fitted(design, x, z, weight, None if family == "beta_binomial" else 1.0)
    if link == "log" and (y >= 0).all():
        z, weight = _irls_log(x, y, offset, rows, family in COUNT_FAMILIES)
        return _fitted(design, x, z, weight, 1.0 if family in POISSON else None)
    if family == "beta" and link in LOGIT_LIKE:
        z, weight = _irls_logit(x, y, np.ones(design.n_obs), offset, rows)
        return _fitted(design, x, z, weight, None)
    return None


def _fitted(
    design: Design, x: np.ndarray, z: np.ndarray, weight: np.ndarray, dispersion: float | None
) -> WorkingData:
    coefficients = _solve(x, z, weight)
    own = coefficients[x.shape[1] - design.main.common_matrix.shape[1] :]
    return WorkingData(
        z, z - x @ coefficients, own, weight, dispersion, design.rows, design.within_ss
    )


def _columns(design: Design) -> np.ndarray:
    x = design.main.common_matrix
    if design.main.intercept or x.shape[1] == 0:
        x = np.column_stack([np.ones(design.n_obs), *x.T])
    return x


def _solve(x: np.ndarray, z: np.ndarray, weight: np.ndarray) -> np.ndarray:
    xw = x * weight[:, None]
    gram = xw.T @ x
    gram[np.diag_indices_from(gram)] *= 1 + RIDGE
    return np.asarray(np.linalg.lstsq(gram, xw.T @ z, rcond=None)[0])


def _irls_logit(
    x: np.ndarray, y: np.ndarray, n: np.ndarray, offset: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return working response (without offset) and weight of a logit model."""
    share = (y + 0.5) / (n + 1)
    eta = np.log(share / (1 - share))
    z, weight = eta - offset, rows * n
    for _ in range(ITERATIONS):
        mean = 1 / (1 + np.exp(-np.clip(eta, -12, 12)))
        information = n * mean * (1 - mean)
        z = eta + (y - n * mean) / information - offset
        weight = rows * information
        eta = np.clip(x @ _solve(x, z, weight) + offset, -12, 12)
    return z, weight


def _irls_log(
    x: np.ndarray, y: np.ndarray, offset: np.ndarray, rows: np.ndarray, counts: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return working response (without offset) and weight of a log-linear model."""
    eta = np.log(y + 0.5 * max(float(np.average(y, weights=rows)), 1e-3))
    z, weight = eta - offset, rows
    for _ in range(ITERATIONS):
        mean = np.exp(np.clip(eta, -30, 30))
        weight = rows * mean if counts else rows
        z = eta + (y - mean) / mean - offset
        eta = np.clip(x @ _solve(x, z, weight) + offset, -30, 30)
    return z, weight
