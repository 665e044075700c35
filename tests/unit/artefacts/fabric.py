"""A finished run made of random numbers: a model of reaction times by days, no sampling."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from hiermix.design.types import (
    CommonTerm,
    Design,
    Factor,
    GroupTerm,
    LinearPart,
    Response,
)
from hiermix.engines.base import Fit, FitRequest
from hiermix.escalation import Attempt
from hiermix.gates.verdict import Finding, Verdict
from hiermix.measurement import Measurement
from hiermix.model.plan import ModelPlan, Parameter
from hiermix.pipeline import Prepared, RunResult
from hiermix.spec.priors import parse_prior
from hiermix.summary import summarise

SPEC = """\
schema_version: 1
name: sleepstudy
data:
  path: sleepstudy.csv
model:
  formula: Reaction ~ Days + (Days | Subject)
  family: gaussian
fit: {draws: 100, chains: 4, seed: 1}
"""

NOTE = "2 levels of Subject have one row each"


def design(n_subjects: int = 18, n_days: int = 10, labels: tuple[str, ...] | None = None) -> Design:
    levels = labels or tuple(str(308 + i) for i in range(n_subjects))
    index = np.repeat(np.arange(len(levels)), n_days)
    days = np.tile(np.arange(float(n_days)), len(levels))
    rng = np.random.default_rng(3)
    truth = 250 + 10 * days + rng.normal(0, 25, len(levels))[index]
    factor = Factor("Subject", ("Subject",), levels, index, np.bincount(index))
    group = (
        GroupTerm("1|Subject", "1", factor, ("1",), np.ones((len(days), 1)), None, True),
        GroupTerm("Days|Subject", "Days", factor, ("Days",), days[:, None], None, True),
    )
    common = (CommonTerm("Days", ("Days",), days[:, None]),)
    return Design(
        formula="Reaction ~ Days + (Days | Subject)",
        response=Response("Reaction", "plain", truth + rng.normal(0, 25, len(days))),
        main=LinearPart("mu", True, common, group),
    )


def plan(of: Design) -> ModelPlan:
    dims = (("Subject__factor_dim", of.main.group[0].factor.levels),)
    return ModelPlan(
        design=of,
        family="gaussian",
        links={"mu": "identity", "sigma": "log"},
        parameters=(
            Parameter("Intercept", "common", prior=(parse_prior("Normal(298.5, 140.5)"),)),
            Parameter("Days", "common", prior=(parse_prior("Normal(0, 10)"),), default_prior=False),
            Parameter("1|Subject_sigma", "group_sd", prior=(parse_prior("HalfNormal(140.5)"),)),
            Parameter("Days|Subject_sigma", "group_sd", prior=(parse_prior("HalfNormal(48.8)"),)),
            Parameter("sigma", "residual", prior=(parse_prior("HalfStudentT(4, 56.2)"),)),
            Parameter("1|Subject", "group_specific", dims),
            Parameter("Days|Subject", "group_specific", dims),
        ),
        centring=(),
        notes=(NOTE,),
    )


CENTRES = {
    "Intercept": (251.4, 7.0),
    "Days": (10.5, 1.6),
    "1|Subject_sigma": (26.0, 5.0),
    "Days|Subject_sigma": (6.2, 1.3),
    "sigma": (25.8, 1.6),
    "1|Subject": (0.0, 12.0),
    "Days|Subject": (0.0, 2.4),
}


def tree(of: ModelPlan, chains: int = 4, draws: int = 100, seed: int = 1) -> xr.DataTree:
    """Draws around `CENTRES`; those of a level around its own centre."""
    rng = np.random.default_rng(seed)
    variables = {}
    for parameter in of.parameters:
        centre, sd = CENTRES[parameter.name]
        centres = centre + 2 * sd * rng.normal(size=parameter.shape)
        if parameter.shape == ():
            centres = centre
        values = centres + sd * rng.normal(size=(chains, draws, *parameter.shape))
        if parameter.role in ("group_sd", "residual"):
            values = np.abs(values)
        dims = ("chain", "draw", *(name for name, _ in parameter.dims))
        variables[parameter.name] = (dims, values)
    coords = {name: list(labels) for p in of.parameters for name, labels in p.dims}
    posterior = xr.Dataset(
        variables, {"chain": np.arange(chains), "draw": np.arange(draws), **coords}
    )
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((chains, draws), dtype=bool)),
            "tree_depth": (("chain", "draw"), np.full((chains, draws), 4)),
            "energy": (("chain", "draw"), rng.normal(1000, 3, (chains, draws))),
        }
    )
    y = of.design.response.values
    replicated = y + rng.normal(0, 25, (chains, min(draws, 25), len(y)))
    return xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": stats,
            "observed_data": xr.Dataset({"Reaction": ("__obs__", y)}),
            "posterior_predictive": xr.Dataset(
                {"Reaction": (("chain", "draw", "__obs__"), replicated)}
            ),
        }
    )


def fit(of: ModelPlan, chains: int = 4, draws: int = 100, seed: int = 1) -> Fit:
    return Fit(
        tree=tree(of, chains, draws, seed),
        engine="nuts",
        sampler="nutpie",
        request=FitRequest(draws=draws, tune=100, chains=chains, seed=seed, cores=2),
        facts={"mass_matrix": "low_rank", "target_accept": np.float64(0.9)},
        seconds={"compile": 4.2, "sample": 1.3},
    )


def scalars(of: Fit, plan: ModelPlan) -> pd.DataFrame:
    """A table of scalars with the columns that the diagnostics give."""
    rows = []
    for parameter in plan.parameters:
        values = of.tree["posterior"][parameter.name].values
        flat = values.reshape(values.shape[0] * values.shape[1], -1)
        labels = np.array(np.meshgrid(*[labels for _, labels in parameter.dims], indexing="ij"))
        names = [""] if not parameter.dims else labels.reshape(len(parameter.dims), -1).T
        for column, name in enumerate(names):
            draws = flat[:, column]
            rows.append(
                {
                    "variable": f"{parameter.name}[{','.join(name)}]"
                    if parameter.dims
                    else parameter.name,
                    "role": parameter.role,
                    "parameter": parameter.name,
                    "mean": draws.mean(),
                    "sd": draws.std(ddof=1),
                    "rhat": 1.0 + column / 1e4,
                    "ess_bulk": 400.0 - column,
                    "ess_tail": 380.0,
                    "mcse_mean": draws.std(ddof=1) / 20,
                }
            )
    return pd.DataFrame(rows)


FINDINGS = (
    Finding(
        "sampler-rhat-common",
        "sampler",
        "pass",
        "rhat",
        1.003,
        None,
        1.01,
        "Days",
        "R-hat is fine",
        "",
    ),
    Finding(
        "sampler-ess-bulk",
        "sampler",
        "warn",
        "ess_bulk",
        380.0,
        500.0,
        100.0,
        "1|Subject_sigma",
        "bulk ESS of '1|Subject_sigma' is 380; 500 or more were expected",
        "take more draws",
    ),
)

BROKEN = Finding(
    "sampler-divergences",
    "sampler",
    "fail",
    "divergences",
    float("nan"),
    None,
    0.0,
    "all chains",
    "the number of divergences is missing",
    "raise fit.target_accept",
)


def prepared(of: ModelPlan, loaded: object, warnings: tuple[str, ...] = ()) -> Prepared:
    table = pd.DataFrame({"Reaction": of.design.response.values})
    frame = SimpleNamespace(
        table=table,
        n_rows=len(table),
        n_read=len(table) + 3,
        dropped={"Reaction": 2, "Days": 1},
        sha256="ab" * 32,
        warnings=(),
    )
    return Prepared(
        loaded=loaded,
        frame=frame,
        design=of.design,
        plan=of,
        engine="nuts",
        engine_reasons={"laplace": ("it is not exact",)},
        measurements=(Measurement("group_levels", "design", "Subject", 18.0),),
        verdict=Verdict("publish", ()),
        warnings=warnings,
        seconds={"data": 0.03, "design": 0.01},
    )


def load(text: str = SPEC, overrides: tuple[str, ...] = ()) -> object:
    from hiermix.spec import load_spec

    return load_spec(text, "sleepstudy.yaml", list(overrides))


def result(
    loaded: object | None = None,
    findings: tuple[Finding, ...] = FINDINGS,
    labels: tuple[str, ...] | None = None,
    warnings: tuple[str, ...] = (),
    seconds: Mapping[str, float] | None = None,
) -> RunResult:
    of = plan(design(labels=labels))
    drawn = fit(of)
    return RunResult(
        prepared=prepared(of, loaded or load(), warnings),
        fit=drawn,
        measurements=(
            Measurement("rhat", "common", "Days", 1.003),
            Measurement("divergences", "run", "all chains", float("nan"), 'said "none", twice'),
        ),
        verdict=Verdict("publish", findings),
        tables=summarise(drawn, of, scalars(drawn, of), 0.9, "eti"),
        attempts=(Attempt(1, {"engine": "nuts", "draws": 100}, "as asked", (), 5.5),),
        seconds=seconds or {"sample": 1.3, "write": 0.2},
    )
