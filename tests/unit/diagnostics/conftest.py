"""Fits from random arrays: no model, no sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from hiermix.engines.base import Fit, FitRequest
from hiermix.model.plan import ModelPlan, Parameter

LEVELS = tuple(f"L{i:03d}" for i in range(189))

# 200 scalars, in every role that a model without correlations has.
PARAMETERS = (
    Parameter("Intercept", "common"),
    Parameter("x", "common"),
    Parameter("f", "common", (("f_dim", ("b", "c")),)),
    Parameter("1|g_sigma", "group_sd"),
    Parameter("f|g_sigma", "group_sd", (("f__expr_dim", ("b", "c")),)),
    Parameter("sigma", "residual"),
    Parameter("alpha", "auxiliary"),
    Parameter("1|g", "group_specific", (("g__factor_dim", LEVELS),)),
    Parameter(
        "f|g",
        "group_specific",
        (("h__factor_dim", ("DE",)), ("f__expr_dim", ("b", "c"))),
    ),
)


def make_plan(*parameters: Parameter) -> ModelPlan:
    return ModelPlan(
        design=None,  # type: ignore[arg-type]
        family="gaussian",
        links={"mu": "identity"},
        parameters=parameters,
        centring=(),
    )


class Maker:
    """Makes a plan and a fit of independent draws, of which a test spoils a part."""

    def __init__(self) -> None:
        self.plan = make_plan(*PARAMETERS)

    def __call__(
        self,
        seed: int = 1,
        chains: int = 4,
        draws: int = 1000,
        plan: ModelPlan | None = None,
        spoil: Callable[[dict[str, np.ndarray]], None] | None = None,
        spoil_stats: Callable[[dict[str, np.ndarray]], None] | None = None,
        cut: dict[str, int] | None = None,
        **fields: Any,
    ) -> Fit:
        """Return a fit.

        ``spoil`` and ``spoil_stats`` change the arrays (chains first) in place; ``cut`` keeps
        only so many chains or draws of what was asked for.
        """
        rng = np.random.default_rng(seed)
        plan = plan or self.plan
        shape = (chains, draws)
        posterior = {p.name: rng.normal(size=(*shape, *p.shape)) for p in plan.parameters}
        stats = {
            "diverging": np.zeros(shape, dtype=bool),
            "reached_max_treedepth": np.zeros(shape, dtype=bool),
            "tree_depth": np.full(shape, 3),
            "energy": rng.normal(size=shape),
        }
        if spoil:
            spoil(posterior)
        if spoil_stats:
            spoil_stats(stats)
        coords = {dim: list(labels) for p in plan.parameters for dim, labels in p.dims}
        tree = xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset(
                    {
                        p.name: (("chain", "draw", *(d for d, _ in p.dims)), posterior[p.name])
                        for p in plan.parameters
                        if p.name in posterior
                    },
                    {"chain": np.arange(chains), "draw": np.arange(draws), **coords},
                ),
                "sample_stats": xr.Dataset(
                    {name: (("chain", "draw"), values) for name, values in stats.items()},
                    {"chain": np.arange(chains), "draw": np.arange(draws)},
                ),
            }
        )
        if cut:
            tree = tree.isel({dim: slice(n) for dim, n in cut.items()})
        request = FitRequest(draws=draws, tune=1000, chains=chains, seed=seed, cores=1)
        return Fit(tree, "nuts", "nutpie", request, **fields)


@pytest.fixture
def make_fit() -> Maker:
    return Maker()


@pytest.fixture
def plan() -> ModelPlan:
    return make_plan(*PARAMETERS)
