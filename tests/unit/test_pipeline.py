"""How attempts go through the stages: engines are doubles whose draws are as told."""

import numpy as np
import pytest
from model_support import panel
from run_support import Silent

from hiermix import pipeline
from hiermix.engines import ENGINES, Fit
from hiermix.engines.draws import RawDraws
from hiermix.engines.posterior import posterior_tree
from hiermix.spec import load_spec

SPEC = """
name: attempts
data: {{path: data.csv}}
model: {{formula: "y ~ x + (x | g)"}}
fit: {{engine: {engine}, seed: 1, draws: 500, max_attempts: {max_attempts}}}
"""


class Scripted:
    """Independent draws, with as many divergences as the script says for each attempt."""

    name = "nuts"
    lacks = frozenset()

    def __init__(self, divergences, interrupt_at=None):
        self.divergences = divergences
        self.interrupt_at = interrupt_at
        self.opened = []
        self.requests = []

    def refusals(self, plan):
        return ()

    def open(self, plan, listener):
        self.opened.append(plan)
        return Session(self, plan)


class Collapsed(Scripted):
    """Has no divergences; the chains of the variance parameters do not move."""

    name = "exact"
    lacks = frozenset({"divergences", "energy", "tree_depth"})


class Session:
    def __init__(self, engine, plan):
        self.engine, self.plan = engine, plan

    def sample(self, request):
        number = len(self.engine.requests)
        self.engine.requests.append(request)
        if number + 1 == self.engine.interrupt_at:
            raise KeyboardInterrupt
        rng = np.random.default_rng(request.seed)
        size = (request.chains, request.draws)
        draws = {p.name: rng.normal(size=(*size, *p.shape)) for p in self.plan.parameters}
        draws |= {p.name: np.exp(draws[p.name]) for p in self.plan.parameters if p.role != "common"}
        if self.engine.name == "exact":
            for parameter in self.plan.parameters:
                if parameter.role == "group_sd":
                    draws[parameter.name][:] = 1.0
            raw = RawDraws(draws, {"lp": rng.normal(size=size)})
            tree = posterior_tree(self.plan, {n: n for n in draws}, raw, {})
            return Fit(tree, "exact", "scripted", request, lacks=self.engine.lacks)
        stats = {name: rng.normal(size=size) for name in ("energy", "lp")}
        diverging = np.zeros(size, dtype=bool)
        diverging.flat[: self.engine.divergences[number]] = True
        stats |= {"diverging": diverging, "reached_max_treedepth": np.zeros(size, dtype=bool)}
        tree = posterior_tree(self.plan, {n: n for n in draws}, RawDraws(draws, stats), {})
        return Fit(tree, self.engine.name, "scripted", request, seconds={"sample": 1.0})


class Listening(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    """Return a function that fits with a scripted engine."""
    panel(n_groups=12).to_csv(tmp_path / "data.csv", index=False)

    def fit(engine, max_attempts=3, asked="nuts", first=None):
        monkeypatch.setitem(ENGINES, "nuts", engine)
        if first is not None:
            monkeypatch.setitem(ENGINES, "exact", first)
        text = SPEC.format(max_attempts=max_attempts, engine=asked)
        loaded = load_spec(text, str(tmp_path / "spec.yaml"))
        listener = Listening()
        prepared = pipeline.prepare(loaded, tmp_path, listener)
        result = pipeline.fit(prepared, listener, chain_store=tmp_path / "chains")
        return result, listener

    return fit


def test_attempts_share_a_session_until_the_coordinates_change(fitted, tmp_path):
    engine = Scripted([5, 3, 0])
    result, listener = fitted(engine)
    assert not result.verdict.failed
    assert [a.divergences for a in result.attempts] == [5, 3, 0]
    assert len(engine.opened) == 2
    first, second = engine.opened
    assert second.parameters is first.parameters
    assert second.centring != first.centring
    assert [r.acceptance for r in engine.requests] == pytest.approx([0.95, 0.9875, 0.9875])
    assert {r.seed for r in engine.requests} == {1}
    assert len(listener.notes) == 2


def test_the_result_is_the_last_attempts_and_its_seconds_are_those_of_all(fitted):
    engine = Scripted([5, 3, 0])
    result, _ = fitted(engine)
    assert result.prepared.plan is engine.opened[-1]
    assert result.fit.request.target_accept == pytest.approx(0.9875)
    assert result.seconds["sample"] == 3.0
    assert {m.value for m in result.measurements if m.metric == "divergences"} == {0.0}


def test_a_misfit_warns_last_and_asks_for_no_other_attempt(fitted):
    # Draws from nowhere: data that they replicate look nothing like the data.
    engine = Scripted([0])
    result, listener = fitted(engine)
    assert len(engine.requests) == 1
    assert listener.notes == []
    assert result.verdict.status == "warn"
    found = [f for f in result.verdict.findings if f.phase == "posterior"]
    assert [f.gate for f in found] == ["predictive", "predictive_levels"]
    assert found[0].status == "warn"
    assert result.verdict.findings[-2:] == tuple(found)
    assert len(result.tables.predictive_checks)
    metrics = {m.metric for m in result.measurements}
    assert {"predictive_p", "predictive_level_p"} <= metrics
    assert result.attempts[0].failed_gates == ()


def test_one_attempt_is_made_where_the_spec_says_one(fitted):
    engine = Scripted([5])
    result, listener = fitted(engine, max_attempts=1)
    assert result.verdict.failed
    assert len(result.attempts) == len(engine.requests) == 1
    assert listener.notes == []


def test_finished_chains_are_kept_by_attempt_and_an_interrupted_run_repeats_them(fitted, tmp_path):
    stopped = Scripted([5, 3, 0], interrupt_at=2)
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped)
    again = Scripted([5, 3, 0])
    fitted(again)
    folders = [request.chain_store for request in again.requests]
    assert folders == [tmp_path / "chains" / f"attempt-{n}" for n in (1, 2, 3)]
    assert again.requests[:2] == stopped.requests


def test_an_engine_that_auto_chose_gives_way_to_the_next_one(fitted):
    collapsed, engine = Collapsed([0]), Scripted([5, 0])
    result, listener = fitted(engine, asked="auto", first=collapsed)
    assert [a.settings["engine"] for a in result.attempts] == ["exact", "nuts", "nuts"]
    assert [a.divergences for a in result.attempts] == [None, 5, 0]
    assert "parameterization" not in result.attempts[0].settings
    assert set(result.attempts[1].settings["parameterization"]) == {"1|g", "x|g"}
    assert len(collapsed.opened) == len(engine.opened) == 1
    assert listener.notes[0].endswith("failed: engine nuts")
    assert result.fit.engine == "nuts"
    assert not result.verdict.failed
    # Divergences are judged, since the engine that stands has them.
    statuses = {f.gate: f.status for f in result.verdict.findings}
    assert statuses["divergences"] == "pass"


def test_an_engine_that_the_spec_names_is_the_only_one(fitted):
    engine = Scripted([])
    result, listener = fitted(engine, asked="exact", first=Collapsed([0]))
    assert [a.settings["engine"] for a in result.attempts] == ["exact"]
    assert result.verdict.failed
    assert (engine.opened, listener.notes) == ([], [])
