"""Default priors as numbers, by Bambi's rules.

Bambi 0.21 scales its weakly informative priors to the data (``bambi.priors.scaler``, after
Gelman, Hill and Vehtari 2020, section 9.5): a slope's sd is 2.5 sd(y) / sd(x), the intercept's
follows at centred predictors. Here the same numbers are worked out from the design, so that they
can be printed, stored and fitted by any engine. Weighted, censored and truncated responses scale
by the response values alone, where Bambi also averages over their weights and bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hiermix.design.rows import row_mean, row_sd
from hiermix.design.types import CommonTerm, Design, GroupTerm, LinearPart
from hiermix.spec.priors import Prior

STD = 2.5
"""Sds of the response that a one-sd step in a predictor may plausibly move it by."""

SCALED_BY_RESPONSE = frozenset({"gaussian", "t"})
UNIT_LOGIT = frozenset({"bernoulli", "binomial"})

AUXILIARY: Mapping[tuple[str, str], Prior] = {
    **{
        (family, "sigma"): Prior("HalfNormal", (("sigma", 1.0),))
        for family in ("exgaussian", "lognormal", "hurdle_lognormal")
    },
    ("asymmetriclaplace", "b"): Prior("HalfNormal", (("sigma", 1.0),)),
    ("asymmetriclaplace", "kappa"): Prior("HalfNormal", (("sigma", 1.0),)),
    ("exgaussian", "nu"): Prior("HalfNormal", (("sigma", 1.0),)),
    ("laplace", "b"): Prior("HalfNormal", (("sigma", 1.0),)),
    ("t", "nu"): Prior("Gamma", (("alpha", 2.0), ("beta", 0.1))),
    **{
        (family, name): Prior("HalfCauchy", (("beta", 1.0),))
        for family, name in (
            ("beta", "kappa"),
            ("beta_binomial", "kappa"),
            ("gamma", "alpha"),
            ("hurdle_gamma", "alpha"),
            ("hurdle_negativebinomial", "alpha"),
            ("negativebinomial", "alpha"),
            ("wald", "lam"),
            ("weibull", "alpha"),
            ("zero_inflated_negativebinomial", "alpha"),
        )
    },
    **{
        (family, "psi"): Prior("Beta", (("alpha", 2.0), ("beta", 2.0)))
        for family in (
            "hurdle_gamma",
            "hurdle_lognormal",
            "hurdle_negativebinomial",
            "hurdle_poisson",
            "zero_inflated_binomial",
            "zero_inflated_negativebinomial",
            "zero_inflated_poisson",
        )
    },
}
"""Bambi's default priors of auxiliary parameters that do not depend on the data."""


@dataclass(frozen=True)
class Defaults:
    """Default priors of one linear predictor: a tuple per term has one prior a column."""

    intercept: Prior | None
    common: Mapping[str, tuple[Prior, ...]]
    group_sd: Mapping[str, tuple[Prior, ...]]


def normal(mu: float, sigma: float) -> Prior:
    """Return a normal prior."""
    return Prior("Normal", (("mu", float(mu)), ("sigma", float(sigma))))


def half_normal(sigma: float) -> Prior:
    """Return a half-normal prior."""
    return Prior("HalfNormal", (("sigma", float(sigma)),))


def response_scale(design: Design, family: str) -> tuple[float, float]:
    """Return mean and sd (divisor n) of the response if the family scales by it, else 0 and 1."""
    if family not in SCALED_BY_RESPONSE:
        return 0.0, 1.0
    values, multiplicity = design.response.values, design.multiplicity
    sd = row_sd(values, multiplicity, design.within_ss)
    return float(row_mean(values, multiplicity)), float(sd)


def main_defaults(
    design: Design, family: str, link: str, given: frozenset[str] = frozenset()
) -> Defaults:
    """Work out the default priors of the main linear predictor.

    Parameters
    ----------
    design
        Columns and response.
    family, link
        Bambi's names.
    given
        Names of the common terms whose prior the user states: they do not widen the intercept's
        prior, as in Bambi.
    """
    main = design.main
    mean, sd = response_scale(design, family)
    on_logit = family in UNIT_LOGIT and link in ("logit", "probit")
    rows = design.multiplicity
    common = {term.name: _common(term, sd, on_logit, rows) for term in main.common}
    variance = (STD * sd) ** 2
    for term in main.common:
        if term.name not in given:
            sigma = np.array([prior.get("sigma") for prior in common[term.name]])
            variance += float(np.sum((sigma * row_mean(term.values, rows)) ** 2))
    wide = float(np.sqrt(variance))
    intercept = normal(0.0, 1.5) if on_logit else normal(mean, wide)
    return Defaults(
        intercept if main.intercept else None,
        common,
        {term.name: _group_sd(term, sd, wide, rows) for term in main.group},
    )


def component_defaults(part: LinearPart) -> Defaults:
    """Return the default priors of a component's linear predictor: Bambi does not scale them."""
    return Defaults(
        normal(0.0, 1.0) if part.intercept else None,
        {t.name: tuple(normal(0.0, 1.0) for _ in t.columns) for t in part.common},
        {t.name: tuple(half_normal(1.0) for _ in t.columns) for t in part.group},
    )


def auxiliary_default(design: Design, family: str, parameter: str) -> Prior:
    """Return the default prior of a family's parameter that has no formula of its own."""
    _, sd = response_scale(design, family)
    if (family in SCALED_BY_RESPONSE and parameter == "sigma") or (family, parameter) == (
        "vonmises",
        "kappa",
    ):
        return Prior("HalfStudentT", (("nu", 4.0), ("sigma", sd)))
    return AUXILIARY[family, parameter]


def correlation_default() -> Prior:
    """Return the default prior of correlations: it favours none, weakly (brms has LKJ(1))."""
    return Prior("LKJ", (("eta", 2.0),))


def threshold_defaults(design: Design, family: str) -> tuple[Prior, ...]:
    """Return the priors of the cutpoints of an ordinal family, one fewer than categories."""
    n = len(design.response.levels or ()) - 1
    if family == "cumulative":
        return tuple(normal(mu, 1.0) for mu in np.round(np.linspace(-2, 2, num=n), 2))
    return tuple(normal(0.0, 1.0) for _ in range(n))


def _common(
    term: CommonTerm, sd: float, on_logit: bool, rows: np.ndarray | None
) -> tuple[Prior, ...]:
    if not on_logit:
        return tuple(normal(0.0, STD * sd / s) for s in row_sd(term.values, rows))
    if term.categorical and (term.only_factors or not term.interaction):
        return tuple(normal(0.0, 1.0) for _ in term.columns)
    if term.interaction and len(term.columns) > 1:
        spread = float(row_sd(term.values.sum(axis=1), rows))
        return tuple(normal(0.0, 1.0 / spread) for _ in term.columns)
    return tuple(normal(0.0, 1.0 / s) for s in row_sd(term.values, rows))


def _group_sd(
    term: GroupTerm, sd: float, intercept_sd: float, rows: np.ndarray | None
) -> tuple[Prior, ...]:
    if term.expression == "1":
        return (half_normal(intercept_sd),)
    return tuple(half_normal(STD * sd / s) for s in row_sd(term.values, rows))
