"""What the exact engine cannot fit, in words."""

from __future__ import annotations

from collections.abc import Iterator

from hiermix.engines.exact.size import TooLarge, check_size
from hiermix.model.plan import ModelPlan


def refusals(plan: ModelPlan) -> tuple[str, ...]:
    """Return every reason why the collapsed form does not exist for a plan, or is too large."""
    return tuple(_reasons(plan))


def _reasons(plan: ModelPlan) -> Iterator[str]:
    design = plan.design
    if plan.family != "gaussian":
        yield f"family {plan.family}: only gaussian has the closed form"
        return
    link = plan.links.get("mu", "identity")
    if link != "identity":
        yield f"link {link}: only identity has the closed form"
    if design.components:
        yield f"{', '.join(design.components)} is modelled: its effects have no closed form"
    if design.response.kind in ("censored", "truncated"):
        yield f"the response is {design.response.kind}"
    for parameter in plan.parameters:
        if parameter.role != "common" or not isinstance(parameter.prior, tuple):
            continue
        others = {p.distribution for p in parameter.prior} - {"Normal"}
        if others:
            yield f"the prior of {parameter.name} is {', '.join(sorted(others))}, not Normal"
    main = design.main
    widths: dict[str, int] = {}
    for term in main.group:
        widths[term.factor.name] = widths.get(term.factor.name, 0) + len(term.columns)
    n_common = main.intercept + len(main.common_columns)
    try:
        check_size([(factor, widths[factor.name]) for factor in main.factors], n_common)
    except TooLarge as error:
        yield str(error)
