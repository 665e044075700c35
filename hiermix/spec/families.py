"""Bambi's families as data: parameters, links, and what each parameter is called in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class FamilyParameter:
    """A parameter of a family that is not its mean: ``sigma``, ``alpha``, ``psi``...

    ``role`` is the one of the tables; ``links`` are allowed when the parameter has a formula of
    its own, the first one is used.
    """

    name: str
    role: Literal["residual", "auxiliary"]
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of distributions of the response.

    ``parent`` is the parameter that the formula is about, ``link`` its default link and ``links``
    all that are allowed.
    """

    name: str
    parent: str
    link: str
    links: tuple[str, ...]
    parameters: tuple[FamilyParameter, ...] = ()

    @property
    def components(self) -> tuple[str, ...]:
        """Parameters that may have a formula of their own."""
        return tuple(p.name for p in self.parameters if p.name != "threshold")

    def parameter(self, name: str) -> FamilyParameter:
        """Return a parameter other than the parent; raise ``KeyError`` if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


LOG = ("log",)
CHANCE = ("logit", "probit", "cloglog")
SIGMA = FamilyParameter("sigma", "residual", LOG)
SCALE = FamilyParameter("b", "residual", LOG)
ALPHA = FamilyParameter("alpha", "auxiliary", LOG)
KAPPA = FamilyParameter("kappa", "auxiliary", LOG)
NU = FamilyParameter("nu", "auxiliary", LOG)
LAM = FamilyParameter("lam", "auxiliary", LOG)
PSI = FamilyParameter("psi", "auxiliary", CHANCE)
THRESHOLD = FamilyParameter("threshold", "auxiliary", ("identity",))

REAL = ("identity", "log", "inverse")

COUNT = ("identity", "log")
OVERDISPERSED = ("identity", "log", "cloglog")
SHARE = ("identity", *CHANCE)


_TABLE = (
    Family("asymmetriclaplace", "mu", "identity", REAL, (SCALE, KAPPA)),
    Family("bernoulli", "p", "logit", SHARE),
    Family("beta", "mu", "logit", CHANCE, (KAPPA,)),
    Family("beta_binomial", "mu", "logit", CHANCE, (KAPPA,)),
    Family("binomial", "p", "logit", SHARE),
    Family("categorical", "p", "softmax", ("softmax",)),
    Family("cumulative", "p", "logit", CHANCE, (THRESHOLD,)),
    Family("dirichlet_multinomial", "a", "log", LOG),
    Family("exgaussian", "mu", "identity", REAL, (SIGMA, NU)),
    Family("exponential", "mu", "log", REAL),
    Family("gamma", "mu", "inverse", REAL, (ALPHA,)),
    Family("gaussian", "mu", "identity", REAL, (SIGMA,)),
    Family("hurdle_gamma", "mu", "log", REAL, (ALPHA, PSI)),
    Family("hurdle_lognormal", "mu", "identity", REAL, (SIGMA, PSI)),
    Family("hurdle_negativebinomial", "mu", "log", OVERDISPERSED, (ALPHA, PSI)),
    Family("hurdle_poisson", "mu", "log", COUNT, (PSI,)),
    Family("laplace", "mu", "identity", REAL, (SCALE,)),
    Family("lognormal", "mu", "identity", REAL, (SIGMA,)),
    Family("multinomial", "p", "softmax", ("softmax",)),
    Family("negativebinomial", "mu", "log", OVERDISPERSED, (ALPHA,)),
    Family("poisson", "mu", "log", COUNT),
    Family("sratio", "p", "logit", CHANCE, (THRESHOLD,)),
    Family("t", "mu", "identity", REAL, (SIGMA, NU)),
    Family("vonmises", "mu", "identity", ("identity",), (KAPPA,)),
    Family(
        "wald", "mu", "inverse_squared", ("inverse", "inverse_squared", "identity", "log"), (LAM,)
    ),
    Family("weibull", "mu", "log", REAL, (ALPHA,)),
    Family("zero_inflated_binomial", "p", "logit", SHARE, (PSI,)),
    Family("zero_inflated_negativebinomial", "mu", "log", OVERDISPERSED, (ALPHA, PSI)),
    Family("zero_inflated_poisson", "mu", "log", COUNT, (PSI,)),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({f.name: f for f in _TABLE})
"""Every family by name, parameters and links as in Bambi 0.21."""

COUNT_FAMILIES = frozenset(
    {
        *("poisson", "zero_inflated_poisson", "hurdle_poisson"),
        *("negativebinomial", "zero_inflated_negativebinomial", "hurdle_negativebinomial"),
    }
)
"""Families of whole numbers without a largest one."""

PROPORTION_FAMILIES = frozenset({"binomial", "beta_binomial", "zero_inflated_binomial"})
"""Families of successes out of trials."""

ORDINAL_FAMILIES = frozenset({"cumulative", "sratio"})
CATEGORY_FAMILIES = ORDINAL_FAMILIES | {"categorical"}

POSITIVE_FAMILIES = frozenset({"gamma", "exponential", "wald", "weibull", "lognormal"})
SEMICONTINUOUS_FAMILIES = frozenset({"hurdle_gamma", "hurdle_lognormal"})
"""Families of positive numbers, and of those with zeros among them."""

LINKS: tuple[str, ...] = tuple(sorted({link for f in _TABLE for link in f.links}))
"""Every link that some family allows."""
