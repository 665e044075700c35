"""The distributions that a prior may name, with PyMC's names for them and their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ArgumentKind = Literal["real", "positive", "unit", "count"]
Support = Literal["real", "positive", "unit", "interval", "correlation"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a distribution.

    ``kind`` is what its number has to be: any ``real``, ``positive``, inside (0, 1) (``unit``) or
    a ``count`` (an integer >= 1). ``default`` is ``None`` where a number has to be given, unless
    the argument is ``optional``: then leaving it out means that there is no such limit.
    """

    name: str
    kind: ArgumentKind
    default: float | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution and its arguments, in the order in which they may be given without names.

    ``alternative`` is a second, complete set of arguments, usable by name only. ``support`` is
    where the distribution lives; ``interval`` reaches from ``lower`` to ``upper``.
    """

    name: str
    arguments: tuple[Argument, ...]
    support: Support
    alternative: tuple[Argument, ...] = ()


MU = Argument("mu", "real", 0.0)
SIGMA = Argument("sigma", "positive", 1.0)
NU = Argument("nu", "positive")
ALPHA = Argument("alpha", "positive")
BETA = Argument("beta", "positive")
MEAN_AND_SD = (Argument("mu", "positive"), Argument("sigma", "positive"))

_TABLE = (
    Distribution("Normal", (MU, SIGMA), "real"),
    Distribution("StudentT", (NU, MU, SIGMA), "real"),
    Distribution("Cauchy", (Argument("alpha", "real"), BETA), "real"),
    Distribution("Laplace", (Argument("mu", "real"), Argument("b", "positive")), "real"),
    Distribution("Logistic", (MU, Argument("s", "positive", 1.0)), "real"),
    Distribution("Gumbel", (Argument("mu", "real"), BETA), "real"),
    Distribution("SkewNormal", (Argument("alpha", "real", 1.0), MU, SIGMA), "real"),
    Distribution("ExGaussian", (MU, SIGMA, NU), "real"),
    Distribution("HalfNormal", (SIGMA,), "positive"),
    Distribution("HalfStudentT", (NU, SIGMA), "positive"),
    Distribution("HalfCauchy", (BETA,), "positive"),
    Distribution("Exponential", (Argument("lam", "positive", 1.0),), "positive"),
    Distribution("Gamma", (ALPHA, BETA), "positive", MEAN_AND_SD),
    Distribution(
        "InverseGamma", (ALPHA, Argument("beta", "positive", 1.0)), "positive", MEAN_AND_SD
    ),
    Distribution("Weibull", (ALPHA, BETA), "positive"),
    Distribution("LogNormal", (MU, SIGMA), "positive"),
    Distribution("Wald", (Argument("mu", "positive"), Argument("lam", "positive")), "positive"),
    Distribution(
        "Beta",
        (ALPHA, BETA),
        "unit",
        (Argument("mu", "unit"), Argument("sigma", "positive")),
    ),
    Distribution(
        "Uniform", (Argument("lower", "real", 0.0), Argument("upper", "real", 1.0)), "interval"
    ),
    Distribution(
        "TruncatedNormal",
        (
            MU,
            SIGMA,
            Argument("lower", "real", optional=True),
            Argument("upper", "real", optional=True),
        ),
        "interval",
    ),
    Distribution("LKJ", (Argument("eta", "positive"),), "correlation"),
)

DISTRIBUTIONS: Mapping[str, Distribution] = MappingProxyType({d.name: d for d in _TABLE})
"""Every distribution by name. ``LKJ`` is for correlations; the others are classes of PyMC."""

OTHER_NAMES: Mapping[str, str] = MappingProxyType({"Lognormal": "LogNormal"})
"""Spellings that are understood as well."""
