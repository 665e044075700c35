"""Chains on PyMC's own NUTS, in this process.

PyMC's worker processes outlive a parent that is terminated, and PyMC swallows an interrupt once
tuning is over; so chains run one after the other and the callback raises what it is told to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pymc as pm

from hiermix.engines.base import ChainProgress, FitRequest, ProgressListener
from hiermix.engines.draws import ChainDraws
from hiermix.engines.nutpie_chains import chain_seed
from hiermix.errors import EngineError

STATS = (
    "diverging",
    "tree_depth",
    "reached_max_treedepth",
    "energy",
    "acceptance_rate",
    "n_steps",
    "step_size",
    "lp",
)


def sample_chains(
    model: Any, names: Iterable[str], request: FitRequest, listener: ProgressListener
) -> list[ChainDraws]:
    """Sample every chain with ``pymc.sample``, storing only the variables in ``names``.

    Raises
    ------
    EngineError
        PyMC found no starting point, or returned fewer draws than asked.
    """
    total = request.tune + request.draws
    finished: list[ChainDraws] = []
    names = list(names)

    def states(chain: int, done: int, divergences: int) -> tuple[ChainProgress, ...]:
        past = [
            ChainProgress(i, total, total, int(c.stats["diverging"].sum()), False)
            for i, c in enumerate(finished)
        ]
        now = ChainProgress(chain, done, total, divergences, done <= request.tune)
        rest = [ChainProgress(i, 0, total, 0, True) for i in range(len(past) + 1, request.chains)]
        return (*past, now, *rest)

    for chain in range(request.chains):
        seen = {"divergences": 0, "done": 0}

        def heard(trace: Any, draw: Any, chain: int = chain, seen: dict[str, int] = seen) -> None:
            seen["done"] += 1
            if not draw.tuning:
                seen["divergences"] += int(draw.stats[0]["diverging"])
            if seen["done"] % 50 == 0:
                listener.progress(states(chain, seen["done"], seen["divergences"]))

        try:
            tree = pm.sample(
                draws=request.draws,
                tune=request.tune,
                chains=1,
                cores=1,
                random_seed=chain_seed(request.seed, chain) % 2**32,
                model=model,
                var_names=names,
                nuts_sampler="pymc",
                nuts={
                    "target_accept": request.acceptance,
                    "max_treedepth": request.max_treedepth,
                },
                progressbar=False,
                compute_convergence_checks=False,
                callback=heard,
            )
        except (pm.SamplingError, RuntimeError, ValueError) as error:
            raise EngineError(
                "engine.sampling-failed",
                f"chain {chain}: {str(error).splitlines()[0][:300]}",
                hint="check the priors that `hiermix explain` prints",
            ) from error
        posterior = tree["posterior"]
        if posterior.sizes["draw"] != request.draws:
            raise KeyboardInterrupt  # PyMC returns short after an interrupt
        finished.append(
            ChainDraws(
                {str(n): np.asarray(v.values)[0] for n, v in posterior.data_vars.items()},
                {n: np.asarray(tree["sample_stats"][n].values)[0] for n in STATS},
            )
        )
    return finished
