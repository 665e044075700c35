"""The model and its priors as the report shows them: sentences, equations, rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.equations import Statement, model_equations
from hiermix.artefacts.notation import Atoms, Equation

if TYPE_CHECKING:
    from hiermix.artefacts.manifest import Manifest

MAX_PRIORS = 60
"""Priors that are listed; all are in ``spec.resolved.yaml``."""

LONG_NUMBER = re.compile(r"\d+\.\d{4,}(?:e[-+]?\d+)?")
"""Numbers that the report shortens to six digits; `spec.resolved.yaml` has all of them."""

SCALES = {
    "logit": "log odds of {}",
    "log": "log of {}",
    "probit": "probit of {}",
    "cloglog": "complementary log-log of {}",
    "inverse": "1/{}",
    "inverse_squared": "1/{}²",
    "softmax": "log odds against the first category",
}


LOGARITHMIC = ("lognormal", "hurdle_lognormal")
"""Families whose mu and sigma are those of the response's logarithm."""

HIGHER = {"cumulative": "{} > k", "sratio": "{0} > k where {0} ≥ k"}
LOWER = {"cumulative": "{} ≤ k", "sratio": "{0} = k where {0} ≥ k"}
"""What the linear predictor, and what a threshold, makes likelier in an ordered response."""

SYMMETRIC = ("logit", "probit")
"""Links by which a threshold less the linear predictor is the linear predictor less it, negated."""


@dataclass(frozen=True)
class PriorRow:
    """One prior: the symbol in the equations, the scale that it is on, where it comes from."""

    symbol: Atoms
    parameter: str
    prior: str
    scale: str
    source: str


@dataclass(frozen=True)
class ModelView:
    """The model in words, in maths, and with its priors.

    ``columns`` are sentences about columns that hiermix made; ``priors_left_out`` counts those
    beyond ``MAX_PRIORS``.
    """

    words: list[str]
    columns: list[str]
    equations: tuple[Equation, ...]
    priors: list[PriorRow]
    priors_left_out: int


def model_view(manifest: Manifest) -> ModelView:
    """Return the model of a run; without words and equations where the manifest has none."""
    model = manifest.model
    stated = model_equations(model)
    priors = list(_priors(model, stated))
    return ModelView(
        words=[f"{text}." for text in model.get("words", [])],
        columns=list(_columns(model)),
        equations=() if stated is None else stated.equations,
        priors=priors[:MAX_PRIORS],
        priors_left_out=max(len(priors) - MAX_PRIORS, 0),
    )


def _columns(model: Mapping[str, Any]) -> Iterator[str]:
    for entry in model.get("statement", {}).get("contextual", ()):
        group = entry["group"]
        for column in entry["columns"]:
            own = column["column"]
            text = f"{column['mean']} is the mean of {own} over the rows of a level of {group}"
            if column["within"] != own:
                text += f", {column['within']} is {own} less that mean"
            yield f"{text}."


def _priors(model: Mapping[str, Any], stated: Statement | None) -> Iterator[PriorRow]:
    for row in model["priors"]:
        name, by_label = str(row["parameter"]), row.get("by_label") or {}
        texts = {f"{name}[{label}]": text for label, text in by_label.items()}
        for parameter, prior in (texts or {name: row["prior"]}).items():
            yield PriorRow(
                symbol=_symbol(stated, name, parameter),
                parameter=parameter,
                prior=LONG_NUMBER.sub(lambda m: f"{float(m[0]):.6g}", str(prior)),
                scale=scale_words(model, row),
                source="default" if row["default"] else "stated in the spec",
            )


def _symbol(stated: Statement | None, name: str, parameter: str) -> Atoms:
    if stated is None:
        return ()
    return stated.symbols.get(parameter, stated.symbols.get(name, ()))


def predictor_scale(family: str, parameter: str, link: str, response: str) -> str:
    """Return what a linear predictor is measured in.

    Examples
    --------
    >>> predictor_scale("poisson", "mu", "log", "y"), predictor_scale("t", "mu", "identity", "y")
    ('log of mu', 'units of y')
    >>> predictor_scale("cumulative", "p", "logit", "rating")
    'log odds of rating > k'
    >>> predictor_scale("lognormal", "mu", "identity", "y")
    'log of y'
    """
    if link == "identity" and family in LOGARITHMIC and parameter in ("mu", "sigma"):
        return SCALES["log"].format(response)
    if link == "identity":
        return f"units of {response}"
    if family in HIGHER and link in SYMMETRIC:
        return SCALES[link].format(HIGHER[family].format(response))
    return SCALES.get(link, link).format(parameter)


def scale_words(model: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Return the scale that a prior is on.

    Parameters
    ----------
    model
        Of the manifest.
    row
        One of its priors.

    Examples
    --------
    >>> model = {"links": {"p": "logit"}, "statement": {"response": {"expression": "y"}}}
    >>> scale_words(model, {"parameter": "x", "role": "common", "component": "p"})
    'log odds of p, per unit'
    """
    stated = model.get("statement", {}).get("response", {})
    response = str(stated.get("expression", "the response"))
    name, role, component = row["parameter"], row["role"], row.get("component", "mu")
    if role == "correlation":
        return "matrix of correlations"
    link = str(model["links"].get(component, "identity"))
    family = str(model.get("family", ""))
    own = predictor_scale(family, component, link, response)
    if name == "threshold" and family in LOWER:
        # Thresholds have no link of their own: they are compared with the linear predictor.
        link = str(next(iter(model["links"].values()), "identity"))
        return SCALES.get(link, link).format(LOWER[family].format(response))
    if role == "auxiliary" and component == name:
        return "its own"
    if role in ("residual", "auxiliary"):
        return own
    if role == "common":
        return f"{own}, at mean predictors" if name.endswith("Intercept") else f"{own}, per unit"
    term = name.partition("|")[0].removeprefix(f"{component}_")
    return own if term == "1" else f"{own}, per unit"
