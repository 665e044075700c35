"""The same model with its levels pooled completely, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.engines import choose_engine, engines_after
from hiermix.errors import UsageError
from hiermix.model import plan_model
from hiermix.model.defaults import SCALED_BY_RESPONSE, main_defaults
from hiermix.model.plan import correlation_name
from hiermix.model.reduction import reduce_plan
from hiermix.pipeline import Prepared
from hiermix.spec.families import FAMILIES

if TYPE_CHECKING:
    from hiermix.design.types import CommonTerm, Design, Factor, GroupTerm
    from hiermix.spec import RunSpec

WIDE = 100.0
"""Group sd of no pooling, in default scales of the effect, where the response has a scale."""

WIDE_ON_LINK = 4.0
"""The same where the linear predictor is on a scale of its own (log odds, logs): with more, an
effect that a level's rows send to infinity would be sampled for ever."""

CERTAIN = 1e6
"""Shape of the gamma prior that holds the wide sds where they are, to a thousandth."""

EQUAL = 1e-9
"""Differences within a level that are none, as a share of the largest value of the column."""


def completely_pooled(prepared: Prepared, group: str) -> Prepared:
    """Return the model without the group-specific effects of one factor; nothing else changes.

    Raises
    ------
    UsageError
        Nothing is left.
    """
    terms = _terms(prepared, group)
    spec = _without_settings(prepared.loaded.spec, group, terms)
    main = prepared.design.main
    kept = tuple(term for term in main.group if term.factor.name != group)
    if not main.intercept and not main.common and not kept:
        raise UsageError(
            "usage.pooling-empty",
            f"without the effects by {group} there is no complete pooling: no term is left",
            hint=f"write y ~ 1 + (1 | {group}), with a common intercept",
        )
    return restated(prepared, spec, replace(prepared.design, main=replace(main, group=kept)))


@dataclass(frozen=True)
class Unpooled:
    """The model of no pooling, and what it takes as known.

    Attributes
    ----------
    prepared
        The model.
    sds
        Sd of each effect of the factor by its name (``1|g``, ``f[b]|g``).
    known
        Common terms that do not vary within levels.
    """

    prepared: Prepared
    sds: Mapping[str, float]
    known: tuple[str, ...]


def not_pooled(prepared: Prepared, group: str, coefficients: Mapping[str, np.ndarray]) -> Unpooled:
    """Return the model with independent effects of huge, known sds for one factor.

    A group-specific effect whose sd is known and huge is a common effect with a wide prior: every
    level's coefficient is Normal(common effect, sd) a priori. Written so, any engine fits it
    without a column a level. The effect of a predictor that is constant within levels is nothing
    that unpooled levels tell; it is taken as known, so that the levels' effects mean the same as
    in the model of the spec.

    Parameters
    ----------
    coefficients
        Posterior means by name of the common term, ``(k,)`` each, from the model of the spec.
    """
    terms = _terms(prepared, group)
    main = prepared.design.main
    own = {term.expression for term in terms}
    known = [t for t in main.common if t.name not in own and _is_constant(t, terms[0].factor)]
    spec = _without_settings(prepared.loaded.spec, group, terms, known)
    wide = _wide_sds(prepared, terms)
    stated = {name: f"Gamma({CERTAIN!r}, {CERTAIN / sd!r})" for name, sd in wide.items()}
    spec = spec.model_copy(update={"priors": {**spec.priors, **stated}})
    offset = main.offset
    for term in known:
        part = term.values @ coefficients[term.name]
        offset = part if offset is None else offset + part
    part = replace(
        main,
        common=tuple(t for t in main.common if t.name not in {k.name for k in known}),
        group=tuple(
            replace(t, correlated=False) if t.factor.name == group else t for t in main.group
        ),
        offset=offset,
    )
    design = replace(prepared.design, main=part, contextual=None)
    return Unpooled(restated(prepared, spec, design), wide, tuple(t.name for t in known))


def _is_constant(term: CommonTerm, factor: Factor) -> bool:
    """Return whether no column of a term varies within any level."""
    first = np.zeros(factor.n_groups, dtype=np.int64)
    first[factor.index[::-1]] = np.arange(len(factor.index))[::-1]
    differences = np.abs(term.values - term.values[first][factor.index])
    return bool((differences <= EQUAL * np.abs(term.values).max(axis=0)).all())


def _terms(prepared: Prepared, group: str) -> list[GroupTerm]:
    return [term for term in prepared.design.main.group if term.factor.name == group]


def _effect_names(term: GroupTerm) -> list[str]:
    if term.labels is None:
        return [term.name]
    return [f"{column}|{term.factor.name}" for column in term.columns]


def _without_settings(
    spec: RunSpec, group: str, terms: list[GroupTerm], known: Sequence[CommonTerm] = ()
) -> RunSpec:
    """Return the spec without questions, arms, and what it says of some terms."""
    gone = {correlation_name(group)}
    for term in known:
        gone |= {term.name, *term.columns}
    for group_term in terms:
        gone |= {group_term.name, *_effect_names(group_term)}
    priors = {name: prior for name, prior in spec.priors.items() if name not in gone}
    form = spec.model.parameterization
    if isinstance(form, Mapping):
        form = {name: choice for name, choice in form.items() if name not in gone}
    bounds = {name: limits for name, limits in spec.model.bounds.items() if name not in gone}
    model = spec.model.model_copy(update={"parameterization": form, "bounds": bounds})
    return spec.model_copy(update={"priors": priors, "model": model, "questions": (), "arms": None})


def _wide_sds(prepared: Prepared, terms: list[GroupTerm]) -> dict[str, float]:
    model = prepared.loaded.spec.model
    family = FAMILIES[model.family]
    link = model.link or family.link
    scales = main_defaults(prepared.design, family.name, link).group_sd
    times = WIDE if family.name in SCALED_BY_RESPONSE else WIDE_ON_LINK
    return {
        name: times * float(prior.get("sigma"))
        for term in terms
        for name, prior in zip(_effect_names(term), scales[term.name], strict=True)
    }


def restated(prepared: Prepared, spec: RunSpec, design: Design) -> Prepared:
    """Return the model of another spec and design on the same data."""
    # What the rows identify was asked of the model of the spec.
    plan = plan_model(spec, replace(design, identification=None))
    chosen, refused = choose_engine(spec.fit.engine, plan)
    successors = engines_after(spec.fit.engine, chosen.name, plan)
    if prepared.frame.multiplicity is not None:
        plan = reduce_plan(plan).plan
    return replace(
        prepared,
        loaded=replace(prepared.loaded, spec=spec),
        design=plan.design,
        plan=plan,
        engine=chosen.name,
        engine_reasons=refused,
        successors=successors,
    )
