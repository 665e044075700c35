"""Runs compared by how well they predict what is left out: differences, errors, weights."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from hiermix.studies.accuracy import MAX_UNRELIABLE

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDDataLOO

    from hiermix.studies.comparable import Candidate

COMPARE_COLUMNS = (
    *("rank", "run", "name", "formula", "family", "engine", "verdict"),
    *("pieces", "elpd", "elpd_se", "p", "elpd_diff", "diff_se", "weight"),
    *("high_k", "worst_k", "k_limit", "reliable", "note"),
)
"""Columns of ``compare.csv``, in order."""

FEW = 100
"""Pieces below which errors of differences are too small (Sivula et al. 2025)."""

ALIKE = 4.0
"""Differences below which models predict alike, and the errors are too small (there)."""

MANY = 11
"""Runs beyond which ArviZ looks at whether the best may be so by chance."""

WEIGHT_DECIMALS = 6
"""Decimals of weights; beyond is where the optimiser stops."""


@dataclass(frozen=True)
class Comparison:
    """Runs on the same data.

    ``response`` is the left-hand side that they share; ``table`` has ``COMPARE_COLUMNS``, one row
    per run, the best first; ``notes`` are sentences; ``group`` is the factor whose levels are left
    out, empty where it is rows.
    """

    response: str
    table: pd.DataFrame
    notes: tuple[str, ...]
    group: str = ""

    @property
    def failed(self) -> bool:
        """Whether a gate failed any of the runs."""
        return bool((self.table["verdict"] == "FAILED").any())


def comparison(
    candidates: Sequence[Candidate],
    found: Mapping[str, ELPDDataLOO],
    notes: Sequence[str] = (),
    group: str = "",
) -> Comparison:
    """Compare runs by `pointwise_loo` of each; a single one is the best of its kind.

    Differences and standard errors (Vehtari, Gelman and Gabry 2017,
    doi:10.1007/s11222-016-9696-4, equation 24) and stacking weights (Yao et al. 2018,
    doi:10.1214/17-BA1091) are ``arviz.compare``'s.

    Parameters
    ----------
    candidates
        Runs that are about the same rows.
    found
        PSIS-LOO of each, by ``run``.
    notes
        What the comparison takes for granted.
    group
        Factor whose levels are the pieces; empty where they are rows.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        compared = _compared(found)
    chance = len(candidates) > MANY and any(issubclass(w.category, UserWarning) for w in said)
    known = {candidate.run: candidate for candidate in candidates}
    rows = [
        _row(rank, known[str(run)], found[str(run)], numbers)
        for rank, (run, numbers) in enumerate(compared.iterrows(), start=1)
    ]
    table = pd.DataFrame(rows)[list(COMPARE_COLUMNS)]
    more = [f"{len(candidates)} runs are compared: the best may be so by chance"] if chance else []
    return Comparison(candidates[0].response, table, (*notes, *more), group)


def _compared(found: Mapping[str, ELPDDataLOO]) -> pd.DataFrame:
    """Return differences, their errors and weights, one row per run, the best first."""
    import arviz as az

    if len(found) == 1:
        alone = {"elpd_diff": 0.0, "dse": 0.0, "weight": 1.0}
        return pd.DataFrame([alone], index=list(found))
    compared: pd.DataFrame = az.compare(_levelled(found), method="stacking", round_to="none")
    return compared


def _levelled(found: Mapping[str, ELPDDataLOO]) -> dict[str, ELPDDataLOO]:
    """Take the best density of each piece off all of them.

    Differences and weights stay as they are, but the weights are of exponentials, which are all
    zero for cells of many rows.
    """
    best = np.max([elpd.elpd_i.to_numpy() for elpd in found.values()], axis=0)
    levelled = {}
    for run, elpd in found.items():
        levelled[run] = copy.copy(elpd)
        levelled[run].elpd_i = elpd.elpd_i - best
        # ArviZ copies all of it, and these are as many as the draws times the rows.
        levelled[run].log_weights = xr.DataArray()
    return levelled


def _row(
    rank: int, candidate: Candidate, elpd: ELPDDataLOO, numbers: pd.Series
) -> dict[str, str | int | float | bool]:
    k = elpd.pareto_k.to_numpy()
    pieces = int(elpd.n_data_points)
    # Written so that a k that is no number counts as too high.
    high = int((~(k <= elpd.good_k)).sum())
    reliable = high <= MAX_UNRELIABLE * pieces
    return {
        "rank": rank,
        "run": candidate.run,
        "name": candidate.name,
        "formula": candidate.formula,
        "family": candidate.family,
        "engine": candidate.engine,
        "verdict": "FAILED" if candidate.failed else candidate.verdict,
        "pieces": pieces,
        "elpd": float(elpd.elpd),
        "elpd_se": float(elpd.se),
        "p": float(elpd.p),
        "elpd_diff": float(numbers["elpd_diff"]),
        "diff_se": float(numbers["dse"]),
        # The optimiser leaves the simplex by rounding errors.
        "weight": round(min(max(float(numbers["weight"]), 0.0), 1.0), WEIGHT_DECIMALS),
        "high_k": high,
        "worst_k": float(k.max()),
        "k_limit": float(elpd.good_k),
        "reliable": reliable,
        "note": "; ".join(_notes(rank, reliable, high, pieces, float(numbers["elpd_diff"]))),
    }


def _notes(rank: int, reliable: bool, high: int, pieces: int, difference: float) -> list[str]:
    notes = []
    if not reliable:
        notes.append(f"Pareto k is too high for {high} of {pieces}: the elpd may be far off")
    if rank > 1 and abs(difference) < ALIKE:
        notes.append("predicts about as well as the best")
    if rank > 1 and pieces < FEW:
        notes.append("few pieces: diff_se may be too small")
    return notes
