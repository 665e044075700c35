from dataclasses import replace
from types import SimpleNamespace

import pytest
from model_support import panel, plan_of

from hiermix.engines import ENGINES, FitRequest
from hiermix.errors import EngineError
from hiermix.escalation.loop import Judged, escalate
from hiermix.escalation.rules import Trial
from hiermix.gates import Finding, Verdict
from hiermix.measurement import Measurement

DIVERGENT = Finding("divergences", "sampler", "fail", "divergences", 7.0, None, 0.0, "", "", "")


@pytest.fixture
def first():
    request = FitRequest(draws=100, tune=100, chains=4, seed=3, cores=1)
    return Trial(plan_of(panel(), "y ~ x + (1 | g)"), request, ENGINES["nuts"])


def run(first, outcomes, max_attempts=3, others=()):
    """Return judged, attempts, the trials that were sampled, and what was told."""
    sampled, told = [], []

    def sample(trial, number):
        sampled.append(trial)
        assert number == len(sampled)
        outcome = outcomes[number - 1]
        if isinstance(outcome, Exception):
            raise outcome
        counted = (Measurement("divergences", "run", "", float(outcome)),)
        verdict = Verdict("publish", (DIVERGENT,) * (outcome if outcome < 3 else 1))
        return Judged(trial, SimpleNamespace(), SimpleNamespace(), counted, verdict)

    judged, attempts = escalate(
        first,
        sample,
        max_attempts=max_attempts,
        others=others,
        note=lambda text: told.append(("note", text)),
        warn=lambda text: told.append(("warn", text)),
    )
    return judged, attempts, sampled, told


def test_a_fit_that_passes_is_the_only_attempt(first):
    judged, (attempt,), sampled, told = run(first, [0])
    assert (judged.trial, sampled, told) == (first, [first], [])
    assert (attempt.number, attempt.reason, attempt.failed_gates) == (1, "first attempt", ())


def test_the_last_attempt_counts_and_all_are_recorded(first):
    judged, attempts, sampled, told = run(first, [7, 0])
    assert judged.trial is sampled[-1]
    assert judged.verdict.status == "pass"
    assert [a.number for a in attempts] == [1, 2]
    assert [a.divergences for a in attempts] == [7, 0]
    assert [a.failed_gates for a in attempts] == [("divergences",), ()]
    assert [a.settings["target_accept"] for a in attempts] == [0.95, 0.9875]
    assert attempts[0].settings["parameterization"] == {"1|g": "adapted"}
    text = "attempt 2 of at most 3: divergences failed: target_accept 0.95 -> 0.9875"
    assert told == [("note", text)]


def test_one_attempt_is_one_attempt(first):
    judged, attempts, sampled, told = run(first, [7], max_attempts=1)
    assert len(attempts) == len(sampled) == 1
    assert judged.verdict.failed
    assert told == []


def test_a_later_attempt_without_draws_leaves_the_one_before(first):
    error = EngineError("engine.sampling-failed", "chain 0: no starting point")
    judged, attempts, sampled, told = run(first, [7, error, 0])
    assert judged.trial is first
    assert [a.error for a in attempts] == ["", "chain 0: no starting point"]
    assert len(sampled) == 2
    kind, text = told[-1]
    assert kind == "warn"
    assert "attempt 2 has no draws, the one before stands" in text


def test_a_first_attempt_without_draws_is_an_error(first):
    with pytest.raises(EngineError):
        run(first, [EngineError("engine.sampling-failed", "no")])


def test_the_attempt_with_the_fewest_failed_gates_stands(first):
    judged, attempts, sampled, told = run(first, [1, 2, 2])
    assert judged.trial is sampled[0]
    assert [a.stands for a in attempts] == [True, False, False]
    assert told[-1] == ("note", "attempt 1 stands: no later one has fewer failed gates")


def test_of_equals_the_last_stands(first):
    judged, attempts, sampled, _ = run(first, [2, 1, 1])
    assert judged.trial is sampled[2]
    assert [a.stands for a in attempts] == [False, False, True]


def test_another_engine_takes_over_where_the_first_has_no_draws(first):
    error = EngineError("engine.sampling-failed", "no proposal")
    exact = replace(first, engine=ENGINES["exact"])
    judged, attempts, sampled, _ = run(exact, [error, 0], others=(ENGINES["nuts"],))
    assert [t.engine.name for t in sampled] == ["exact", "nuts"]
    assert judged.trial is sampled[1]
    assert attempts[1].reason == "no proposal: engine nuts"
    with pytest.raises(EngineError, match="no proposal"):
        run(exact, [error, 0], max_attempts=1, others=(ENGINES["nuts"],))


def test_an_attempt_that_needs_more_memory_than_there_is_leaves_the_one_before(first):
    judged, attempts, sampled, _ = run(first, [7, MemoryError(), 0])
    assert judged.trial is sampled[0]
    assert [a.error for a in attempts] == ["", "not enough memory"]
