"""Many models of one kind, fitted one after the other or on a pool of processes."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from hiermix.absence import do_without
from hiermix.errors import EngineError
from hiermix.listening import Listener
from hiermix.pipeline import Prepared, RunResult, fit

if TYPE_CHECKING:
    from hiermix.engines import ChainProgress

POLL_SECONDS = 0.2
"""How often the parent looks up from waiting, to hear of signals."""

NOTES = 10
"""Notes about finished fits, at most about so many."""


def fit_each[T](
    models: Mapping[str, Prepared],
    digest: Callable[[RunResult], T],
    listener: Listener,
    *,
    jobs: int,
) -> dict[str, T | EngineError]:
    """Fit every model and return what is made of each fit.

    Parameters
    ----------
    models
        By name.
    digest
        Runs where the fit ran, so that only what it returns travels: a function of a module, or a
        ``functools.partial`` of one.
    listener
        Hears how many fits are finished.
    jobs
        Processes. 1 fits in this one; more are workers of their own, with one core each. Results
        do not depend on it.

    Returns
    -------
    dict
        In the order of ``models``; the error where there is no posterior.
    """

    def piece(name: str) -> Callable[[], tuple[Prepared, Callable[[RunResult], T]]]:
        return lambda: (models[name], digest)

    return fit_pieces({name: piece(name) for name in models}, listener, jobs=jobs)


def fit_pieces[T](
    pieces: Mapping[str, Callable[[], tuple[Prepared, Callable[[RunResult], T]]]],
    listener: Listener,
    *,
    jobs: int,
) -> dict[str, T | EngineError]:
    """Do as `fit_each` does, with a digest for each model.

    Parameters
    ----------
    pieces
        What makes a model and its digest, by name: called when its turn comes, so that hundreds of
        designs never exist together.
    listener, jobs
        As for `fit_each`.
    """
    names = list(pieces)
    found: dict[str, T | EngineError] = {}
    tasks = ((name, *pieces[name]()) for name in names)
    finished = (
        _in_workers(tasks, listener, min(jobs, len(names))) if jobs > 1 else _here(tasks, listener)
    )
    step = max(1, -(-len(names) // NOTES))
    # Closed at once where the listener raises, not when the traceback is gone.
    with contextlib.closing(finished):
        for name, value in finished:
            found[name] = value
            listener.progress(())
            if len(found) % step == 0 or len(found) == len(names):
                listener.note(f"{len(found)} of {len(names)} fits finished")
    return {name: found[name] for name in names}


Task = tuple[str, Prepared, Callable[[RunResult], Any]]


def _here(tasks: Iterator[Task], listener: Listener) -> Generator[tuple[str, Any]]:
    for name, model, digest in tasks:
        yield name, _digested(model, digest, _Deaf(listener))


def _digested(model: Prepared, digest: Callable[[RunResult], Any], heard: Listener) -> Any:
    # Imported here: it comes with numpy's libraries, whose threads it holds.
    from threadpoolctl import threadpool_limits

    # One thread of BLAS, here as in a worker: sums depend on how many add them up.
    with threadpool_limits(1):
        try:
            return digest(fit(model, heard))
        except EngineError as error:
            return error


class _Deaf:
    """Hears of everything and tells nobody: of hundreds of fits nobody reads the stages.

    A listener is only shown that time passes, so that it can hear of signals.
    """

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener

    def stage(self, name: str) -> None:
        """Hear of a stage."""
        self.progress(())

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Hear of the chains."""
        if self._listener is not None:
            self._listener.progress(())

    def warn(self, text: str) -> None:
        """Hear a warning."""

    def note(self, text: str) -> None:
        """Hear a note."""


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    pipe: Connection

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _in_workers(tasks: Iterator[Task], listener: Listener, jobs: int) -> Generator[tuple[str, Any]]:
    """Yield names and digests as they are finished; no process is left when it ends or raises."""
    busy: dict[Connection, tuple[str, _Worker]] = {}
    workers: list[_Worker] = []
    try:
        for task in tasks:
            if len(busy) < jobs:
                workers.append(_started())
                _give(workers[-1], task, busy)
                continue
            worker, outcome = _next_finished(busy, listener)
            if not worker.process.is_alive():
                workers.remove(worker)
                worker.end()
                workers.append(worker := _started())
            _give(worker, task, busy)
            yield outcome
        while busy:
            _, outcome = _next_finished(busy, listener)
            yield outcome
    finally:
        for worker in workers:
            worker.end()


def _give(worker: _Worker, task: Task, busy: dict[Connection, tuple[str, _Worker]]) -> None:
    name, model, digest = task
    # A worker that died takes nothing; `_next_finished` tells.
    with contextlib.suppress(BrokenPipeError):
        worker.pipe.send((_on_one_core(model), digest))
    busy[worker.pipe] = name, worker


def _next_finished(
    busy: dict[Connection, tuple[str, _Worker]], listener: Listener
) -> tuple[_Worker, tuple[str, Any]]:
    while not (ready := wait(list(busy), POLL_SECONDS)):
        listener.progress(())
    pipe = ready[0]
    assert isinstance(pipe, Connection)
    name, worker = busy.pop(pipe)
    try:
        failed, value = pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return worker, (name, _lost(worker.process.exitcode))
    if failed:
        raise value
    return worker, (name, value)


def _lost(exit_code: int | None) -> EngineError:
    return EngineError(
        "engine.worker-died",
        f"the process of a fit ended without a result (exit code {exit_code})",
        hint="memory may have run out: take fewer --jobs",
    )


def _on_one_core(model: Prepared) -> Prepared:
    spec = model.loaded.spec
    spec = spec.model_copy(update={"fit": spec.fit.model_copy(update={"cores": 1})})
    return replace(model, loaded=replace(model.loaded, spec=spec))


def _started() -> _Worker:
    """Start a worker: spawned, since forked ones inherit locks of numba's and nutpie's threads."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), name="refits", daemon=True)
    # Ctrl-C reaches every process of a terminal. The parent alone answers it: what is blocked
    # here stays blocked in the child, from its first instruction on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return _Worker(process, ours)


def _work(pipe: Connection) -> None:
    """Fit what comes through the pipe until it is closed."""
    _be_silent()
    while True:
        try:
            model, digest = pipe.recv()
        except EOFError:
            return
        try:
            outcome = False, _digested(model, digest, _Deaf())
        except Exception as error:
            outcome = True, error
        pipe.send(_sendable(*outcome))


def _sendable(failed: bool, value: Any) -> tuple[bool, Any]:
    """Return what can travel: an exception that cannot be pickled goes as its text."""
    from multiprocessing.reduction import ForkingPickler

    try:
        ForkingPickler.loads(ForkingPickler.dumps(value))
    except Exception:
        return True, RuntimeError(f"{type(value).__name__}: {value}"[:1000])
    return failed, value


def _be_silent() -> None:
    """Keep libraries' words from the person's streams, which this process shares."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    do_without("sparse")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
