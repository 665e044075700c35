"""Which attempt follows on one that failed: a pure function of what was tried and found.

Only how the posterior is sampled changes: draws, step sizes, tree depth, coordinates. The model,
its priors and the data are never touched. Smaller steps come first against divergences
(Betancourt 2017, arXiv:1701.02434, section 6.2), then other coordinates; more draws only where
the chains agree and are merely short. Another engine is the last resort, where the spec leaves the
choice open.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hiermix.engines import Engine, FitRequest, adapts
from hiermix.escalation.failures import (
    CONVERGENCE,
    DEPTH,
    GEOMETRY,
    by_effective,
    fewest_effective,
    is_curable,
    shortage,
    terms_named,
)
from hiermix.gates import Finding, Verdict
from hiermix.model import ModelPlan
from hiermix.model.centring import forms_left, with_forms
from hiermix.model.plan import Form

MAX_ACCEPT = 0.998
"""Steps for an acceptance rate still closer to 1 are so small that trees are cut instead."""

DEEPER = 2
MAX_TREEDEPTH = 14

MARGIN = 1.3
"""More draws than the shortest ESS asks for, since an ESS is an estimate."""

MIN_GROWTH, MAX_GROWTH = 1.5, 8.0
"""By how much one attempt may multiply the draws."""

FAR_SHORT = 4.0
"""Chains that disagree and lack more than this factor were tuned too briefly as well."""

MAX_TUNE = 4000
MAX_TOTAL_DRAWS = 100_000
MAX_DRAW_BYTES = 2**30
"""Limits of what an attempt may add: tuning draws a chain, draws of all chains, and the memory
of the draws at 8 bytes a scalar. A spec may ask for more."""

BAD_RHAT = 1.05
FEW_EFFECTIVE = 0.1
"""Chains with a larger R-hat, or in need of more than `MAX_GROWTH` times the draws, mix badly if
fewer than this share of the draws is effective; with more, the run was only short."""

ROUNDED_TO = 50


@dataclass(frozen=True)
class Trial:
    """How an attempt is made: the plan's coordinates, the sampler's settings, by whom, and why."""

    plan: ModelPlan
    request: FitRequest
    engine: Engine
    reason: str = "first attempt"


@dataclass(frozen=True)
class _Change:
    """New values of the request's fields, new forms of group terms, and both in words."""

    words: tuple[str, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)


@dataclass(frozen=True)
class _Case:
    """What the engine of the last trial has tried, and what that trial's gates found."""

    trials: Sequence[Trial]
    findings: Sequence[Finding]
    failed: Sequence[Finding]

    @property
    def plan(self) -> ModelPlan:
        return self.trials[-1].plan

    @property
    def request(self) -> FitRequest:
        return self.trials[-1].request

    @property
    def has_coordinates(self) -> bool:
        return adapts(self.trials[-1].engine)

    def of(self, metrics: Collection[str]) -> list[Finding]:
        return [f for f in self.failed if f.metric in metrics]

    def grew(self, name: str) -> bool:
        """Tell whether the last trial had more of a setting than the one before."""
        if len(self.trials) < 2:
            return False
        before, last = (getattr(trial.request, name) for trial in self.trials[-2:])
        return bool(last > before)


def next_trial(
    trials: Sequence[Trial],
    verdict: Verdict,
    *,
    max_attempts: int,
    others: Sequence[Engine] = (),
) -> Trial | None:
    """Return the attempt that follows, or ``None`` if the last one stands.

    Parameters
    ----------
    trials
        All that were made, at least one; the verdict is that of the last.
    verdict
        Only failures (not warnings, not waived ones) of gates of the phase ``sampler`` count.
    max_attempts
        How many trials there may be in all.
    others
        Engines that may take over from the first trial's, in their order.

    Returns
    -------
    Trial
        Same priors, data and seed. Where no setting cures what failed (draws missing, not finite
        or not moving), or nothing is left to change, the next engine, which begins with the
        settings of the first trial. ``None`` after a pass, after ``max_attempts``, and when no
        engine is left either.
    """
    failed = [f for f in verdict.findings if f.phase == "sampler" and f.status == "fail"]
    left = max_attempts - len(trials)
    if not failed or left <= 0:
        return None
    gates = ", ".join(dict.fromkeys(f.gate.partition("[")[0] for f in failed))
    engine = trials[-1].engine
    own = [trial for trial in trials if trial.engine is engine]
    case = _Case(own, verdict.findings, failed)
    tried = [trial.engine for trial in trials]
    following = next((other for other in others if other not in tried), None)
    is_last_chance = following is not None and left == 1 and _has_not_helped(case)
    cured = None if is_last_chance else _cured(case, gates)
    if cured is not None or following is None:
        return cured
    first = trials[0]
    return Trial(first.plan, first.request, following, f"{gates} failed: engine {following.name}")


def _has_not_helped(case: _Case) -> bool:
    """Tell whether more draws were tried and left a greater lack than the error of an ESS."""
    return case.grew("draws") and max(map(shortage, case.failed)) > MARGIN


