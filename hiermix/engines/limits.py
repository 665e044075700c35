"""How much of what belongs to single rows is stored with a posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_LOG_LIKELIHOOD = 5_000_000
"""Rows x draws up to which the pointwise log likelihood is stored (40 MB)."""

MAX_PREDICTIVE = 2_000_000
"""Rows x draws of posterior predictive values."""

PREDICTIVE_DRAWS = 100
"""Posterior predictive draws per run, spread over chains and draws: enough to see a misfit."""


@dataclass(frozen=True)
class Stored:
    """What is stored: ``predictive`` ``(kept,)`` are the draws of each chain that predict.

    ``skipped`` maps a group of the tree to why it is left out.
    """

    log_likelihood: bool
    predictive: np.ndarray | None
    skipped: dict[str, str]


def what_is_stored(n_obs: int, chains: int, draws: int, *, of_means: bool = False) -> Stored:
    """Decide by size, and by whether the rows are means of rows that nobody has any more."""
    if of_means:
        reason = "rows were merged to means while they were read"
        return Stored(False, None, {"log_likelihood": reason, "posterior_predictive": reason})
    skipped: dict[str, str] = {}
    log_likelihood = n_obs * chains * draws <= MAX_LOG_LIKELIHOOD
    if not log_likelihood:
        skipped["log_likelihood"] = f"{n_obs} rows x {chains * draws} draws are too many"
    kept = max(1, min(PREDICTIVE_DRAWS // chains, draws))
    predictive = None
    if n_obs * kept * chains <= MAX_PREDICTIVE:
        predictive = np.linspace(0, draws - 1, kept).round().astype(int)
    else:
        skipped["posterior_predictive"] = f"{n_obs} rows are too many"
    return Stored(log_likelihood, predictive, skipped)
