"""All figures of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.model_view import predictor_scale
from hiermix.artefacts.plots.chains import MAX_PARAMETERS, chain_plots
from hiermix.artefacts.plots.forest import caterpillar, population_forest
from hiermix.artefacts.plots.predictive import predictive_check
from hiermix.artefacts.plots.shrinkage import term_shrinkage
from hiermix.summary.draws import draws_of, is_fixed
from hiermix.summary.group_effects import common_mean

if TYPE_CHECKING:
    from hiermix.design.types import Design
    from hiermix.pipeline import RunResult

MAX_TERMS = 12
"""Group terms that have figures."""


def figures(result: RunResult) -> dict[str, str]:
    """Return the SVG text of each figure by file name, in the order that a report shows them.

    ``forest.svg``; ``group-1.svg`` and, where levels have raw estimates, ``shrinkage-1.svg`` for
    each group term, ``MAX_TERMS`` of them at most; ``predictive.svg`` where there are
    replicated data; ``chains.svg``.
    """
    interval = result.prepared.loaded.spec.outputs.interval
    summary, effects = result.tables.summary, result.tables.group_effects
    found = {}
    if len(summary):
        single = not result.prepared.plan.design.components
        unit = _unit(result, "") if single else ""
        found["forest.svg"] = population_forest(summary, interval, unit)
    terms = effects.groupby(["group", "term"], sort=False) if len(effects) else ()
    for number, (key, rows) in enumerate(terms, start=1):
        if number > MAX_TERMS:
            break
        common = common_mean(rows)
        unit = _unit(result, str(key[1]))
        found[f"group-{number}.svg"] = caterpillar(rows, common, f"group-{number}", interval, unit)
        pulled = term_shrinkage(rows, common, f"shrinkage-{number}", interval, unit)
        if pulled is not None:
            found[f"shrinkage-{number}.svg"] = pulled
    check = _predictive(result)
    if check is not None:
        found["predictive.svg"] = check
    worst = worst_draws(result)
    if worst:
        found["chains.svg"] = chain_plots(worst)
    return found


def _unit(result: RunResult, term: str) -> str:
    """Return the scale of the coefficients of a term, per unit of its column for a slope."""
    plan = result.prepared.plan
    component = next((c for c in plan.design.components if term.startswith(f"{c}_")), None)
    parameter = component or plan.design.main.parameter
    link = plan.links.get(parameter, "identity")
    response = plan.design.response.name
    scale = predictor_scale(plan.family, parameter, link, response)
    slope = term.removeprefix(f"{component}_").partition("[")[0] not in ("", "Intercept")
    return f"{scale}{', per unit' if slope else ''}"


def _predictive(result: RunResult) -> str | None:
    tree = result.fit.tree
    if "posterior_predictive" not in tree.children or "observed_data" not in tree.children:
        return None
    replicated = tree["posterior_predictive"].dataset
    observed = tree["observed_data"].dataset
    names = [name for name in replicated.data_vars if name in observed.data_vars]
    if not names:
        return None
    data = observed[names[0]].values
    rows = replicated[names[0]].transpose("chain", "draw", ...).values
    # Outcomes with several columns (counts of categories) have no single distribution to draw.
    if data.ndim != 1 or rows.shape[2:] != data.shape:
        return None
    design = result.prepared.design
    # Sums over merged rows are no codes of categories.
    categories = None if design.multiplicity is not None else design.response.levels
    return predictive_check(
        _outcome(design), data.astype(float), rows.reshape(-1, len(data)), categories
    )


def _outcome(design: Design) -> str:
    """Return what the numbers of observed and replicated data are."""
    name = design.response.name
    if design.response.kind == "proportion":
        return f"successes of {name}"
    return name if design.multiplicity is None else f"{name}, sum over equal rows"


def worst_draws(result: RunResult) -> dict[str, np.ndarray]:
    """Return the draws of the population-level scalars, those with the worst R-hat if many.

    Shape ``(n_chains, n_draws)`` each, in the order of the summary; an R-hat that is missing
    counts as the worst.
    """
    summary = result.tables.summary
    sizes = result.fit.tree["posterior"].sizes
    rhat = summary["rhat"].fillna(np.inf).to_numpy(dtype=float)
    picked = np.sort(np.argsort(-rhat, kind="stable")[:MAX_PARAMETERS])
    wanted = set(summary["parameter"].iloc[picked])
    found: dict[str, np.ndarray] = {}
    for parameter in result.prepared.plan.parameters:
        if parameter.role == "group_specific" or is_fixed(parameter):
            continue
        draws = draws_of(result.fit, parameter)
        columns = draws.reshape(len(draws), -1).T
        names = summary["parameter"].iloc[len(found) : len(found) + len(columns)]
        found.update(zip(names, columns, strict=True))
    return {
        name: draws.reshape(sizes["chain"], sizes["draw"])
        for name, draws in found.items()
        if name in wanted
    }