def _cured(case: _Case, gates: str) -> Trial | None:
    """Return a trial of the same engine with other settings, if there are any that may help."""
    if not all(map(is_curable, case.failed)):
        return None
    changes = [change for change in _changes(case) if change is not None]
    if not changes:
        return None
    settings = {name: value for c in changes for name, value in c.settings.items()}
    forms = {term: form for c in changes for term, form in c.forms.items()}
    words = dict.fromkeys(word for c in changes for word in c.words)
    return Trial(
        with_forms(case.plan, forms) if forms else case.plan,
        replace(case.request, **settings),  # type: ignore[arg-type]
        case.trials[-1].engine,
        f"{gates} failed: {', '.join(words)}",
    )


def _changes(case: _Case) -> Iterable[_Change | None]:
    """Yield a cure for each kind of failure; short chains wait until the trajectories are sound."""
    if case.of(DEPTH):
        yield _deeper(case) or _flipped(case, case.failed)
    if case.of(GEOMETRY):
        yield _more_careful(case)
    if not case.of(DEPTH | GEOMETRY):
        yield _converging(case)


def _deeper(case: _Case) -> _Change | None:
    depth = case.request.max_treedepth
    deeper = min(depth + DEEPER, MAX_TREEDEPTH)
    if deeper <= depth:
        return None
    return _Change((f"max_treedepth {depth} -> {deeper}",), {"max_treedepth": deeper})


def _more_careful(case: _Case) -> _Change | None:
    """Smaller steps, and other coordinates where smaller steps have been tried."""
    if case.grew("acceptance"):
        return _flipped(case, case.failed) or _smaller_steps(case)
    return _smaller_steps(case) or _flipped(case, case.failed)


def _smaller_steps(case: _Case) -> _Change | None:
    """Move the acceptance rate three quarters of its way to 1."""
    rate = case.request.acceptance
    closer = round(min(1 - (1 - rate) / 4, MAX_ACCEPT), 6)
    if closer <= rate:
        return None
    return _Change((f"target_accept {rate:g} -> {closer:g}",), {"target_accept": closer})


def _converging(case: _Case) -> _Change | None:
    """More draws, unless the chains of a block mix so badly that draws are no cure."""
    few = fewest_effective(case.findings) < FEW_EFFECTIVE * case.request.draws
    bad = [f for f in case.of(CONVERGENCE) if few and _is_far_off(f)]
    if not bad:
        return _more_draws(case)
    flipped = _flipped(case, bad) if terms_named(bad, case.plan) else None
    disagree = any(f.metric == "rhat" for f in bad)
    if flipped is None and not (disagree and case.grew("draws")):
        return _more_draws(case)
    return flipped


def _is_far_off(finding: Finding) -> bool:
    if finding.metric == "rhat":
        return finding.value is not None and finding.value > BAD_RHAT
    return shortage(finding) > MAX_GROWTH


def _more_draws(case: _Case) -> _Change | None:
    """As many draws as the shortest ESS needs, with a margin, if that is feasible."""
    request = case.request
    needed = min(max(map(shortage, case.failed)), MAX_GROWTH)
    growth = min(max(needed * MARGIN, MIN_GROWTH), MAX_GROWTH)
    limit = _most_draws(case.plan, request.chains)
    draws = min(_rounded(request.draws * growth), limit)
    if draws <= request.draws or draws < needed * request.draws:
        return None
    words = [f"draws {request.draws} -> {draws}"]
    settings = {"draws": draws}
    far = any(f.metric == "rhat" and needed > FAR_SHORT for f in case.failed)
    tune = min(_rounded(request.tune * growth), MAX_TUNE)
    if far and tune > request.tune:
        words.append(f"tune {request.tune} -> {tune}")
        settings["tune"] = tune
    return _Change(tuple(words), settings)


def _rounded(number: float) -> int:
    return math.ceil(number / ROUNDED_TO) * ROUNDED_TO


def _most_draws(plan: ModelPlan, chains: int) -> int:
    """Return how many draws a chain may have after a step up."""
    scalars = sum(math.prod(p.shape) for p in plan.parameters if not p.is_fixed)
    return min(MAX_TOTAL_DRAWS, MAX_DRAW_BYTES // (8 * max(scalars, 1))) // chains


def _flipped(case: _Case, findings: Sequence[Finding]) -> _Change | None:
    """Other coordinates for the group terms that the findings name.

    Divergences name none: then it is the term with the fewest effective draws.
    """
    if not case.has_coordinates:
        return None
    left = {term: forms[0] for term, forms in _forms_left(case).items() if forms}
    chosen = [term for term in terms_named(findings, case.plan) if term in left]
    if not terms_named(findings, case.plan):
        weakest = terms_named(by_effective(case.findings), case.plan)
        chosen = [term for term in weakest if term in left][:1]
    forms = {term: left[term] for term in chosen}
    before = {c.term: c.form for c in case.plan.centring}
    words = tuple(f"{term} {before[term]} -> {form}" for term, form in forms.items())
    return _Change(words, forms=forms) if forms else None


def _forms_left(case: _Case) -> dict[str, tuple[Form, ...]]:
    tried: dict[str, set[Form]] = {}
    for trial in case.trials:
        for centring in trial.plan.centring:
            tried.setdefault(centring.term, set()).add(centring.form)
    return {c.term: forms_left(c, case.plan.family, tried[c.term]) for c in case.plan.centring}
