"""All questions of a run: looked up before it samples, answered after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from hiermix.errors import HiermixError, InputErrors, SpecError
from hiermix.summary.intervals import IntervalKind
from hiermix.summary.questions.resolve import Asked, at, resolve
from hiermix.summary.questions.table import FAILED, empty_questions, with_note
from hiermix.summary.questions.targets import Target, targets_of

if TYPE_CHECKING:
    import xarray as xr

    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan
    from hiermix.spec import QuestionSpec, RunSpec
    from hiermix.summary.questions.response import ResponseScale


def model_targets(frame: Frame, plan: ModelPlan) -> tuple[Target, ...]:
    """Return what questions about coefficients can be about."""
    factors = {
        term.variables[0]
        for part in plan.parts
        for term in part.common
        if term.only_factors and len(term.variables) == 1
    }
    return targets_of(plan, {name: _labels(frame.table[name]) for name in factors})


def _labels(column: pd.Series) -> tuple[str, ...]:
    return tuple(str(level) for level in column.astype("category").cat.categories)


def check_questions(
    spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan
) -> tuple[Asked, ...]:
    """Look up every name of the spec's questions in the model.

    Raises
    ------
    InputErrors
        Everything that the model does not have; errors have the key path.
    """
    if not spec.questions:
        return ()
    scale = _response_scale(spec, frame, design, plan)
    return _resolved(spec.questions, model_targets(frame, plan), scale)


def _response_scale(
    spec: RunSpec, frame: Frame, design: Design, plan: ModelPlan
) -> ResponseScale | None:
    if all(question.scale != "response" for question in spec.questions):
        return None
    from hiermix.summary.questions.response import ResponseScale

    return ResponseScale(spec, frame, design, plan)


def _resolved(
    questions: Sequence[QuestionSpec], targets: Sequence[Target], scale: ResponseScale | None
) -> tuple[Asked, ...]:
    found: list[Asked] = []
    errors: list[HiermixError] = []
    for number, question in enumerate(questions):
        if question.scale != "response":
            asked, wrong = resolve(number, question, targets)
        elif scale is None:
            asked, wrong = None, [_needs_data(number)]
        else:
            from hiermix.summary.questions.response_checks import resolve_response

            asked, wrong = resolve_response(number, question, scale)
        found += [] if asked is None else [asked]
        errors += wrong
    if errors:
        raise InputErrors(errors)
    return tuple(found)


def _needs_data(number: int) -> SpecError:
    return SpecError(
        "question.needs-data",
        "a finished run keeps its draws and not the rows of the data: expected responses are "
        "averaged over these",
        at(f"questions.{number}.scale"),
        "put the question into the spec and run it again",
    )


def answer_questions(
    spec: RunSpec,
    frame: Frame,
    design: Design,
    plan: ModelPlan,
    fit: Fit,
    *,
    failed: bool,
) -> pd.DataFrame:
    """Return ``questions.csv`` of a run, in the order of the spec.

    Parameters
    ----------
    spec, frame, design, plan
        What was fitted: the design before any rows were merged for the fit, the plan of the
        draws.
    fit
        The posterior.
    failed
        Whether a gate failed: every answer says so.
    """
    if not spec.questions:
        return empty_questions()
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.summary.questions.answer import answer, levels_of, together

    scale = _response_scale(spec, frame, design, plan)
    posterior = fit.tree["posterior"].dataset
    tables = []
    for asked in _resolved(spec.questions, model_targets(frame, plan), scale):
        if asked.target is None:
            from hiermix.summary.questions.response import response_levels

            assert scale is not None  # resolved with it
            sets = response_levels(scale, asked, fit)
        else:
            sets = (levels_of(asked, posterior),)
        outputs = spec.outputs
        tables += [
            answer(asked.name, asked.question, levels, outputs.interval, outputs.interval_kind)
            for levels in sets
        ]
    table = together(tables)
    return with_note(table, FAILED) if failed else table


def answer_from_draws(
    questions: Sequence[QuestionSpec],
    targets: Sequence[Target],
    posterior: xr.Dataset,
    interval: float,
    interval_kind: IntervalKind,
    *,
    failed: bool,
) -> pd.DataFrame:
    """Answer questions about a finished run, of which nothing but the draws is at hand.

    Raises
    ------
    InputErrors
        Everything that the run does not have; errors have the key path.
    """
    from hiermix.summary.questions.answer import answer, levels_of, together

    table = together(
        [
            answer(a.name, a.question, levels_of(a, posterior), interval, interval_kind)
            for a in _resolved(questions, targets, None)
        ]
    )
    return with_note(table, FAILED) if failed else table
