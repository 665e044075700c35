"""A plan as plain values and in words: what is fitted, under which priors, pulled towards what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hiermix.model.plan import correlation_name

if TYPE_CHECKING:
    from hiermix.design.types import GroupTerm, LinearPart
    from hiermix.model.plan import ModelPlan, Parameter
    from hiermix.spec.priors import Prior


def part_words(plan: ModelPlan, part: LinearPart, family: str, most: int | None = None) -> str:
    """Return one sentence for the linear predictor of one parameter.

    Parameters
    ----------
    family
        That of the spec; rows that were merged may have another in the plan.
    most
        Common terms that are named, and at most so many factors; all by default.
    """
    pieces = ["an intercept"] if part.intercept else []
    pieces += _first([term.name for term in part.common], most, "common terms")
    levels = []
    for factor in part.factors:
        own = [t for t in part.group if t.factor.name == factor.name]
        effects = " and ".join(
            "an own intercept" if t.expression == "1" else f"an own effect of {t.expression}"
            for t in own
        )
        levels.append(f"{effects} for each of the {factor.n_groups} levels of {factor.name}")
    pieces += _first(levels, most, "factors")
    pieces += ["a known offset"] if part.offset is not None else []
    link = plan.links.get(part.parameter, "identity")
    target = part.parameter if link == "identity" else f"{link}({part.parameter})"
    return (
        f"{plan.design.response.name} is {family}; its {target} is the sum of "
        f"{', '.join(pieces) or 'nothing'}"
    )


def _first(texts: list[str], most: int | None, what: str) -> list[str]:
    if most is None or len(texts) <= most + 1:
        return texts
    return [*texts[:most], f"{len(texts) - most} more {what}"]


def prior_facts(plan: ModelPlan) -> Iterator[dict[str, Any]]:
    """Yield one row for each parameter, or one a label where the labels' priors differ."""
    correlated = {
        plan.label(part, term.name): plan.label(part, correlation_name(block.factor.name))
        for part in plan.parts
        for block in part.correlated_blocks
        for term in block.terms
    }
    for parameter in plan.parameters:
        yield from _priors(parameter, correlated.get(parameter.name, ""))


def _priors(parameter: Parameter, correlations: str = "") -> Iterator[dict[str, Any]]:
    """``correlations`` names those of group-specific effects with others."""
    row = {
        "parameter": parameter.name,
        "role": parameter.role,
        "component": parameter.component,
        "default": parameter.default_prior,
    }
    if parameter.prior is None:
        correlated = f", correlated by {correlations}" if correlations else ""
        yield {**row, "prior": f"Normal(0, {parameter.name}_sigma){correlated}"}
    elif isinstance(parameter.prior, int | float):
        yield {**row, "prior": f"fixed at {parameter.prior:g}"}
    elif len(set(parameter.prior)) == 1:
        yield {**row, "prior": _prior_text(parameter.prior[0])}
    else:
        labels = [label for _, names in parameter.dims for label in names]
        for label, prior in zip(labels, parameter.prior, strict=True):
            yield {**row, "parameter": f"{parameter.name}[{label}]", "prior": _prior_text(prior)}


def _prior_text(prior: Prior) -> str:
    """Return a prior to six digits; the resolved spec of a run has them all."""
    arguments = ", ".join(f"{name}={value:.6g}" for name, value in prior.arguments)
    return f"{prior.distribution}({arguments})"


def pooling_facts(plan: ModelPlan) -> Iterator[dict[str, Any]]:
    """Yield, for each group term, what its levels are pulled towards and the prior of the sd."""
    for part in plan.parts:
        for term in part.group:
            yield _pooling(plan, part, term)


def _pooling(plan: ModelPlan, part: LinearPart, term: GroupTerm) -> dict[str, Any]:
    if term.expression == "1":
        towards = "Intercept" if part.intercept else "0"
    else:
        common = {t.name for t in part.common}
        towards = term.expression if term.expression in common else "0"
    spreads = {p.name: p for p in plan.parameters if p.role == "group_sd"}
    label = plan.label(part, term.name)
    name = f"{label}_sigma" if f"{label}_sigma" in spreads else None
    return {
        "term": label,
        "levels": term.factor.n_groups,
        "towards": towards if towards == "0" else plan.label(part, towards),
        "spread": name,
        "spread_prior": next(_priors(spreads[name]))["prior"] if name else None,
    }


def pooling_words(pool: dict[str, Any]) -> str:
    """Return a row of `pooling_facts` as a sentence.

    Examples
    --------
    >>> pool = {"term": "x|g", "levels": 8, "towards": "x", "spread": None, "spread_prior": None}
    >>> pooling_words(pool)
    'x|g: 8 levels are pulled towards x'
    """
    spread = f"; spread {pool['spread']} ~ {pool['spread_prior']}" if pool["spread"] else ""
    return f"{pool['term']}: {pool['levels']} levels are pulled towards {pool['towards']}{spread}"
