"""What the pooling weights say, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.summary.tables import Tables

ALIKE = 0.1
"""Median pooling weight below which levels look alike: a group sd of a third of the raw standard
errors."""

TOLD_APART = 0.5
"""Pooling weight from which a level's own rows decide; with one the sd is not near zero."""

MAX_TERMS = 12


def pooling_sentences(tables: Tables) -> list[str]:
    """Return a sentence for each group term that has weights, ``MAX_TERMS`` of them at most."""
    return [said for _, said in term_sentences(tables)][:MAX_TERMS]


def term_sentences(tables: Tables) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield ``(group, term)`` and a sentence for each group term that has pooling weights."""
    effects = tables.group_effects
    if not len(effects):
        return
    for (group, term), rows in effects.groupby(["group", "term"], sort=False):
        weights = rows["pooling"].to_numpy(dtype=float)
        weights = weights[np.isfinite(weights)]
        if len(weights):
            sd = _median_sd(tables.variance, str(group), str(term))
            se = float(np.nanmedian(rows["raw_se"])) if rows["raw_se"].notna().any() else math.nan
            yield (str(group), str(term)), sentence(str(group), str(term), weights, sd, se)


def sentence(group: str, term: str, weights: np.ndarray, sd: float, se: float) -> str:
    """Return what the pooling weights of one group term say.

    Parameters
    ----------
    weights
        Of the levels, all finite.
    sd
        Posterior median of the group sd.
    se
        Median raw standard error.

    Examples
    --------
    >>> sentence("g", "x", np.array([0.8, 0.4, 0.1]), 0.2, 0.3)
    'x by g: levels with 1 - w > 0.5: 2 of 3'
    >>> print(sentence("g", "x", np.array([0.05, 0.04]), 0.02, 0.1))
    x by g: sd near zero: levels look alike (sd 0.02, raw standard errors of about 0.1); levels \
with 1 - w > 0.5: 2 of 2
    """
    pulled = int((1 - weights > 0.5).sum())
    count = f"levels with 1 - w > 0.5: {pulled} of {len(weights)}"
    if np.median(weights) >= ALIKE or weights.max() >= TOLD_APART:
        return f"{term} by {group}: {count}"
    known = math.isfinite(sd) and math.isfinite(se)
    sizes = f" (sd {sd:.2g}, raw standard errors of about {se:.2g})" if known else ""
    return f"{term} by {group}: sd near zero: levels look alike{sizes}; {count}"


def _median_sd(variance: pd.DataFrame, group: str, term: str) -> float:
    rows = variance[
        (variance["group"] == group) & (variance["term"] == term) & (variance["quantity"] == "sd")
    ]
    return float(rows["median"].iloc[0]) if len(rows) else math.nan
