"""What the manifest says about a result."""

from __future__ import annotations

import hashlib
import platform
import resource
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.contextual_view import contextual_sentences
from hiermix.artefacts.identity import fingerprint, versions
from hiermix.artefacts.manifest import Manifest
from hiermix.artefacts.questions_view import question_sentences
from hiermix.artefacts.resolve import prior_texts, priors_by_label
from hiermix.artefacts.statement import statement
from hiermix.spec import canonical_json
from hiermix.summary.pooling_words import pooling_sentences

if TYPE_CHECKING:
    from hiermix.pipeline import Prepared, RunResult

MAX_NAMED = 12
"""Terms that the words of a model name; the formula and the tables have all."""


def describe(result: RunResult, target: Path, started_at: datetime | None = None) -> Manifest:
    """Return the manifest of a result, still without files.

    Parameters
    ----------
    result
        What was fitted and judged.
    target
        The run directory.
    started_at
        When the command began; by default now.
    """
    prepared = result.prepared
    now = datetime.now(UTC)
    return Manifest(
        path=target,
        name=prepared.loaded.spec.name,
        fingerprint=fingerprint(prepared),
        verdict=result.verdict.status,
        policy=result.verdict.policy,
        started_at=_stamp(started_at or now),
        finished_at=_stamp(now),
        spec=_spec(prepared),
        data=_data(prepared),
        model={
            **_model(prepared),
            "parameterization": _parameterization(result),
            "conclusions": [
                *contextual_sentences(result.tables.cre),
                *question_sentences(result.tables.questions),
            ],
            "pooling": pooling_sentences(result.tables),
        },
        fit=_fit(result),
        seconds={**prepared.seconds, **result.fit.seconds, **result.seconds},
        peak_memory_bytes=peak_memory_bytes(),
        versions=versions(),
        python=platform.python_version(),
        platform=platform.platform(),
        files={},
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _spec(prepared: Prepared) -> dict[str, Any]:
    loaded = prepared.loaded
    resolved = canonical_json(loaded.spec)
    return {
        "origin": loaded.origin,
        "overrides": list(loaded.overrides),
        "sha256": hashlib.sha256(loaded.text.encode("utf-8", "replace")).hexdigest(),
        "resolved_sha256": hashlib.sha256(resolved.encode()).hexdigest(),
        "interval": loaded.spec.outputs.interval,
        "interval_kind": loaded.spec.outputs.interval_kind,
    }


def _data(prepared: Prepared) -> dict[str, Any]:
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.design.facts import factor_facts, response_facts

    frame = prepared.frame
    return {
        "path": prepared.loaded.spec.data.path,
        "sha256": frame.sha256,
        "rows_read": frame.n_read,
        "rows_used": frame.n_rows,
        "rows_dropped": dict(frame.dropped),
        "response": response_facts(prepared.design),
        "factors": list(factor_facts(prepared.plan.parts)),
    }


def _model(prepared: Prepared) -> dict[str, Any]:
    from hiermix.model.words import part_words, pooling_facts, pooling_words

    plan, design = prepared.plan, prepared.design
    spec = prepared.loaded.spec.model
    factors = {factor.name: factor.n_groups for part in plan.parts for factor in part.factors}
    return {
        "formula": design.formula,
        "components": dict(spec.components),
        "words": [
            *(part_words(plan, part, spec.family, MAX_NAMED) for part in plan.parts),
            *[pooling_words(pool) for pool in pooling_facts(plan)][:MAX_NAMED],
        ],
        "statement": statement(prepared),
        "family": spec.family,
        "links": dict(plan.links),
        "levels": factors,
        "priors": [
            {
                "parameter": parameter.name,
                "role": parameter.role,
                "component": parameter.component,
                "prior": prior_texts(parameter),
                "by_label": priors_by_label(parameter),
                "default": parameter.default_prior,
            }
            for parameter in plan.parameters
            if parameter.prior is not None
        ],
        "identification": _identification(prepared),
        "notes": list(dict.fromkeys((*plan.notes, *prepared.warnings))),
    }


def _parameterization(result: RunResult) -> dict[str, str]:
    """Return the coordinates of the group terms, for an engine that has any."""
    from hiermix.engines import ENGINES, adapts

    if not adapts(ENGINES[result.fit.engine]):
        return {}
    return {c.term: c.reason for c in result.prepared.plan.centring}


def _identification(prepared: Prepared) -> dict[str, Any]:
    from hiermix.design.identification import sentences
    from hiermix.design.identification.notes import REPORTED, overview

    audit = prepared.design.identification
    if audit is None or not audit.n_effects:
        return {}
    return {
        "effects": audit.n_effects,
        "unidentified": audit.n_unidentified,
        "summary": overview(audit),
        "sentences": list(sentences(audit, REPORTED)),
    }


def _fit(result: RunResult) -> dict[str, Any]:
    fit = result.fit
    request = asdict(fit.request)
    request.pop("chain_store")
    if "tree_depth" in fit.lacks:
        for setting in ("target_accept", "max_treedepth"):
            request.pop(setting)
    return {
        "engine": fit.engine,
        "refused": _refused(result),
        **request,
        "sampler": fit.sampler,
        "attempts": len(result.attempts),
        "facts": dict(fit.facts),
    }


def _refused(result: RunResult) -> dict[str, list[str]]:
    """Return why each engine before the one that stands is not it."""
    refused = {name: list(why) for name, why in result.prepared.engine_reasons.items() if why}
    for attempt in result.attempts:
        engine = attempt.settings["engine"]
        if engine == result.fit.engine:
            break
        gates = dict.fromkeys(gate.partition("[")[0] for gate in attempt.failed_gates)
        failed = f"{', '.join(gates)} failed after {attempt.settings['draws']} draws"
        refused[engine] = [attempt.error or failed]
    return refused


def peak_memory_bytes() -> int:
    """Return the largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024
