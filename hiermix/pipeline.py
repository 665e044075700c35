"""The stage calls, in order: data, design, plan, fit, diagnostics, gates, tables."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hiermix.errors import DataError, DesignError, HiermixError, InputErrors, PriorError, Where
from hiermix.gates import Verdict, check_gate_settings, judge

if TYPE_CHECKING:
    from hiermix.data import Frame
    from hiermix.design import Design
    from hiermix.engines import ChainProgress, Fit, FitRequest
    from hiermix.measurement import Measurement
    from hiermix.model import ModelPlan
    from hiermix.spec import LoadedSpec, RunSpec
    from hiermix.summary import Tables


class Listener(Protocol):
    """Hears what the pipeline does, for a person to see."""

    def stage(self, name: str) -> None:
        """Tell that a stage begins: ``data``, ``design``, ``model``, ``compile``, ``sample``..."""

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Tell the state of every chain while sampling."""

    def warn(self, text: str) -> None:
        """Pass on a sentence that a person should read."""


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


@dataclass(frozen=True)
class Attempt:
    """One fitting attempt: a line of ``attempts.jsonl``."""

    number: int
    settings: Mapping[str, Any]
    reason: str
    failed_gates: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """A judged posterior, ready to be written."""

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
    from hiermix.design import build_design, column_places, wanted_columns
    from hiermix.engines import choose_engine
    from hiermix.model import plan_model

    stages = _Stages(listener)
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
            frame = read_frame(source, root, wanted, data_root=data_root, spans=places)
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
            chosen, refused = choose_engine(engine or spec.fit.engine, plan)
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
    )


def _prior_measurements(plan: ModelPlan) -> tuple[Measurement, ...]:
    from hiermix.model.prior_order import prior_order

    audit = plan.design.identification
    return () if audit is None else prior_order(plan, audit)


def fit(prepared: Prepared, listener: Listener, *, chain_store: Path | None = None) -> RunResult:
    """Sample, diagnose, judge and summarise.

    Parameters
    ----------
    prepared
        Result of `prepare`.
    listener
        Hears of stages and of the chains' progress.
    chain_store
        Directory where finished chains are kept, for a run that is interrupted to go on.

    Returns
    -------
    RunResult
        A failed gate is a verdict in it, not an error.

    Raises
    ------
    EngineError
        There is no posterior.
    """
    from hiermix.diagnostics import diagnose, scalar_table
    from hiermix.engines import ENGINES
    from hiermix.summary import summarise

    spec = prepared.loaded.spec
    request = fit_request(spec, chain_store)
    started = time.perf_counter()
    stages = _Stages(listener)
    result = ENGINES[prepared.engine].sample(prepared.plan, request, listener)
    with stages.of("diagnose"):
        scalars = scalar_table(result, prepared.plan)
        measurements = diagnose(result, prepared.plan, scalars)
        policy = prepared.verdict.policy
        verdict = prepared.verdict + judge(
            measurements,
            policy=policy,
            phases=("sampler", "posterior"),
            limits=spec.gates.limits,
            waive=spec.gates.waive,
            lacks=result.lacks,
        )
    with stages.of("summarise"):
        tables = summarise(
            result, prepared.plan, scalars, spec.outputs.interval, spec.outputs.interval_kind
        )
    attempt = Attempt(
        1,
        {"draws": request.draws, "tune": request.tune, "chains": request.chains, **result.facts},
        "first attempt",
        tuple(f.gate for f in verdict.findings if f.status == "fail"),
        time.perf_counter() - started,
    )
    seconds = {**prepared.seconds, **result.seconds, **stages.seconds}
    return RunResult(
        prepared,
        result,
        prepared.measurements + measurements,
        verdict,
        tables,
        (attempt,),
        seconds,
    )


def fit_request(spec: RunSpec, chain_store: Path | None = None) -> FitRequest:
    """Return the sampler's settings; ``cores: null`` means one a chain, up to those there are."""
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
        chain_store=chain_store,
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


class _Stages:
    """Tells the listener of stages and measures their wall time in seconds."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        self._listener.stage(name)
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - started
