"""What failed gates say: by how much they are short, and which group terms they name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hiermix.diagnostics import scalar_names
from hiermix.gates import Finding
from hiermix.model import ModelPlan
from hiermix.model.plan import correlation_name

EFFECTIVE = frozenset({"ess_bulk_per_chain", "ess_tail_per_chain"})
CONVERGENCE = EFFECTIVE | {"rhat", "mcse_mean_per_sd"}
GEOMETRY = frozenset({"divergences", "ebfmi"})
DEPTH = frozenset({"treedepth_share"})
"""Metrics of the sampler phase whose failure some setting may cure."""


def is_curable(finding: Finding) -> bool:
    """Tell whether a setting may cure a failure: not where draws are missing or not finite."""
    known = finding.metric in CONVERGENCE | GEOMETRY | DEPTH
    return known and finding.value is not None and math.isfinite(finding.value)


def shortage(finding: Finding) -> float:
    """Return how many times as many draws a failed gate of convergence needs.

    ESS grows with the draws, the MCSE falls with their root, and R-hat - 1 of chains that agree
    falls with the draws (`hiermix.diagnostics.chance`).
    """
    value, limit = finding.value, finding.fail
    if value is None or limit is None or finding.metric not in CONVERGENCE:
        return 1.0
    if finding.metric == "rhat":
        return (value - 1) / (limit - 1)
    if finding.metric in EFFECTIVE:
        return limit / value if value > 0 else math.inf
    return (value / limit) ** 2


def fewest_effective(findings: Iterable[Finding]) -> float:
    """Return the lowest ESS of a chain over all findings, failed or not."""
    found = [f.value for f in findings if f.metric in EFFECTIVE and f.value is not None]
    return min(found, default=math.inf)


def terms_named(findings: Iterable[Finding], plan: ModelPlan) -> tuple[str, ...]:
    """Return the group terms whose sds or effects the findings name, each once, in their order."""
    owners = _owners(plan)
    named = (owners[f.where] for f in findings if f.where in owners)
    return tuple(dict.fromkeys(named))


def by_effective(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings on ESS, failed or not, the lowest first."""
    found = [f for f in findings if f.metric in EFFECTIVE and f.value is not None]
    return sorted(found, key=lambda f: f.value or 0.0)


def _owners(plan: ModelPlan) -> dict[str, str]:
    """Return printed name of a scalar -> group term, for sds and effects that have coordinates."""
    parameters = {p.name: p for p in plan.parameters}
    # One term stands for its block: other coordinates of any of them move the correlation.
    owners = {
        scalar: block.terms[0].name
        for block in plan.design.main.correlated_blocks
        for scalar in scalar_names(parameters[correlation_name(block.factor.name)])
        if block.terms[0].name in {c.term for c in plan.centring}
    }
    return owners | {
        scalar: centring.term
        for centring in plan.centring
        for name in (centring.term, f"{centring.term}_sigma")
        for scalar in scalar_names(parameters[name])
    }
