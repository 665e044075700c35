"""Small models with draws made by hand, for the tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from hiermix.design.types import CommonTerm, Design, Factor, GroupTerm, LinearPart, Response
from hiermix.engines.base import Fit, FitRequest
from hiermix.model.plan import ModelPlan, Parameter

REQUEST = FitRequest(draws=50, tune=50, chains=2, seed=1, cores=1)


def factor(name: str, levels: tuple[str, ...], index: list[int]) -> Factor:
    rows = np.array(index)
    return Factor(name, tuple(name.split(":")), levels, rows, np.bincount(rows))


def intercept_of(of: Factor) -> GroupTerm:
    return GroupTerm(f"1|{of.name}", "1", of, ("1",), np.ones((len(of.index), 1)))


def slope_of(of: Factor, name: str, values: np.ndarray) -> GroupTerm:
    return GroupTerm(f"{name}|{of.name}", name, of, (name,), values[:, None])


def common(name: str, values: np.ndarray) -> CommonTerm:
    return CommonTerm(name, (name,), values[:, None])


def design(
    y: np.ndarray,
    terms: tuple[CommonTerm, ...] = (),
    groups: tuple[GroupTerm, ...] = (),
    *,
    intercept: bool = True,
    components: Mapping[str, LinearPart] | None = None,
    known_se: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> Design:
    return Design(
        "y ~ ...",
        Response("y", "plain", y),
        LinearPart("mu", intercept, terms, groups, offset),
        components or {},
        known_se,
    )


def group_parameters(term: GroupTerm, prefix: str = "") -> tuple[Parameter, ...]:
    labels = () if term.labels is None else ((f"{term.expression}__expr_dim", term.labels),)
    levels = ((f"{term.factor.name}__factor_dim", term.factor.levels),)
    return (
        Parameter(f"{prefix}{term.name}_sigma", "group_sd", labels),
        Parameter(f"{prefix}{term.name}", "group_specific", levels + labels),
    )


def plan(
    of: Design,
    parameters: tuple[Parameter, ...],
    family: str = "gaussian",
    links: Mapping[str, str] | None = None,
) -> ModelPlan:
    return ModelPlan(of, family, links or {"mu": "identity"}, parameters, ())


def fit(of: ModelPlan, draws: Mapping[str, np.ndarray], chains: int = 2) -> Fit:
    """A fit with the given draws, shape ``(n_draws, *shape)``, split into chains."""
    dims = {p.name: tuple(name for name, _ in p.dims) for p in of.parameters}
    variables = {
        name: (
            ("chain", "draw", *dims[name]),
            values.reshape(chains, len(values) // chains, *values.shape[1:]),
        )
        for name, values in draws.items()
    }
    coords = {name: list(labels) for p in of.parameters for name, labels in p.dims}
    posterior = xr.Dataset(variables, coords=coords)
    return Fit(xr.DataTree.from_dict({"posterior": posterior}), "nuts", "nutpie", REQUEST)


def normal(rng: np.random.Generator, of: ModelPlan, n_draws: int = 100) -> dict[str, np.ndarray]:
    """Normal draws of every parameter; positive ones of sds."""
    found = {}
    for parameter in of.parameters:
        draws = rng.normal(size=(n_draws, *parameter.shape))
        positive = parameter.role in ("group_sd", "residual")
        found[parameter.name] = np.abs(draws) + 0.1 if positive else draws
    return found


def scalars(of: ModelPlan) -> pd.DataFrame:
    """A scalar table whose numbers say where they come from: 0, 1, 2... for each parameter."""
    rows = []
    for parameter in of.parameters:
        for place in range(int(np.prod(parameter.shape, dtype=int))):
            rows.append(
                {
                    "variable": f"{parameter.name}[{place}]" if parameter.dims else parameter.name,
                    "role": parameter.role,
                    "parameter": parameter.name,
                    "mean": 10.0 + place,
                    "sd": 1.0 + place,
                    "rhat": 1.0 + place / 100,
                    "ess_bulk": 100.0 + place,
                    "ess_tail": 200.0 + place,
                    "mcse_mean": 0.1,
                }
            )
    return pd.DataFrame(rows)
