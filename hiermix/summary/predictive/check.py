"""Posterior predictive checks of a fit, and what the gates hear of them.

y_rep are data sets that the fitted model would produce over the same rows, one for a draw of the
parameters; the p-value of a statistic T is P(T(y_rep) >= T(y) | y) (Gelman, Meng and Stern 1996,
Statistica Sinica 6:733-807; Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., section 6.3). The
data are used twice: under a right model such p-values lie closer to 0.5 than uniform ones, so that
a small one says more, and one near 0.5 less, than that of a classical test.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hiermix.measurement import Measurement
from hiermix.summary.intervals import ordered, quantile
from hiermix.summary.predictive.replicates import replicates, why_no_replicates
from hiermix.summary.predictive.statistics import (
    MIN_ROWS,
    RESIDUAL,
    Levels,
    Outcomes,
    level_names,
    overall,
    overall_names,
    scale_of,
)
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS, WARN_BELOW, empty_checks
from hiermix.summary.predictive.tails import Scale, tail_probabilities

if TYPE_CHECKING:
    from hiermix.design.types import Factor
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

__all__ = ["predictive_checks", "predictive_measurements", "why_no_replicates"]


def predictive_checks(fit: Fit, plan: ModelPlan, interval: float) -> pd.DataFrame:
    """Return a row for each statistic of all rows, and of each level of each grouping factor.

    Parameters
    ----------
    interval
        Probability of the central interval of the replicated statistics.

    Returns
    -------
    pandas.DataFrame
        Columns ``PREDICTIVE_COLUMNS``; none of the rows where `why_no_replicates` says why. A
        statistic that is the same in the data and all replicates is left out: it cannot fail.
    """
    if why_no_replicates(fit, plan):
        return empty_checks()
    # Damaged draws give outcomes that are no numbers, and p-values that are none: no warning of it.
    with np.errstate(all="ignore"):
        return _checked(fit, plan, interval)


def predictive_measurements(checks: pd.DataFrame) -> Iterator[Measurement]:
    """Yield adjusted p-values: of each statistic overall, and of the worst level of each factor."""
    for group, rows in checks.groupby("group", sort=False):
        if not group:
            for row in rows.to_dict("records"):
                value = float(row["p_adjusted"])
                yield Measurement(
                    "predictive_p", "data", str(row["statistic"]), value, _words(row, len(rows))
                )
            continue
        p = rows["p_adjusted"].to_numpy()
        at = int(np.argmin(np.where(np.isfinite(p), p, -np.inf)))
        row = rows.iloc[at].to_dict()
        few = int((p < WARN_BELOW).sum())
        more = f"; {few} below {WARN_BELOW:g}" if few > 1 else ""
        where = f"{group!s}[{row['level']}] {row['statistic']}"
        note = _words(row, len(rows)) + more
        yield Measurement("predictive_level_p", "group_specific", where, float(p[at]), note)


def _words(row: Mapping[Hashable, Any], checks: int) -> str:
    of = f" times {checks:,} checks" if checks > 1 else ""
    return (
        f"observed {row['observed']:.4g}, replicated {row['replicated_mean']:.4g} "
        f"with sd {row['replicated_sd']:.2g}; p {row['p_two_sided']:.2g}{of}"
    )


def _checked(fit: Fit, plan: ModelPlan, interval: float) -> pd.DataFrame:
    levels = tuple(map(Levels.of, _factors(plan)))
    rows = []
    for (group, statistic), (observed, replicated) in _compared(fit, plan, levels).items():
        compared = _rows(observed, replicated, scale_of(plan.family, statistic), interval)
        labels = _labels(group, levels, plan.design.n_obs).assign(statistic=statistic)
        rows.append(pd.concat([labels, compared], axis=1))
    table = pd.concat(rows, ignore_index=True)
    few = (table["statistic"] != "mean") & (table["group"] != "") & (table["n_rows"] < MIN_ROWS)
    table = table[~table["cannot_fail"] & ~few].copy()
    of_group = table.groupby("group", sort=False)["p_two_sided"]
    table["p_adjusted"] = np.minimum(table["p_two_sided"] * of_group.transform("size"), 1.0)
    return table[list(PREDICTIVE_COLUMNS)].reset_index(drop=True)


def _factors(plan: ModelPlan) -> list[Factor]:
    return list({factor.name: factor for part in plan.parts for factor in part.factors}.values())


def _compared(
    fit: Fit, plan: ModelPlan, levels: tuple[Levels, ...]
) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Return factor (empty: all rows) and statistic -> those of the data and of the replicates.

    Shapes ``(1, k)``, or of residuals ``(R, k)``, and ``(R, k)``; k is 1 or the number of levels.
    """
    response = plan.design.response
    own = np.asarray(response.values, dtype=float)[None, :]
    found: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for chunk in replicates(fit, plan):
        data = replace(chunk, values=own)
        for key, replicated in _statistics(chunk, plan.family, levels):
            known = key in found and key[1] not in RESIDUAL
            observed = found[key][0][0] if known else _one(data, levels, key)
            found.setdefault(key, []).append((observed, replicated))
    return {
        key: (
            np.concatenate([o for o, _ in parts]) if key[1] in RESIDUAL else parts[0][0],
            np.concatenate([r for _, r in parts]),
        )
        for key, parts in found.items()
    }


def _statistics(
    data: Outcomes, family: str, levels: tuple[Levels, ...]
) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    residuals = data.expected is not None
    for name in overall_names(family, residuals):
        yield ("", name), _one(data, levels, ("", name))
    for of_factor in levels:
        for name in level_names(family, residuals):
            key = of_factor.factor.name, name
            yield key, _one(data, levels, key)


def _one(data: Outcomes, levels: tuple[Levels, ...], key: tuple[str, str]) -> np.ndarray:
    group, name = key
    for of_factor in levels:
        if of_factor.factor.name == group:
            return of_factor.statistic(data, name)
    return overall(data, name)[:, None]


def _rows(
    observed: np.ndarray, replicated: np.ndarray, scale: Scale, interval: float
) -> pd.DataFrame:
    if len(observed) == 1:
        value, both = tail_probabilities(observed[0], replicated, scale)
    else:
        # Of residuals each draw has its own pair: how much larger those of the replicate are.
        ratio = np.log(replicated) - np.log(observed)
        ratio[replicated == observed] = 0.0
        value, both = tail_probabilities(np.zeros(ratio.shape[1]), ratio)
    ends = ordered(replicated)
    return pd.DataFrame(
        {
            "observed": observed.mean(axis=0),
            "replicated_mean": replicated.mean(axis=0),
            "replicated_sd": replicated.std(axis=0, ddof=1),
            "lower": quantile(ends, (1 - interval) / 2),
            "upper": quantile(ends, (1 + interval) / 2),
            "p_value": value,
            "p_two_sided": both,
            "replicates": len(replicated),
            "cannot_fail": (replicated == observed).all(axis=0),
        }
    )


def _labels(group: str, levels: tuple[Levels, ...], n_obs: int) -> pd.DataFrame:
    for of_factor in levels:
        if of_factor.factor.name == group:
            names = of_factor.factor.levels
            return pd.DataFrame({"group": group, "level": names, "n_rows": of_factor.counts})
    return pd.DataFrame({"group": [""], "level": [""], "n_rows": [n_obs]})
