"""The stage calls, in order: data, design, plan, fit, diagnostics, gates, tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.errors import (
    DataError,
    DesignError,
    HiermixError,
    InputErrors,
    PriorError,
    Where,
)
from hiermix.gates import Verdict, check_gate_settings, judge
from hiermix.listening import Listener, Stages

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.engines import Engine, Fit, FitRequest, Session
    from hiermix.escalation import Attempt
    from hiermix.escalation.loop import Judged
    from hiermix.escalation.rules import Trial
    from hiermix.measurement import Measurement
    from hiermix.model import ModelPlan
    from hiermix.spec import LoadedSpec, RunSpec
    from hiermix.summary import Tables


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before sampling."""

    loaded: LoadedSpec
    frame: Frame
    design: Design
    plan: ModelPlan
    engine: str
    engine_reasons: Mapping[str, tuple[str, ...]]
    measurements: tuple[Measurement, ...]
    verdict: Verdict
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]
    successors: tuple[str, ...] = ()
    """Engines that may take over where the gates fail the one that was chosen."""


@dataclass(frozen=True)
class RunResult:
    """A judged posterior, ready to be written.

    All is of the attempt that stands: ``prepared.plan`` has its coordinates, ``fit`` names
    its engine, where ``prepared.engine`` is that of the first. ``seconds`` are those of all
    attempts.
    """

    prepared: Prepared
    fit: Fit
    measurements: tuple[Measurement, ...]
    verdict: Verdict
    tables: Tables
    attempts: tuple[Attempt, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


def prepare(
    loaded: LoadedSpec,
    root: Path,
    listener: Listener,
    *,
    data_root: Path | None = None,
    engine: str | None = None,
    policy: str | None = None,
    on_design: Callable[[Design], None] | None = None,
) -> Prepared:
    """Do everything that comes before sampling.

    Parameters
    ----------
    loaded
        A valid spec.
    root
        Directory that the spec's relative data paths start from.
    listener
        Hears of stages and warnings.
    data_root
        If given, data outside it are refused.
    engine, policy
        Override ``fit.engine`` and ``gates.policy``.
    on_design
        Is given the design before its gates are judged.

    Returns
    -------
    Prepared
        Its verdict covers the data, design and prior phases and has no failure.

    Raises
    ------
    InputError
        Data, design or priors cannot carry the model; nothing was sampled.
    EngineError
        The engine that was asked for refuses the model.
    """
    spec = loaded.spec
    policy = policy or spec.gates.policy
    with _placed(loaded):
        check_gate_settings(spec.gates.limits, spec.gates.waive)
    # Imported here: numpy and pandas take longer than commands that read no data may last.
    from hiermix.data import Source, read_frame
    from hiermix.design import (
        build_design,
        column_places,
        merging_of,
        unfold_arms,
        wanted_columns,
    )
    from hiermix.engines import choose_engine, engines_after
    from hiermix.model import plan_model
    from hiermix.model.reduction import reduce_plan
    from hiermix.summary.arms.sides import check_arms
    from hiermix.summary.questions.asking import check_questions

    stages = Stages(listener)
    with _placed(loaded):
        with stages.of("data"):
            wanted = wanted_columns(spec)
            source = Source(
                path=spec.data.path,
                query=spec.data.query,
                types=spec.data.types,
                missing=spec.data.missing,
                na_values=spec.data.na_values,
            )
            places = column_places(spec)
            frame = read_frame(
                source,
                root,
                wanted,
                data_root=data_root,
                spans=places,
                merging=merging_of(spec),
            )
            frame = unfold_arms(spec, frame)
            data_verdict = _judge(frame.measurements, spec, policy, "data")
            _refuse_failures(data_verdict, DataError, "data.path")
        with stages.of("design"):
            design = build_design(spec, frame)
            if on_design is not None:
                on_design(design)
            verdict = data_verdict + _judge(design.measurements, spec, policy, "design")
            _refuse_failures(verdict, DesignError, "model.formula")
        with stages.of("model"):
            plan = plan_model(spec, design)
            priors = _prior_measurements(plan)
            verdict += _judge(priors, spec, policy, "prior")
            _refuse_failures(verdict, PriorError, "priors")
            check_questions(spec, frame, design, plan)
            check_arms(spec, frame, design, plan)
            asked = engine or spec.fit.engine
            chosen, refused = choose_engine(asked, plan)
            if frame.multiplicity is not None:
                plan = reduce_plan(plan).plan
            successors = engines_after(asked, chosen.name, plan)
    return Prepared(
        loaded,
        frame,
        design,
        plan,
        chosen.name,
        refused,
        frame.measurements + design.measurements + priors,
        verdict,
        frame.warnings + design.warnings,
        stages.seconds,
        successors,
    )


def _prior_measurements(plan: ModelPlan) -> tuple[Measurement, ...]:
    from hiermix.model.prior_order import prior_order

    audit = plan.design.identification
    return () if audit is None else prior_order(plan, audit)


def fit(prepared: Prepared, listener: Listener, *, chain_store: Path | None = None) -> RunResult:
    """Sample, diagnose and judge, again with more care while that may help; then summarise.

    Parameters
    ----------
    prepared
        Result of `prepare`.
    listener
        Hears of stages, of the chains' progress and of every further attempt.
    chain_store
        Directory where finished chains are kept, for a run that is interrupted to go on: one
        folder an attempt, so that the same attempts are made, up to the one that was cut short.

    Returns
    -------
    RunResult
        A failed gate is a verdict in it, not an error.

    Raises
    ------
    EngineError
        There is no posterior.
    """
    from hiermix.engines import ENGINES
    from hiermix.escalation.loop import escalate
    from hiermix.escalation.rules import Trial
    from hiermix.summary import summarise
    from hiermix.summary.arms.effects import arm_effects
    from hiermix.summary.questions.asking import answer_questions

    spec = prepared.loaded.spec
    stages = Stages(listener)
    sampling = _Sampling(prepared, listener, stages, chain_store)
    judged, attempts = escalate(
        Trial(prepared.plan, fit_request(spec), ENGINES[prepared.engine]),
        sampling.judged,
        max_attempts=spec.fit.max_attempts,
        others=[ENGINES[name] for name in prepared.successors],
        note=listener.note,
        warn=listener.warn,
    )
    plan = judged.trial.plan
    with stages.of("summarise"):
        checks, checked, found = _predictive_checks(judged, spec)
        verdict = judged.verdict + found
        tables = summarise(
            judged.fit, plan, judged.scalars, spec.outputs.interval, spec.outputs.interval_kind
        )
        answers = answer_questions(
            spec,
            prepared.frame,
            prepared.design,
            plan,
            judged.fit,
            failed=verdict.failed,
        )
        arms = arm_effects(spec, prepared.frame, prepared.design, plan, judged.fit)
    return RunResult(
        replace(prepared, plan=plan),
        judged.fit,
        prepared.measurements + judged.measurements + checked,
        verdict,
        replace(tables, questions=answers, arms=arms, predictive_checks=checks),
        attempts,
        {**prepared.seconds, **stages.seconds},
    )


def _predictive_checks(
    judged: Judged, spec: RunSpec
) -> tuple[pd.DataFrame, tuple[Measurement, ...], Verdict]:
    """Compare the data with replicated ones: the table, its measurements and what gates say.

    Of the attempt that stands: another attempt cures no misfit of the model.
    """
    from hiermix.summary.predictive.check import (
        predictive_checks,
        predictive_measurements,
        why_no_replicates,
    )

    plan = judged.trial.plan
    table = predictive_checks(judged.fit, plan, spec.outputs.interval)
    measurements = tuple(predictive_measurements(table))
    reason = why_no_replicates(judged.fit, plan)
    verdict = judge(
        measurements,
        policy=judged.verdict.policy,
        phases=("posterior",),
        limits=spec.gates.limits,
        waive=spec.gates.waive,
        lacks={"replicates": f"no posterior predictive check: {reason}"} if reason else {},
    )
    return table, measurements, verdict


class _Sampling:
    """Samples and judges attempts; those that share engine and plan share a session."""

    def __init__(
        self, prepared: Prepared, listener: Listener, stages: Stages, chain_store: Path | None
    ) -> None:
        self._prepared = prepared
        self._listener = listener
        self._stages = stages
        self._chain_store = chain_store
        self._opened: tuple[Engine, ModelPlan, Session] | None = None

    def judged(self, trial: Trial, number: int) -> Judged:
        """Return the draws of an attempt and what the gates say of them."""
        from hiermix.diagnostics import diagnose, scalar_table
        from hiermix.escalation.loop import Judged

        store = None if self._chain_store is None else self._chain_store / f"attempt-{number}"
        request = replace(trial.request, chain_store=store)
        result = self._session(trial).sample(request)
        self._stages.add(result.seconds)
        before, spec = self._prepared.verdict, self._prepared.loaded.spec
        with self._stages.of("diagnose"):
            scalars = scalar_table(result, trial.plan)
            measurements = diagnose(result, trial.plan, scalars)
            verdict = before + judge(
                measurements,
                policy=before.policy,
                phases=("sampler",),
                limits=spec.gates.limits,
                waive=spec.gates.waive,
                lacks=result.lacks,
            )
        return Judged(trial, result, scalars, measurements, verdict)

    def _session(self, trial: Trial) -> Session:
        if self._opened is not None:
            engine, plan, session = self._opened
            if engine is trial.engine and plan is trial.plan:
                return session
        session = trial.engine.open(trial.plan, self._listener)
        self._opened = trial.engine, trial.plan, session
        return session


def fit_request(spec: RunSpec) -> FitRequest:
    """Return the first attempt's settings.

    ``cores: null`` means one a chain, up to those there are.
    """
    from hiermix.engines import FitRequest

    asked = spec.fit
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return FitRequest(
        draws=asked.draws,
        tune=asked.tune,
        chains=asked.chains,
        seed=asked.seed,
        cores=asked.cores or min(asked.chains, available or 1),
        target_accept=asked.target_accept,
        max_treedepth=asked.max_treedepth,
        sampler=asked.sampler,
        reduce=spec.data.reduce == "auto",
    )


def _judge(
    measurements: tuple[Measurement, ...], spec: RunSpec, policy: str, phase: str
) -> Verdict:
    return judge(
        measurements,
        policy=policy,
        phases=(phase,),
        limits=spec.gates.limits,
        waive=spec.gates.waive,
    )


def _refuse_failures(verdict: Verdict, kind: type[HiermixError], key: str) -> None:
    failed = [f for f in verdict.findings if f.status == "fail"]
    if failed:
        raise InputErrors(
            kind(
                f"gate.{f.phase}.{f.gate}",
                f.message,
                Where(key="cre" if f.gate.startswith("cre_") else key),
                f.remedy,
            )
            for f in failed
        )


@contextmanager
def _placed(loaded: LoadedSpec) -> Iterator[None]:
    """Give errors that know their key path the line and column of the spec."""
    try:
        yield
    except HiermixError as error:
        raise loaded.source.place(error) from error
