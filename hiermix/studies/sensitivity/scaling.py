"""The same model with the prior of a group sd stretched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiermix.errors import InputErrors, UsageError
from hiermix.spec.priors import Prior
from hiermix.studies.arms import restated

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.model.plan import ModelPlan, Parameter
    from hiermix.pipeline import Prepared

ALL = "all"
"""Stands for all group sds scaled together."""

DIGITS = 12
"""Significant digits of the arguments of a scaled prior."""


@dataclass(frozen=True)
class Variant:
    """One point of the grid.

    Attributes
    ----------
    scaled
        The group sd whose prior is stretched (``1|g_sigma``), or ``ALL``.
    factor
        By how much.
    prior
        The stretched priors as text.
    prepared
        The model, ready to be fitted; ``None`` for a factor of 1, which is the run.
    """

    scaled: str
    factor: float
    prior: str
    prepared: Prepared | None

    @property
    def name(self) -> str:
        """What the fit is called."""
        return f"prior of {self.scaled} x {self.factor:g}"


def group_sds(plan: ModelPlan) -> tuple[Parameter, ...]:
    """Return the group sds, each with a prior for every column of its term."""
    return tuple(p for p in plan.parameters if p.role == "group_sd")


def variants(prepared: Prepared, factors: Sequence[float]) -> tuple[Variant, ...]:
    """Return the grid: each group sd at each factor, and all together if there are several.

    Parameters
    ----------
    prepared
        The model of the run.
    factors
        Positive; 1 is added, which is the run itself.

    Raises
    ------
    InputErrors
        Priors that cannot be stretched, all of them.
    """
    sds = group_sds(prepared.plan)
    _check_scalable(sds)
    chosen: dict[str, tuple[Parameter, ...]] = {sd.name: (sd,) for sd in sds}
    if len(sds) > 1:
        chosen[ALL] = sds
    return tuple(
        _variant(prepared, name, own, factor)
        for name, own in chosen.items()
        for factor in sorted({1.0, *factors})
    )


def _variant(prepared: Prepared, name: str, sds: Sequence[Parameter], factor: float) -> Variant:
    stretched = {sd.name: tuple(scaled_prior(p, factor) for p in _priors(sd)) for sd in sds}
    texts = [
        (f"{sd}: " if len(sds) > 1 else "") + "; ".join(dict.fromkeys(p.text for p in priors))
        for sd, priors in stretched.items()
    ]
    if factor == 1:
        return Variant(name, factor, "; ".join(texts), None)
    spec = prepared.loaded.spec
    stated = dict(spec.priors)
    for sd, priors in stretched.items():
        whole, columns = _keys(prepared.plan, sd)
        for key in (whole, *columns):
            stated.pop(key, None)
        if len(priors) == 1:
            stated[whole] = priors[0].text
        else:
            stated.update(zip(columns, (p.text for p in priors), strict=True))
    changed = spec.model_copy(update={"priors": stated, "questions": (), "arms": None})
    return Variant(name, factor, "; ".join(texts), restated(prepared, changed, prepared.design))


def _priors(sd: Parameter) -> tuple[Prior, ...]:
    assert isinstance(sd.prior, tuple)  # group sds are never fixed
    return sd.prior


def _keys(plan: ModelPlan, sd: str) -> tuple[str, tuple[str, ...]]:
    """Return the names under which a spec states the prior of a group sd: whole, by column."""
    part, term = _term(plan, sd)
    columns = tuple(plan.label(part, f"{column}|{term.factor.name}") for column in term.columns)
    return sd.removesuffix("_sigma"), columns


def _term(plan: ModelPlan, sd: str) -> tuple[LinearPart, GroupTerm]:
    return next(
        (part, term)
        for part in plan.parts
        for term in part.group
        if f"{plan.label(part, term.name)}_sigma" == sd
    )


def _check_scalable(sds: Sequence[Parameter]) -> None:
    errors = [
        UsageError(
            "sensitivity.prior-not-scaled",
            f"the prior {prior.text} of {sd.name} cannot be scaled: it would be no "
            f"{prior.distribution} any more",
            hint="--no-refit leaves the grid out; or fit the run with another prior",
        )
        for sd in sds
        for prior in _priors(sd)
        if prior.distribution not in _SCALED
    ]
    if errors:
        raise InputErrors(errors)


def scaled_prior(prior: Prior, factor: float) -> Prior:
    """Return the distribution of ``factor`` times a variable with this prior.

    Raises
    ------
    KeyError
        It is not of the same family.

    Examples
    --------
    >>> scaled_prior(Prior("Exponential", (("lam", 3.0),)), 2.0).text
    'Exponential(lam=1.5)'
    """
    change = _SCALED[prior.distribution]
    given = dict(prior.arguments)
    if factor == 1:
        return prior
    changed = {
        # 0.05 x 0.2 is 0.01 to a person.
        name: value if value == given[name] else float(f"{value:.{DIGITS}g}")
        for name, value in change(given, factor).items()
    }
    return Prior(prior.distribution, tuple(changed.items()))


_Arguments = dict[str, float]


def _times(*names: str) -> Callable[[_Arguments, float], _Arguments]:
    """Return what multiplies the arguments of these names, where they are given."""
    return lambda a, c: {name: value * c if name in names else value for name, value in a.items()}


def _gamma(a: _Arguments, c: float) -> _Arguments:
    if "alpha" in a:
        return {**a, "beta": a["beta"] / c}
    return _times("mu", "sigma")(a, c)


def _inverse_gamma(a: _Arguments, c: float) -> _Arguments:
    return _times("beta")(a, c) if "alpha" in a else _times("mu", "sigma")(a, c)


_SCALED: Mapping[str, Callable[[_Arguments, float], _Arguments]] = {
    "HalfNormal": _times("sigma"),
    "HalfStudentT": _times("sigma"),
    "HalfCauchy": _times("beta"),
    "Exponential": lambda a, c: {"lam": a["lam"] / c},
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "Weibull": _times("beta"),
    "LogNormal": lambda a, c: {**a, "mu": a["mu"] + math.log(c)},
    "Wald": _times("mu", "lam"),
    "Uniform": _times("lower", "upper"),
    "TruncatedNormal": _times("mu", "sigma", "lower", "upper"),
}
"""Families of positive variables that are closed under multiplication, and what it does to them."""
