"""Simulate panel.csv: a weekly KPI of 60 markets, and what was spent on three media there.

Media are indexes on the log scale, 0 for the national plan. Budgets follow demand: a market where
people buy anyhow gets more TV and search. What makes those markets strong is not in the data, so
that media look better between markets than they are within one. The truth:

- within a market, one unit of ``m_tv``, ``m_search``, ``m_social`` moves the KPI by 0.8, 0.5 and
  0.3 (the average over markets, whose own effects have sds of 0.15, 0.1 and 0.1);
- a market's level follows its demand, which has sd 1; demand moves its mean TV spend by 1.2, its
  search spend by 0.8, its social spend and its brand metric not at all;
- trend and seasonality are the same everywhere.

Run it with ``python examples/market_panel/make_data.py``; the seed is fixed.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED = 2
N_MARKETS, N_WEEKS = 60, 52
INTERCEPT, TREND, SEASON, BRAND = 50.0, 1.0, 2.0, 0.6
MEDIA = ("m_tv", "m_search", "m_social")
EFFECT = {"m_tv": 0.8, "m_search": 0.5, "m_social": 0.3}
EFFECT_SD = {"m_tv": 0.15, "m_search": 0.1, "m_social": 0.1}
FOLLOWS_DEMAND = {"m_tv": 1.2, "m_search": 0.8, "m_social": 0.0}
OWN_SD, WEEK_SD = 0.3, 0.5
DEMAND, MARKET_SD, SIGMA = 1.0, 0.1, 2.5


def simulate() -> list[dict[str, str]]:
    """Return the rows, a dictionary of texts each."""
    rng = np.random.default_rng(SEED)
    demand = rng.normal(0, 1, N_MARKETS)
    level = DEMAND * demand + rng.normal(0, MARKET_SD, N_MARKETS)
    brand_mean = 5 + rng.normal(0, 0.3, N_MARKETS)
    own = {m: EFFECT[m] + rng.normal(0, EFFECT_SD[m], N_MARKETS) for m in MEDIA}
    plan = {m: FOLLOWS_DEMAND[m] * demand + rng.normal(0, OWN_SD, N_MARKETS) for m in MEDIA}
    rows = []
    for j in range(N_MARKETS):
        for week in range(N_WEEKS):
            trend = week / N_WEEKS
            season = np.sin(2 * np.pi * week / 52)
            brand = brand_mean[j] + rng.normal(0, 0.5)
            media = {m: plan[m][j] + rng.normal(0, WEEK_SD) for m in MEDIA}
            kpi = INTERCEPT + TREND * trend + SEASON * season + BRAND * brand + level[j]
            kpi += sum(own[m][j] * media[m] for m in MEDIA) + rng.normal(0, SIGMA)
            values = {
                "kpi_value": kpi,
                "trend": trend,
                "seasonality": season,
                "brand_metric": brand,
            }
            rows.append(
                {"market": f"M{j + 1:02d}", "week": str(week + 1)}
                | {name: f"{value:.3f}" for name, value in (values | media).items()}
            )
    return rows


def main() -> None:
    path = Path(__file__).with_name("panel.csv")
    rows = simulate()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
