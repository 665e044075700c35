"""The small models that `false_alarms.py` fits, and the true model behind the data of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Case:
    """A model and the function that simulates from it; ``options`` are further keys of a spec."""

    name: str
    formula: str
    table: Callable[[np.random.Generator], pd.DataFrame]
    options: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- data


def names(prefix: str, codes: np.ndarray) -> list[str]:
    return [f"{prefix}{i}" for i in codes]


def predictor(
    rng: np.random.Generator,
    n_levels: int,
    size: int,
    sds: tuple[float, ...],
    correlation: float = 0,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return one factor's columns ``x``, ``g`` and a linear predictor with slopes if asked for.

    ``sds`` are those of intercepts and, if there are two, of slopes.
    """
    g = np.repeat(np.arange(n_levels), size)
    x = rng.normal(0.5, 1.0, len(g))
    unit = rng.normal(size=(n_levels, 2))
    unit[:, 1] = correlation * unit[:, 0] + np.sqrt(1 - correlation**2) * unit[:, 1]
    own = unit[:, : len(sds)] * sds
    eta = 0.5 + 0.4 * x + own[g, 0] + (own[g, 1] * x if len(sds) > 1 else 0)
    return pd.DataFrame({"x": x, "g": names("g", g)}), eta


def gaussian(n_levels: int, size: int, sds: tuple[float, ...], correlation: float = 0) -> Any:
    def simulate(rng: np.random.Generator) -> pd.DataFrame:
        table, eta = predictor(rng, n_levels, size, sds, correlation)
        return table.assign(y=eta + rng.normal(size=len(eta)))

    return simulate


def intercepts(rng: np.random.Generator) -> pd.DataFrame:
    g = np.repeat(np.arange(15), 12)
    y = 2.0 + rng.normal(0, 0.6, 15)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "g": names("g", g)})


def crossed(rng: np.random.Generator) -> pd.DataFrame:
    g, h = np.divmod(np.arange(30 * 12), 12)
    x = rng.normal(size=len(g))
    y = 1 + 0.3 * x + rng.normal(0, 0.5, 30)[g] + rng.normal(0, 0.4, 12)[h]
    y = y + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": names("g", g), "h": names("h", h)})


def nested(rng: np.random.Generator) -> pd.DataFrame:
    a, rest = np.divmod(np.arange(10 * 5 * 6), 30)
    b = rest // 6
    x = rng.normal(size=len(a))
    own = rng.normal(0, 0.6, 10)[a] + rng.normal(0, 0.5, (10, 5))[a, b]
    y = 1 - 0.4 * x + own + rng.normal(size=len(a))
    return pd.DataFrame({"y": y, "x": x, "a": names("a", a), "b": names("b", b)})


def meta_analysis(rng: np.random.Generator) -> pd.DataFrame:
    se = rng.uniform(0.1, 0.4, 16)
    y = 0.3 + rng.normal(0, 0.25, 16) + rng.normal(0, se)
    return pd.DataFrame({"y": y, "se": se, "g": names("g", np.arange(16))})


def contextual(rng: np.random.Generator) -> pd.DataFrame:
    g = np.repeat(np.arange(30), 10)
    level = rng.normal(size=30)
    x = level[g] + rng.normal(size=len(g))
    y = 1 + 0.5 * x + 0.6 * level[g] + rng.normal(0, 0.4, 30)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": names("g", g)})


def weighted(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 10, (0.5,))
    w = rng.integers(1, 4, len(eta))
    return table.assign(y=eta + rng.normal(size=len(eta)) / np.sqrt(w), w=w / w.mean())


def counts(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 12, (0.5,))
    return table.assign(y=rng.poisson(np.exp(eta)))


def overdispersed(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 15, (0.5,))
    return table.assign(y=rng.negative_binomial(3, 3 / (3 + np.exp(eta))))


def hits(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 30, (0.8,))
    return table.assign(y=(rng.uniform(size=len(eta)) < 1 / (1 + np.exp(-eta))).astype(int))


def lifts(rng: np.random.Generator) -> pd.DataFrame:
    """Return an A/B test by 8 countries, successes and trials."""
    country, treated = np.divmod(np.arange(16), 2)
    eta = -2 + rng.normal(0, 0.4, 8)[country] + (0.2 + rng.normal(0, 0.15, 8)[country]) * treated
    n = rng.integers(800, 3000, 16)
    k = rng.binomial(n, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"k": k, "n": n, "treated": treated, "g": names("c", country)})


def heavy_tails(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 15, (0.5,))
    return table.assign(y=eta + rng.standard_t(4, len(eta)))


def durations(rng: np.random.Generator) -> pd.DataFrame:
    table, eta = predictor(rng, 20, 12, (0.4,))
    return table.assign(y=rng.gamma(4.0, np.exp(eta) / 4.0))


INDEPENDENT = Case("independent slopes", "y ~ x + (x || g)", gaussian(25, 12, (0.5, 0.3)))
CROSSED = Case("crossed", "y ~ x + (1 | g) + (1 | h)", crossed)
NESTED = Case("nested", "y ~ x + (1 | a/b)", nested)
KNOWN = Case("known_se", "y ~ 1 + (1 | g)", meta_analysis, {"model": {"known_se": "se"}})
INTERCEPT = Case("intercept only", "y ~ 1 + (1 | g)", intercepts)

CASES = {
    "exact": (
        INTERCEPT,
        INDEPENDENT,
        Case("correlated slopes", "y ~ x + (x | g)", gaussian(30, 12, (0.6, 0.4), 0.5)),
        CROSSED,
        NESTED,
        Case("few levels", "y ~ x + (1 | g)", gaussian(5, 20, (0.7,))),
        Case("many levels", "y ~ x + (1 | g)", gaussian(300, 4, (0.5,))),
        KNOWN,
        Case(
            "group means", "y ~ x + (1 | g)", contextual, {"cre": [{"group": "g", "terms": ["x"]}]}
        ),
        Case("weighted", "weighted(y, w) ~ x + (1 | g)", weighted),
    ),
    "nuts": (
        INDEPENDENT,
        CROSSED,
        NESTED,
        KNOWN,
        Case("poisson", "y ~ x + (1 | g)", counts, {"model": {"family": "poisson"}}),
        Case(
            "negative binomial",
            "y ~ x + (1 | g)",
            overdispersed,
            {"model": {"family": "negativebinomial"}},
        ),
        Case("bernoulli", "y ~ x + (1 | g)", hits, {"model": {"family": "bernoulli"}}),
        Case(
            "binomial",
            "p(k, n) ~ treated + (treated || g)",
            lifts,
            {"model": {"family": "binomial"}},
        ),
        Case("t", "y ~ x + (1 | g)", heavy_tails, {"model": {"family": "t"}}),
        Case("gamma", "y ~ x + (1 | g)", durations, {"model": {"family": "gamma", "link": "log"}}),
    ),
}
