"""Which way the priors split an effect that a factor and its interaction share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

from hiermix.design.grouping import is_nested
from hiermix.design.identification import Identification
from hiermix.design.types import GroupTerm, LinearPart
from hiermix.measurement import Measurement
from hiermix.model.distributions import frozen
from hiermix.model.plan import ModelPlan
from hiermix.spec.priors import Prior, number_text

EQUAL = 1e-9
"""Medians that differ by less than this share are equal."""


def prior_order(plan: ModelPlan, identification: Identification) -> tuple[Measurement, ...]:
    """Compare the priors of the sds of factors whose levels share their rows.

    An outer level (a product) that has the rows of one level of a finer factor (the only customer
    who bought it) cannot be told from it: the likelihood knows the sum, and each gets the share of
    its prior variance. A looser prior takes most of it.

    Returns
    -------
    tuple of Measurement
        ``prior_sd_ratio``, one for each factor and finer factor with at least one such level:
        median of the prior of the outer sd over that of the finer factor. No measurement where
        a median cannot be computed.
    """
    found: list[Measurement] = []
    for part in plan.parts:
        intercepts = [term for term in part.group if term.expression == "1"]
        for outer, finer in permutations(intercepts, 2):
            named = set(outer.factor.variables) < set(finer.factor.variables)
            if named or is_nested(finer.factor, outer.factor):
                found += _compare(plan, part, outer, finer, identification)
    return tuple(found)


def median(prior: Prior | float) -> float | None:
    """Return the median of a prior of a standard deviation, ``None`` where there is no formula.

    Examples
    --------
    >>> median(0.5)
    0.5
    >>> round(median(Prior("HalfCauchy", (("beta", 2.0),))), 12)
    2.0
    """
    if not isinstance(prior, Prior):
        value = float(prior)
    else:
        try:
            value = float(frozen(prior).median())
        except (KeyError, OverflowError, ZeroDivisionError):
            return None
    return value if math.isfinite(value) and value > 0 else None


def _compare(
    plan: ModelPlan,
    part: LinearPart,
    outer: GroupTerm,
    finer: GroupTerm,
    identification: Identification,
) -> Iterator[Measurement]:
    n_shared = _shared(identification, part, outer, finer)
    ours, theirs = _sd_prior(plan, part, outer), _sd_prior(plan, part, finer)
    if not n_shared or ours is None or theirs is None:
        return
    middle, other = median(ours), median(theirs)
    if middle is None or other is None:
        return
    ratio = middle / other
    a, f = outer.factor.name, finer.factor.name
    if abs(ratio - 1) <= EQUAL:
        how, goes = "as wide as", "is split evenly"
    elif ratio > 1:
        how, goes = "looser than", f"goes mostly to {a}"
    else:
        how, goes = "tighter than", f"goes mostly to {f}"
    levels = "1 level of {} has" if n_shared == 1 else f"{n_shared} levels of {{}} have"
    prefix = identification.prefix(part.parameter)
    yield Measurement(
        "prior_sd_ratio",
        "prior",
        f"{prefix}{outer.name} vs {finer.name}",
        ratio,
        f"{levels.format(a)} the same rows as a level of {f}; "
        f"the prior {_shown(ours)} of the sd of {a} is {how} {_shown(theirs)} of {f}, "
        f"so their common effect {goes}",
    )


def _shared(
    identification: Identification, part: LinearPart, outer: GroupTerm, finer: GroupTerm
) -> int:
    """Count the levels of the outer factor that have the rows of a finer one."""
    both = {outer.name, finer.name}
    return sum(
        len(sets.n_rows)
        for sets in identification.sets
        if sets.parameter == part.parameter
        and both <= {column.term.name for column in sets.columns if column.term is not None}
    )


def _sd_prior(plan: ModelPlan, part: LinearPart, term: GroupTerm) -> Prior | float | None:
    prior = plan.parameter(f"{plan.label(part, term.name)}_sigma").prior
    return prior[0] if isinstance(prior, tuple) else prior


def _shown(prior: Prior | float) -> str:
    if not isinstance(prior, Prior):
        return number_text(prior)
    return f"{prior.distribution}({', '.join(f'{v:.3g}' for _, v in prior.arguments)})"
