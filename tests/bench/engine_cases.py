"""The data sets and models that `engines.py` compares on, simulated with fixed seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Variant:
    """A way to call Bambi; ``model`` and ``fit`` are keywords of the two calls."""

    name: str
    formula: str
    model: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A data set and its model, for hiermix and for Bambi; ``variants[0]`` is the best known."""

    name: str
    table: Callable[[], pd.DataFrame]
    formula: str
    bambi: str
    family: str = "gaussian"
    variants: tuple[Variant, ...] = ()


# ---------------------------------------------------------------- data


def sleepstudy() -> pd.DataFrame:
    path = ROOT / "examples" / "sleepstudy" / "sleepstudy.csv"
    return pd.read_csv(path, dtype={"Subject": str}).astype({"Subject": "category"})


def levels_of(prefix: str, codes: np.ndarray, n_levels: int) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, [f"{prefix}{i}" for i in range(n_levels)])


def panel(n_levels: int, n_rows: int, n_slopes: int) -> pd.DataFrame:
    """Return a Gaussian panel: levels of the same expected size, predictors of mean 1."""
    rng = np.random.default_rng(0)
    g = np.sort(rng.integers(0, n_levels, n_rows)) if n_rows % n_levels else None
    g = np.repeat(np.arange(n_levels), n_rows // n_levels) if g is None else g
    x = rng.normal(1.0, 1.0, size=(n_rows, n_slopes))
    effects = rng.normal(0, 0.5, size=(n_levels, n_slopes + 1))
    y = effects[g, 0] + (x * (0.3 + effects[g, 1:])).sum(axis=1) + rng.normal(size=n_rows)
    table = pd.DataFrame(x, columns=[f"x{i}" for i in range(n_slopes)])
    return table.assign(y=y, g=levels_of("g", g, n_levels))


def visits() -> pd.DataFrame:
    """Return 80,000 visits of a test in 6 countries, one row a visit."""
    rng = np.random.default_rng(1)
    n = 80_000
    country = rng.choice(6, n, p=[0.35, 0.25, 0.15, 0.12, 0.08, 0.05])
    treated = rng.integers(0, 2, n)
    eta = -2.5 + rng.normal(0, 0.3, 6)[country] + (0.12 + rng.normal(0, 0.1, 6)[country]) * treated
    converted = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame(
        {"converted": converted, "treated": treated, "country": levels_of("c", country, 6)}
    )


def ratings() -> pd.DataFrame:
    """Return 50,000 ratings of 200 products by 5,000 customers."""
    rng = np.random.default_rng(2)
    n = 50_000
    customer, product = rng.integers(0, 5_000, n), rng.integers(0, 200, n)
    price = rng.normal(size=n)
    own = rng.normal(0, 0.6, 5_000)[customer] + rng.normal(0, 0.4, 200)[product]
    score = 3.0 - 0.2 * price + own + rng.normal(0, 1.0, n)
    return pd.DataFrame(
        {
            "score": score,
            "price": price,
            "customer": levels_of("c", customer, 5_000),
            "product": levels_of("p", product, 200),
        }
    )


# ---------------------------------------------------------------- models

NUTPIE = {"inference_method": "nutpie", "chains": 4}


def hierarchical(
    name: str, group: str, terms: dict[str, tuple[float, float]], slopes: str
) -> Variant:
    """Return hierarchical centring, u ~ Normal(beta, tau), as Bambi can be made to do it.

    ``terms`` has location and scale of the prior of each coefficient; the scale is its sd's too.
    """
    priors = {
        f"{term}|{group}": [
            "Normal",
            {
                "mu": ["Normal", {"mu": location, "sigma": scale}],
                "sigma": ["HalfNormal", {"sigma": scale}],
            },
        ]
        for term, (location, scale) in terms.items()
    }
    return Variant(
        "nutpie, hierarchically centred by hand",
        f"{name} ~ 0 + ({slopes} | {group})",
        {"priors": priors, "noncentered": False},
        NUTPIE,
    )


def centrings(formula: str) -> tuple[Variant, ...]:
    return (
        Variant("nutpie, noncentered=False", formula, {"noncentered": False}, NUTPIE),
        Variant("nutpie", formula, {}, NUTPIE),
    )


SLEEP = "Reaction ~ Days + (Days | Subject)"
SLOPES = "x0 + x1 + x2 + x3"
PANEL = f"y ~ {SLOPES} + ({SLOPES} | g)"
VISITS = "converted ~ treated + (treated | country)"
RATINGS = "score ~ price + (1 | customer) + (1 | product)"

CASES = (
    Case(
        "sleepstudy",
        sleepstudy,
        "Reaction ~ Days + (Days || Subject)",
        SLEEP,
        variants=(
            hierarchical("Reaction", "Subject", {"1": (298.5, 261.0), "Days": (0, 48.9)}, "Days"),
            *centrings(SLEEP),
        ),
    ),
    Case(
        "50 levels x 200 rows, 4 slopes",
        lambda: panel(50, 10_000, 4),
        f"y ~ {SLOPES} + ({SLOPES} || g)",
        PANEL,
        variants=(
            hierarchical("y", "g", dict.fromkeys(("1", "x0", "x1", "x2", "x3"), (0, 4)), SLOPES),
            *centrings(PANEL),
        ),
    ),
    Case(
        "80,000 visits, A/B by 6 countries",
        visits,
        "converted ~ treated + (treated || country)",
        VISITS,
        "bernoulli",
        variants=tuple(reversed(centrings(VISITS))),
    ),
    Case(
        "5,000 customers x 200 products, 50,000 rows",
        ratings,
        RATINGS,
        RATINGS,
        variants=centrings(RATINGS),
    ),
    Case(
        "1,000,000 rows, 2,000 levels with slopes",
        lambda: panel(2_000, 1_000_000, 1),
        "y ~ x0 + (x0 || g)",
        "y ~ x0 + (x0 | g)",
    ),
)
