"""A prepared run in words: what would be fitted, and why that way."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hiermix.cli.tabulate import text_table
from hiermix.cli.text import Line, line
from hiermix.cli.verdict_view import verdict_lines

if TYPE_CHECKING:
    from hiermix.design.types import Design, GroupTerm, LinearPart
    from hiermix.model.plan import ModelPlan, Parameter
    from hiermix.pipeline import Prepared
    from hiermix.spec.priors import Prior


def explain_document(prepared: Prepared) -> dict[str, Any]:
    """Return everything that ``explain`` tells, as JSON values."""
    plan, frame = prepared.plan, prepared.frame
    design = plan.design
    from hiermix.engines import ENGINES, adapts
    from hiermix.model.plan import correlation_name

    parts = dict(_parts(design))
    correlated = {
        plan.label(part, term.name): plan.label(part, correlation_name(block.factor.name))
        for part in parts.values()
        for block in part.correlated_blocks
        for term in block.terms
    }
    return {
        "name": prepared.loaded.spec.name,
        "model": {
            "formula": design.formula,
            "family": prepared.loaded.spec.model.family,
            "links": dict(plan.links),
            "words": [_words(prepared, name, part) for name, part in parts.items()],
            "notes": list(plan.notes),
        },
        "data": {
            "rows_read": frame.n_read,
            "rows_used": frame.n_rows,
            "dropped": dict(frame.dropped),
            "sha256": frame.sha256,
        },
        "design": {name: _part(part) for name, part in parts.items()},
        "factors": list(_factors(parts)),
        "cre": list(_contextual(design)),
        "identification": _identification(design),
        "priors": [
            row
            for parameter in plan.parameters
            for row in _priors(parameter, correlated.get(parameter.name, ""))
        ],
        "pooling": [_pooling(plan, part, term) for part in parts.values() for term in part.group],
        "parameterization": [
            {
                "term": centring.term,
                "form": centring.form,
                "mean_weight": _mean(centring.weight.ravel().tolist()),
                "reason": centring.reason,
            }
            for centring in (plan.centring if adapts(ENGINES[prepared.engine]) else ())
        ],
        "engine": {
            "chosen": prepared.engine,
            "refused": {
                name: list(reasons)
                for name, reasons in prepared.engine_reasons.items()
                if name != prepared.engine
            },
            "reduction": _reduction(prepared),
        },
        "checks": {
            "policy": prepared.verdict.policy,
            "status": prepared.verdict.status,
            "findings": [asdict(finding) for finding in prepared.verdict.findings],
        },
        "warnings": [text for text in prepared.warnings if text not in plan.notes],
    }


def _reduction(prepared: Prepared) -> str:
    """Return which rows ``nuts`` would merge, in words; nothing for other engines."""
    from hiermix.model.reduction import reduce_plan

    if prepared.engine != "nuts" or prepared.loaded.spec.data.reduce == "off":
        return ""
    return reduce_plan(prepared.plan).sentence()


def _parts(design: Design) -> Iterator[tuple[str, LinearPart]]:
    yield design.main.parameter, design.main
    yield from design.components.items()


def _words(prepared: Prepared, name: str, part: LinearPart) -> str:
    """Return one sentence for the linear predictor of one parameter."""
    plan, family = prepared.plan, prepared.loaded.spec.model.family
    pieces = ["an intercept"] if part.intercept else []
    pieces += [term.name for term in part.common]
    for factor in part.factors:
        own = [t for t in part.group if t.factor.name == factor.name]
        effects = " and ".join(
            "an own intercept" if t.expression == "1" else f"an own effect of {t.expression}"
            for t in own
        )
        pieces.append(f"{effects} for each of the {factor.n_groups} levels of {factor.name}")
    pieces += ["a known offset"] if part.offset is not None else []
    link = plan.links.get(name, "identity")
    target = name if link == "identity" else f"{link}({name})"
    return (
        f"{plan.design.response.name} is {family}; its {target} is the sum of "
        f"{', '.join(pieces) or 'nothing'}"
    )


def _part(part: LinearPart) -> dict[str, Any]:
    correlated = {term.name for block in part.correlated_blocks for term in block.terms}
    return {
        "intercept": part.intercept,
        "common": [{"term": term.name, "columns": list(term.columns)} for term in part.common],
        "group": [
            {
                "term": term.name,
                "factor": term.factor.name,
                "columns": list(term.columns),
                "correlated": term.name in correlated,
            }
            for term in part.group
        ],
        "offset": part.offset is not None,
    }


def _contextual(design: Design) -> Iterator[dict[str, Any]]:
    contextual = design.contextual
    if contextual is None:
        return
    for group, terms in contextual.terms.items():
        yield {
            "group": group,
            "form": contextual.forms[group],
            "terms": list(terms),
            "columns": [
                {"column": c.source, "within": c.within, "mean": c.mean}
                for c in contextual.columns
                if c.group == group
            ],
        }


def _identification(design: Design) -> dict[str, Any]:
    from hiermix.design.identification import sentences
    from hiermix.design.identification.codes import Status
    from hiermix.design.identification.notes import REPORTED, overview

    audit = design.identification
    if audit is None or not audit.n_effects:
        return {}
    return {
        "summary": overview(audit),
        "terms": [
            {
                "effect": f"{audit.prefix(term.parameter)}{term.column}|{term.group}",
                "levels": len(term.levels),
                **{
                    status.name.lower().replace("_", "-"): int((term.status == status).sum())
                    for status in Status
                },
                "rows_min": int(term.n_rows.min()),
                "partners_min": None
                if bool((term.n_partners != term.n_partners).any())
                else int(term.n_partners.min()),
            }
            for term in audit.terms
        ],
        "sentences": list(sentences(audit, REPORTED)),
    }


def _factors(parts: dict[str, LinearPart]) -> Iterator[dict[str, Any]]:
    factors = {factor.name: factor for part in parts.values() for factor in part.factors}
    for factor in factors.values():
        counts = [int(count) for count in factor.counts]
        yield {
            "factor": factor.name,
            "levels": factor.n_groups,
            "rows_min": min(counts),
            "rows_median": float(statistics.median(counts)),
            "rows_max": max(counts),
            "single_row_levels": sum(count == 1 for count in counts),
        }


def _priors(parameter: Parameter, correlations: str = "") -> Iterator[dict[str, Any]]:
    """Yield one row for a parameter, or one a label where the labels' priors differ.

    ``correlations`` names those of group-specific effects with others.
    """
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


def _mean(values: list[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def explain_lines(prepared: Prepared) -> Iterator[Line]:
    """Yield what ``explain`` prints for a person."""
    told = explain_document(prepared)
    yield from _about_model(told)
    yield from _about_design(told)
    yield from _about_contextual(told)
    yield from _about_identification(told["identification"])
    yield from _section("Priors")
    yield from text_table(
        ("parameter", "role", "prior", "from"),
        [
            (p["parameter"], p["role"], p["prior"], "default" if p["default"] else "spec")
            for p in told["priors"]
        ],
    )
    yield from _about_pooling(told)
    yield from _section("Engine")
    yield line(f"  {told['engine']['chosen']}")
    if told["engine"]["reduction"]:
        yield line(f"  {told['engine']['reduction']}")
    for name, reasons in told["engine"]["refused"].items():
        yield line(f"  not {name}: {'; '.join(reasons) or 'comes later in the order'}")
    yield from _section("Checks before sampling")
    verdict = prepared.verdict
    yield from verdict_lines(verdict.policy, verdict.status, verdict.findings)
    for warning in told["warnings"]:
        yield line(f"  note: {warning}")


def _section(title: str) -> Iterator[Line]:
    yield line("")
    yield line((title, "bold"))


def _about_model(told: dict[str, Any]) -> Iterator[Line]:
    model, data = told["model"], told["data"]
    yield line(("Model ", "bold"), str(told["name"]))
    yield line(f"  formula  {model['formula']}")
    links = ", ".join(f"{link} for {name}" for name, link in model["links"].items())
    yield line(f"  family   {model['family']} (link: {links or 'none'})")
    rows = f"  rows     {data['rows_used']} used of {data['rows_read']}"
    lost = ", ".join(f"{name} {count}" for name, count in data["dropped"].items() if count)
    yield line(f"{rows} (missing: {lost})" if lost else rows)
    from hiermix.design.identification.notes import PREFIX

    # What the data cannot identify has a section of its own.
    notes = [note for note in model["notes"] if not note.startswith(PREFIX)]
    for words in [*model["words"], *notes]:
        yield line(f"  {words}")


def _about_design(told: dict[str, Any]) -> Iterator[Line]:
    yield from _section("Design")
    for name, part in told["design"].items():
        columns = [c for term in part["common"] for c in term["columns"]]
        shown = ["Intercept", *columns] if part["intercept"] else columns
        yield line(f"  {name}: {len(shown)} common columns: {', '.join(shown) or 'none'}")
        for term in part["group"]:
            bound = "correlated" if term["correlated"] else "independent"
            yield line(f"  {name}: {term['term']}: {', '.join(term['columns'])} ({bound})")
    if told["factors"]:
        yield from text_table(
            ("factor", "levels", "rows min", "median", "max", "single rows"),
            [tuple(factor.values()) for factor in told["factors"]],
        )


def _about_contextual(told: dict[str, Any]) -> Iterator[Line]:
    if not told["cre"]:
        return
    yield from _section("Group means (Mundlak)")
    for entry in told["cre"]:
        named = ", ".join(entry["terms"]) or "no term"
        yield line(f"  by {entry['group']}, {entry['form']}: {named}")
        yield from text_table(
            ("column", "within effect", "group mean"),
            [tuple(column.values()) for column in entry["columns"]],
        )


def audit_lines(design: Design) -> Iterator[Line]:
    """Yield what ``explain`` says of identification, for a design that a gate refuses."""
    yield from _about_identification(_identification(design))


def _about_identification(found: dict[str, Any]) -> Iterator[Line]:
    if not found:
        return
    yield from _section("What the data can identify")
    yield line(f"  {found['summary']}")
    yield from text_table(
        ("effect", "levels", "likelihood", "sum-only", "prior-only", "rows min", "partners min"),
        [
            tuple("" if value is None else value for value in term.values())
            for term in found["terms"]
        ],
    )
    for sentence in found["sentences"]:
        yield line(f"  {sentence}")


def _about_pooling(told: dict[str, Any]) -> Iterator[Line]:
    if not told["pooling"]:
        return
    yield from _section("Pooling")
    for pool in told["pooling"]:
        spread = f"; spread {pool['spread']} ~ {pool['spread_prior']}" if pool["spread"] else ""
        pull = f"{pool['levels']} levels are pulled towards {pool['towards']}"
        yield line(f"  {pool['term']}: {pull}{spread}")
    if told["parameterization"]:
        yield from _section("Parameterization")
    for centring in told["parameterization"]:
        weight = f"mean weight of a level's own data {centring['mean_weight']:.2f}"
        yield line(f"  {centring['term']}: {centring['form']} ({weight}): {centring['reason']}")
