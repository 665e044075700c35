"""Many fits, here and in workers."""

import multiprocessing
import os

import numpy as np
import pytest
from run_support import Silent, draws_of, spec_path

from hiermix import pipeline
from hiermix.errors import EngineError
from hiermix.spec import load_spec
from hiermix.studies.refits import NOTES, fit_each
from hiermix.studies.training import trained_on

pytestmark = pytest.mark.slow


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def models():
    path = spec_path("eight_schools")
    small = ["fit.draws=100", "fit.tune=100", "fit.chains=2"]
    loaded = load_spec(path.read_bytes(), str(path), small)
    prepared = pipeline.prepare(loaded, path.parent, Silent())
    every = np.arange(prepared.design.n_obs)
    return {f"without {j}": trained_on(prepared, np.delete(every, j)) for j in (4, 1, 2)}


def summary(result):
    return {name: draws.tobytes() for name, draws in draws_of(result).items()}


def refused_at_first(result):
    if result.prepared.design.main.factors[0].levels[1] == "C":
        raise EngineError("engine.test", "no posterior here")
    return float(result.prepared.design.n_obs)


def dead_at_first(result):
    if result.prepared.design.main.factors[0].levels[1] == "C":
        os._exit(7)
    return float(result.prepared.design.n_obs)


def defect(result):
    raise KeyError("a defect")


def pid(result):
    return os.getpid()


def no_children() -> bool:
    return not multiprocessing.active_children()


def test_results_do_not_depend_on_jobs_and_keep_the_order_of_the_models(models) -> None:
    notes = Notes()
    here = fit_each(models, summary, notes, jobs=1)
    there = fit_each(models, summary, Silent(), jobs=2)
    assert list(here) == list(there) == list(models)
    assert here == there
    assert len({frozenset(one.items()) for one in here.values()}) == 3
    assert notes.notes[-1] == "3 of 3 fits finished"
    assert no_children()


def test_workers_are_other_processes(models) -> None:
    assert set(fit_each(models, pid, Silent(), jobs=1).values()) == {os.getpid()}
    there = set(fit_each(models, pid, Silent(), jobs=2).values())
    assert os.getpid() not in there and 1 <= len(there) <= 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fit_without_a_posterior_is_a_value(models, jobs: int) -> None:
    found = fit_each(models, refused_at_first, Silent(), jobs=jobs)
    assert isinstance(found["without 1"], EngineError)
    assert found["without 1"].id == "engine.test"
    assert [found["without 4"], found["without 2"]] == [7.0, 7.0]


def test_a_worker_that_dies_loses_its_own_fit_only(models) -> None:
    found = fit_each(models, dead_at_first, Silent(), jobs=2)
    assert found["without 1"].id == "engine.worker-died" and "7" in str(found["without 1"])
    assert [found["without 4"], found["without 2"]] == [7.0, 7.0]
    assert no_children()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_defect_is_raised_and_leaves_no_process(models, jobs: int) -> None:
    with pytest.raises(KeyError, match="a defect"):
        fit_each(models, defect, Silent(), jobs=jobs)
    assert no_children()


def test_an_interrupt_ends_the_workers(models) -> None:
    class Interrupting(Silent):
        def progress(self, chains) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_each(models, summary, Interrupting(), jobs=2)
    assert no_children()


def test_a_listener_that_raises_between_fits_ends_the_workers(models) -> None:
    class Refusing(Silent):
        def note(self, text: str) -> None:
            raise KeyboardInterrupt

    try:
        fit_each(models, summary, Refusing(), jobs=2)
    except KeyboardInterrupt:
        assert no_children()
    else:
        pytest.fail("the interrupt was lost")


def test_hundreds_of_fits_make_a_few_notes(models, monkeypatch: pytest.MonkeyPatch) -> None:
    (model, *_) = models.values()
    monkeypatch.setattr("hiermix.studies.refits.fit", lambda prepared, listener: prepared)
    notes = Notes()
    fit_each({str(i): model for i in range(203)}, id, notes, jobs=1)
    assert len(notes.notes) <= NOTES + 1 and notes.notes[-1] == "203 of 203 fits finished"


def test_what_a_worker_prints_reaches_nobody(models, capfd: pytest.CaptureFixture[str]) -> None:
    assert set(fit_each(models, loud, Silent(), jobs=2).values()) == {None}
    assert capfd.readouterr() == ("", "")


def loud(result) -> None:
    print("loud")
    os.write(2, b"louder")
