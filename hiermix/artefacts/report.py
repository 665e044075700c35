"""``report.html``: one self-contained page, no script, nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hiermix.artefacts.arms_view import arm_views, arms_sentences
from hiermix.artefacts.contextual_view import contextual_view
from hiermix.artefacts.data_view import data_view
from hiermix.artefacts.level_view import QUANTILE_HEADS, level_views
from hiermix.artefacts.model_view import model_view
from hiermix.artefacts.plots.gallery import MAX_TERMS
from hiermix.artefacts.predictive_view import predictive_view
from hiermix.artefacts.questions_view import question_views
from hiermix.artefacts.tables import (
    ARMS,
    ARMS_PARQUET,
    CSV_ROWS,
    GROUP_EFFECTS,
    GROUP_EFFECTS_PARQUET,
    IDENTIFICATION,
    IDENTIFICATION_PARQUET,
    PREDICTIVE_CHECKS,
    PREDICTIVE_CHECKS_PARQUET,
)
from hiermix.artefacts.texts import bytes_text, compact, seconds_text, shown
from hiermix.artefacts.views import (
    attempt_rows,
    brief_sentences,
    ordered_findings,
    population_rows,
    variance_rows,
    worst_rows,
)
from hiermix.summary.intervals import percent

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from hiermix.artefacts.manifest import Manifest
    from hiermix.escalation import Attempt
    from hiermix.gates import Verdict
    from hiermix.summary import Tables

REPORT = "report.html"

TEMPLATE = "report.html.j2"

HEADLINES = {
    "pass": "PASSED",
    "warn": "PASSED WITH WARNINGS",
    "fail": "FAILED",
}

LOUD = ("fail", "warn", "waived")

COMMANDS = (
    "hiermix run spec.resolved.yaml --out again",
    "hiermix gates .",
    "hiermix report .",
)
"""What to type in the folder of a run."""

QUANTILE_COLUMNS = [("of", "quantity", "name"), *((h, h, "number") for h in QUANTILE_HEADS)]

MEANINGS = {
    "pass": "Every gate passed.",
    "warn": "No gate failed, but read the warnings before you rely on the numbers.",
    "fail": "At least one gate failed: do not rely on the numbers below.",
}


def render_report(
    manifest: Manifest,
    tables: Tables,
    verdict: Verdict,
    figures: Mapping[str, str],
    attempts: Sequence[Attempt] = (),
) -> str:
    """Return the page.

    Parameters
    ----------
    manifest
        Of the run; its list of files is not used.
    tables, verdict
        What was found.
    figures
        SVG text by file name: ``forest.svg``, ``group-1.svg``, ``shrinkage-1.svg``...,
        ``predictive.svg``, ``chains.svg``; those that are missing are left out.
    attempts
        All that were made; a single one has nothing to tell.
    """
    from markupsafe import Markup

    findings = ordered_findings(verdict)
    views = level_views(tables)
    # Figures are SVG that was built, and escaped, element by element.
    drawings = {name: Markup(svg) for name, svg in figures.items()}
    large = len(tables.group_effects) > CSV_ROWS
    many = len(tables.identification) > CSV_ROWS
    page = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            manifest=manifest,
            headline=HEADLINES[verdict.status],
            meaning=MEANINGS[verdict.status],
            status=verdict.status,
            attempts=attempt_rows(attempts) if len(attempts) > 1 else [],
            loud=[f for f in findings if f.status in LOUD],
            quiet=[f for f in findings if f.status not in LOUD],
            worst=worst_rows(tables),
            brief=[*arms_sentences(tables), *brief_sentences(tables)],
            model=model_view(manifest),
            data=data_view(manifest),
            commands=COMMANDS,
            tally=_tally(verdict),
            population=population_rows(tables),
            variance=variance_rows(tables),
            contextual=contextual_view(tables),
            questions=question_views(tables),
            arms=arm_views(tables),
            arms_file=ARMS_PARQUET if len(tables.arms) > CSV_ROWS else ARMS,
            predictive=predictive_view(tables),
            predictive_file=(
                PREDICTIVE_CHECKS_PARQUET
                if len(tables.predictive_checks) > CSV_ROWS
                else PREDICTIVE_CHECKS
            ),
            identification=manifest.model.get("identification", {}),
            levels=views,
            level_figures=[
                (drawings.get(f"group-{i}.svg"), drawings.get(f"shrinkage-{i}.svg"))
                for i in range(1, len(views) + 1)
            ],
            quantile_columns=QUANTILE_COLUMNS,
            max_terms=MAX_TERMS,
            group_effects_file=GROUP_EFFECTS_PARQUET if large else GROUP_EFFECTS,
            identification_file=IDENTIFICATION_PARQUET if many else IDENTIFICATION,
            figures=drawings,
            interval=percent(float(manifest.spec["interval"])),
            interval_words=_interval_words(manifest),
            seconds=[(stage, seconds_text(float(s or 0))) for stage, s in manifest.seconds.items()],
            total_seconds=seconds_text(sum(float(s or 0) for s in manifest.seconds.values())),
            memory=bytes_text(manifest.peak_memory_bytes),
        )
    )
    return page + "\n"


def _tally(verdict: Verdict) -> str:
    counts: dict[str, int] = {}
    for finding in verdict.findings:
        counts[finding.status] = counts.get(finding.status, 0) + 1
    order = ("fail", "warn", "waived", "pass", "not applicable")
    return ", ".join(f"{counts[name]} {name}" for name in order if name in counts) or "no gates"


def _interval_words(manifest: Manifest) -> str:
    kinds = {"eti": "equal-tailed", "hdi": "highest-density"}
    kind = str(manifest.spec["interval_kind"])
    return kinds.get(kind, kind)


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("hiermix.artefacts", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["compact"] = compact
    environment.filters["code"] = _code
    return environment


def _code(text: str) -> Markup:
    """Return a text of the catalogue as markup, what stands between backticks as code."""
    from markupsafe import Markup, escape

    pieces = [escape(piece) for piece in shown(text).split("`")]
    marked = [Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(pieces)]
    # A single backtick that is left over opens nothing.
    return Markup("").join(marked) if len(pieces) % 2 else escape(shown(text))


def _printable(value: Any) -> Any:
    """Spell out control and direction characters of texts; markup stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return shown(value)
    return value
