"""Chains on nutpie: one sampler a chain, at most ``cores`` of them at a time.

A chain's seed depends on the run's seed and the chain's number only, so draws do not depend on
the number of cores, and more chains keep the first ones. A chain that is finished is kept at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import nutpie
import pyarrow

from hiermix.engines.base import ChainProgress, FitRequest, ProgressListener
from hiermix.engines.draws import ChainDraws, load_chain, save_chain
from hiermix.engines.nutpie_entry import light_entries
from hiermix.errors import EngineError

POLL_SECONDS = 0.02
PROGRESS_SECONDS = 0.1
LOW_RANK_DIMENSIONS = 128
"""Up to here the low-rank mass matrix is adapted; its cost grows with the cube."""

LOW_RANK_GAMMA = 0.1
"""Regularisation of the low-rank estimate. nutpie's 1e-5 makes each update about 20 times slower
on 170 dimensions and gives no more effective draws."""

STATS = {
    "diverging": "diverging",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "energy": "energy",
    "mean_tree_accept": "acceptance_rate",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "logp": "lp",
}
"""nutpie's names of the sampler statistics -> ArviZ's."""


def compile_model(model: Any, names: Iterable[str]) -> Any:
    """Compile a PyMC model for nutpie, storing only the variables in ``names``."""
    with light_entries():
        return nutpie.compile_pymc_model(model, var_names=list(names))


def chain_seed(seed: int, chain: int) -> int:
    """Return the seed of one chain: 63 bits from a seed sequence over (seed, chain)."""
    state = np.random.SeedSequence([seed, chain]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def adaptation(dimensions: int) -> dict[str, Any]:
    """Return nutpie's mass-matrix settings for a posterior of so many dimensions."""
    if dimensions <= LOW_RANK_DIMENSIONS:
        return {"adaptation": "low_rank", "mass_matrix_gamma": LOW_RANK_GAMMA}
    return {"adaptation": "diag"}


def sample_chains(
    compiled: Any, dimensions: int, request: FitRequest, listener: ProgressListener
) -> list[ChainDraws]:
    """Sample every chain that is not kept from an earlier, interrupted run.

    Raises
    ------
    EngineError
        A chain found no starting point or nutpie gave up.
    """
    return _Run(compiled, dimensions, request, listener).all()


class _Run:
    def __init__(
        self, compiled: Any, dimensions: int, request: FitRequest, listener: ProgressListener
    ) -> None:
        self.compiled = compiled
        self.dimensions = dimensions
        self.request = request
        self.listener = listener
        self.total = request.tune + request.draws
        self.done: dict[int, ChainDraws] = {}
        self.running: dict[int, Any] = {}
        self.progress = {
            chain: ChainProgress(chain, 0, self.total, 0, True) for chain in range(request.chains)
        }

    def all(self) -> list[ChainDraws]:
        request = self.request
        if request.chain_store is not None:
            for chain in range(request.chains):
                kept = load_chain(request.chain_store, chain, request.draws)
                if kept is not None:
                    self._finish(chain, kept)
        waiting = [chain for chain in range(request.chains) if chain not in self.done]
        told = 0.0
        try:
            while waiting or self.running:
                while waiting and len(self.running) < request.cores:
                    chain = waiting.pop(0)
                    self.running[chain] = self._start(chain)
                time.sleep(POLL_SECONDS)
                for chain, sampler in list(self.running.items()):
                    if _is_finished(sampler):
                        del self.running[chain]
                        self._collect(chain, sampler)
                if time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    self._tell()
        finally:
            for sampler in self.running.values():
                sampler.cancel()
        self._tell()
        return [self.done[chain] for chain in range(request.chains)]

    def _start(self, chain: int) -> Any:
        def heard(states: list[Any]) -> None:
            state = states[0]
            self.progress[chain] = ChainProgress(
                chain,
                int(state.finished_draws),
                self.total,
                int(state.divergences),
                bool(state.tuning),
            )

        request = self.request
        return nutpie.sample(
            self.compiled,
            draws=request.draws,
            tune=request.tune,
            chains=1,
            cores=1,
            seed=chain_seed(request.seed, chain),
            save_warmup=False,
            progress_bar=False,
            progress_callback=heard,
            progress_rate=int(PROGRESS_SECONDS * 1000),
            blocking=False,
            return_raw_trace=True,  # else nutpie loads all of ArviZ for one container
            target_accept=request.acceptance,
            maxdepth=request.max_treedepth,
            **adaptation(self.dimensions),
        )

    def _collect(self, chain: int, sampler: Any) -> None:
        try:
            trace = sampler.wait()
        except Exception as error:
            raise EngineError(
                "engine.sampling-failed",
                f"chain {chain}: {_first_line(error)}",
                hint="a prior or the scale of a column may make the likelihood zero everywhere; "
                "`hiermix explain` prints both",
            ) from error
        result = _draws(trace, set(self.compiled.reparameterized_names))
        if self.request.chain_store is not None:
            save_chain(self.request.chain_store, chain, result)
        self._finish(chain, result)

    def _finish(self, chain: int, result: ChainDraws) -> None:
        self.done[chain] = result
        divergences = int(result.stats["diverging"].sum())
        self.progress[chain] = ChainProgress(chain, self.total, self.total, divergences, False)

    def _tell(self) -> None:
        self.listener.progress(tuple(self.progress[c] for c in sorted(self.progress)))


def _draws(trace: Any, transformed: set[str]) -> ChainDraws:
    """Return one chain of nutpie's Arrow table, without tuning and transformed variables."""
    (draws,), (stats,) = trace.get_arrow_trace()
    kept = ~_numbers(stats.column("tuning"))
    names = [name for name in draws.column_names if name not in transformed]
    return ChainDraws(
        {name: _numbers(draws.column(name))[kept] for name in names},
        {ours: _numbers(stats.column(theirs))[kept] for theirs, ours in STATS.items()},
    )


def _numbers(column: Any) -> np.ndarray:
    """Return a column as ``(draws, ...)``; its metadata tell the shape of one draw."""
    sizes = (column.field.metadata or {}).get(b"shape", b"").decode()
    shape = tuple(int(size) for size in sizes.split(",") if size)
    values = pyarrow.array(column)
    if shape:
        values = values.flatten()
    numbers: np.ndarray = values.to_numpy(zero_copy_only=False)
    return numbers.reshape(len(column), *shape)


def _is_finished(sampler: Any) -> bool:
    try:
        return bool(sampler.is_finished)
    except TimeoutError:  # nutpie 0.16 says so while the chain is busy
        return False


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
