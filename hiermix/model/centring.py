"""In which coordinates NUTS sees the levels: chosen term by term, from the data.

Given the group sd tau, a level with information I about its coefficient and own estimate r of its
effect has the conditional posterior Normal(w r, s^2) with w = tau^2 I / (1 + tau^2 I) and
s = tau / sqrt(1 + tau^2 I). Sampling z = (u - w r) / s in place of u leaves about Normal(0, 1)
for every tau: the non-centred form where levels are weak, hierarchical centring (Gelfand, Sahu
and Carlin 1995, doi:10.1093/biomet/82.3.479) where they are strong, and between them the partial
centring of Papaspiliopoulos, Roberts and Skold (2007, doi:10.1214/088342307000000014), whose
weight is the level's pooling weight.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hiermix.design.types import Design, GroupTerm
from hiermix.errors import DesignError, Where
from hiermix.model.pilot import Pilot, run_pilot
from hiermix.model.plan import Centring, Form, ModelPlan
from hiermix.model.working import working_data
from hiermix.spec.families import ORDINAL_FAMILIES
from hiermix.spec.priors import Prior

MULTIPLE = frozenset({"categorical"})


def plan_centring(
    design: Design,
    family: str,
    link: str,
    asked: str | Mapping[str, str],
    priors: Mapping[str, Sequence[Prior]],
) -> tuple[Centring, ...]:
    """Choose the coordinates of every group term of the main linear predictor.

    Parameters
    ----------
    design
        Columns and response.
    family, link
        Bambi's names.
    asked
        ``auto``, ``centered`` or ``noncentered`` for all terms, or by the name of the term.
    priors
        Group term -> priors of its sds, one a column.

    Returns
    -------
    tuple of Centring
        One a group term, in the same order; empty for families with several coefficients per
        column, which are always non-centred.

    Raises
    ------
    DesignError
        ``asked`` names a term that the model does not have.
    """
    terms = design.main.group
    _check_names(terms, asked)
    if not terms or family in MULTIPLE:
        return ()
    working = None if family in ORDINAL_FAMILIES else working_data(design, family, link)
    pilot = None if working is None else run_pilot(terms, working, priors)
    plans = []
    for term in terms:
        choice = asked if isinstance(asked, str) else asked.get(term.name, "auto")
        if pilot is None or choice != "auto":
            plans.append(_fixed(term, design, choice, family, link))
            continue
        information, estimate = _level_data(term, design, pilot)
        strength = information * pilot.sds[term.name] ** 2
        weight = strength / (1 + strength)
        plans.append(
            Centring(
                term.name,
                "adapted",
                information,
                estimate,
                pilot.working.weight,
                weight,
                f"{_word(float(np.median(weight)))}: the median level of "
                f"{term.factor.name} has pooling weight {np.median(weight):.2f} "
                f"at a group sd of about {np.median(pilot.sds[term.name]):.3g}",
            )
        )
    return tuple(plans)


def build_order(terms: Sequence[GroupTerm]) -> list[GroupTerm]:
    """Order terms so that each can refer to those before it.

    Coarse factors come first; within a factor the slopes, then the intercept, which is taken at
    the mean of the level's rows.
    """
    return sorted(terms, key=lambda t: (t.factor.n_groups, t.factor.name, t.expression == "1"))


def forms_left(centring: Centring, family: str, tried: Collection[Form]) -> tuple[Form, ...]:
    """Return the fixed forms that may take a term's place, the more promising one first.

    Parameters
    ----------
    centring
        Of the term as it is; one that the spec states has no other.
    family
        Bambi's name.
    tried
        Forms that are not to come back.
    """
    if centring.stated:
        return ()
    strong = bool(np.median(centring.weight) > 0.5)
    forms: tuple[Form, ...] = ("centered", "noncentered") if strong else ("noncentered", "centered")
    possible = forms if family not in ORDINAL_FAMILIES else ("noncentered",)
    return tuple(form for form in possible if form not in tried)


def with_forms(plan: ModelPlan, forms: Mapping[str, Form]) -> ModelPlan:
    """Return the plan with some group terms in other coordinates: the posterior is the same.

    Parameters
    ----------
    forms
        Name of the term -> ``centered`` or ``noncentered``.
    """
    return replace(
        plan,
        centring=tuple(
            c if c.term not in forms else _in_form(c, forms[c.term]) for c in plan.centring
        ),
    )


def _in_form(centring: Centring, form: Form) -> Centring:
    weight = np.full_like(centring.weight, 1.0 if form == "centered" else 0.0)
    reason = f"{form}, after sampling as {centring.form} failed"
    return replace(centring, form=form, weight=weight, reason=reason)


def _check_names(terms: Sequence[GroupTerm], asked: str | Mapping[str, str]) -> None:
    if isinstance(asked, str):
        return
    names = [term.name for term in terms]
    for name in asked:
        if name not in names:
            raise DesignError(
                "design.unknown-group-term",
                f"no group term {name!r}; group terms: {', '.join(names) or 'none'}",
                Where(key=f"model.parameterization.{name}"),
                "use the names that `explain` prints, for example '1|g'",
            )


def _fixed(term: GroupTerm, design: Design, choice: str, family: str, link: str) -> Centring:
    shape = (term.factor.n_groups, len(term.columns))
    zeros, rows = np.zeros(shape), design.rows
    if choice == "centered" and family not in ORDINAL_FAMILIES:
        reason = "centered, as the spec says"
        return Centring(term.name, "centered", zeros, zeros, rows, np.ones(shape), reason, True)
    reason = "noncentered, as the spec says"
    if choice == "auto":
        reason = f"noncentered: no rough estimate for family {family} with link {link}"
    elif choice == "centered":
        reason = f"noncentered: family {family} has thresholds in place of an intercept"
    stated = choice != "auto"
    return Centring(term.name, "noncentered", zeros, zeros, rows, zeros, reason, stated)


def _word(weight: float) -> str:
    return "mostly centered" if weight > 0.5 else "mostly noncentered"


def _level_data(term: GroupTerm, design: Design, pilot: Pilot) -> tuple[np.ndarray, np.ndarray]:
    """Return information and own estimate of every level, both ``(n_groups, k)``."""
    if term.expression == "1":
        return _intercept_data(term, design.main.group, pilot)
    factor, g = term.factor, term.factor.n_groups
    weight = pilot.working.weight
    total = np.bincount(factor.index, weight, minlength=g)
    names = design.main.common_columns
    information = np.zeros((g, len(term.columns)))
    estimate = np.zeros_like(information)
    for column, (name, z) in enumerate(zip(term.columns, term.values.T, strict=True)):
        mean = np.bincount(factor.index, weight * z, minlength=g) / total
        centred = z - mean[factor.index]
        squares = np.bincount(factor.index, weight * centred**2, minlength=g)
        known = squares > 1e-12 * total * max(float(np.var(z)), np.finfo(float).tiny)
        cross = np.bincount(factor.index, weight * centred * pilot.working.residual, minlength=g)
        pooled = pilot.working.coefficients[names.index(name)] if name in names else 0.0
        information[known, column] = squares[known] / pilot.dispersion
        estimate[known, column] = pooled + cross[known] / squares[known]
    return information, estimate


def _intercept_data(
    term: GroupTerm, terms: Sequence[GroupTerm], pilot: Pilot
) -> tuple[np.ndarray, np.ndarray]:
    """Return information about, and estimate of, the mean linear predictor of every level.

    Factors that are built later are not known yet: their sds dilute the information.
    """
    factor, g = term.factor, term.factor.n_groups
    weight = pilot.working.weight
    total = np.bincount(factor.index, weight, minlength=g)
    estimate = np.bincount(factor.index, weight * pilot.working.response, minlength=g) / total
    information = total / pilot.dispersion
    order = build_order(terms)
    for later in order[order.index(term) + 1 :]:
        if later.expression != "1":
            continue
        pair = factor.index * later.factor.n_groups + later.factor.index
        _, first, index = np.unique(pair, return_index=True, return_inverse=True)
        per_pair = np.bincount(index, weight) / pilot.dispersion
        diluted = 1 / (pilot.sds[later.name][0] ** 2 + 1 / per_pair)
        information = np.minimum(
            information, np.bincount(factor.index[first], diluted, minlength=g)
        )
    return information[:, None], estimate[:, None]
