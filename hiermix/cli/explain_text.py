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
    from hiermix.design.types import Design
    from hiermix.pipeline import Prepared


def explain_document(prepared: Prepared) -> dict[str, Any]:
    """Return everything that ``explain`` tells, as JSON values."""
    plan, frame = prepared.plan, prepared.frame
    design = plan.design
    from hiermix.design.facts import contextual_facts, factor_facts, part_facts
    from hiermix.engines import ENGINES, adapts
    from hiermix.model.words import part_words, pooling_facts, prior_facts
    from hiermix.summary.questions.words import question_words

    family = prepared.loaded.spec.model.family
    return {
        "name": prepared.loaded.spec.name,
        "model": {
            "formula": design.formula,
            "family": family,
            "links": dict(plan.links),
            "words": [part_words(plan, part, family) for part in plan.parts],
            "notes": list(plan.notes),
        },
        "data": {
            "rows_read": frame.n_read,
            "rows_used": frame.n_rows,
            "dropped": dict(frame.dropped),
            "sha256": frame.sha256,
        },
        "design": {part.parameter: part_facts(part) for part in plan.parts},
        "factors": list(factor_facts(plan.parts)),
        "cre": list(contextual_facts(design)),
        "identification": _identification(design),
        "priors": list(prior_facts(plan)),
        "pooling": list(pooling_facts(plan)),
        "parameterization": [
            {
                "term": centring.term,
                "form": centring.form,
                "mean_weight": _mean(centring.weight.ravel().tolist()),
                "reason": centring.reason,
            }
            for centring in (plan.centring if adapts(ENGINES[prepared.engine]) else ())
        ],
        "questions": [question_words(q) for q in prepared.loaded.spec.questions],
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
    if told["questions"]:
        yield from _section("Questions")
    for words in told["questions"]:
        yield line(f"  {words}")
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
    from hiermix.model.words import pooling_words

    yield from _section("Pooling")
    for pool in told["pooling"]:
        yield line(f"  {pooling_words(pool)}")
    if told["parameterization"]:
        yield from _section("Parameterization")
    for centring in told["parameterization"]:
        weight = f"mean weight of a level's own data {centring['mean_weight']:.2f}"
        yield line(f"  {centring['term']}: {centring['form']} ({weight}): {centring['reason']}")
