"""The R-hat that chance alone makes of chains that have converged."""

from __future__ import annotations

import numpy as np
from scipy import special

FALSE_ALARM = 0.01

# The quantile is steep in the ESS, and an estimated ESS errs by about this share: its lower end is
# taken. Simulated for independent and AR(1) draws, 2 to 8 chains of 100 to 1,000 draws, ESS 400 to
# 12,000 and 1 to 1,000 parameters: at most one run in 100.
ESS_ERROR = 0.1

# Below this the ESS gates fail anyway, and a low ESS must not excuse a high R-hat.
MIN_ESS_PER_CHAIN = 100


def rhat_by_chance(
    ess: np.ndarray, *, n_chains: int, n_draws: int, n_parameters: int
) -> np.ndarray:
    """Return what the largest R-hat of converged parameters exceeds in one run of 100 at most.

    R-hat^2 is ``1 - 1/n + (B/n) / W`` over ``m = 2 * n_chains`` half-chains of ``n`` draws. In
    converged chains the means of half-chains have variance ``sigma^2 m / ESS``, so that with
    ``f = m / ESS``::

        B/n = sigma^2 f X       X ~ F(m - 1, ESS - m)
        W   = sigma^2 (1 - f + 1/n)
        R-hat^2 = 1 - 1/n + f X / (1 - f + 1/n)

    For independent draws (ESS = m n) this is 1 + (X - 1) / n; autocorrelated draws of the same
    ESS have a larger R-hat (Vats and Knudson 2021, doi:10.1214/20-STS812). The quantile of X is
    shared out over the parameters and the two parts of R-hat, bulk and tail (Bonferroni).

    Parameters
    ----------
    ess
        ESS by the autocorrelation within chains, any shape; taken as 100 per chain if lower.
    n_chains, n_draws
        Chains, and draws of each.
    n_parameters
        How many parameters the largest R-hat is taken over.

    Returns
    -------
    numpy.ndarray
        Shape of ``ess``; NaN where ``ess`` is.

    Examples
    --------
    >>> rhat_by_chance(np.array([1000.0, 4000.0]), n_chains=4, n_draws=1000,
    ...                n_parameters=100).round(3).tolist()
    [1.019, 1.004]
    """
    halves, length = 2 * n_chains, n_draws // 2
    if n_chains < 1 or length < 1:
        return np.full(np.shape(ess), np.nan)
    lowest = MIN_ESS_PER_CHAIN * n_chains
    ess = np.maximum((1 - ESS_ERROR) * np.asarray(ess, dtype=float), lowest)
    share = halves / ess
    tail = FALSE_ALARM / (2 * max(n_parameters, 1))
    ratio = special.fdtri(halves - 1, ess - halves, 1 - tail)
    result: np.ndarray = np.sqrt(1 - 1 / length + share * ratio / (1 - share + 1 / length))
    return result
