"""Whether the draws are what was asked for: all there, finite, moving, and no chain a copy."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hiermix.diagnostics.scalars import Block, blocks
from hiermix.measurement import Measurement

if TYPE_CHECKING:
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

METRIC = "integrity_defects"


def integrity(fit: Fit, plan: ModelPlan) -> Iterator[Measurement]:
    """Yield one ``integrity_defects`` for each kind of defect; 0 where there is none.

    R-hat and ESS see none of these: an infinite draw reads 1.0003, copied chains 1.001. Chains
    are called as ``posterior.nc`` counts them.
    """
    posterior = fit.tree["posterior"].dataset if "posterior" in fit.tree else xr.Dataset()
    yield _draws_present(fit, posterior)
    absent, infinite, still, copied = Tally(), Tally(), Tally(), Tally()
    for block in blocks(fit, plan):
        if block.draws is None:
            absent.add(block, np.ones(len(block.names)), [block.problem])
        elif block.draws.shape[2]:
            names = _chain_names(posterior, block.draws.shape[1])
            infinite.add(block, (~np.isfinite(block.draws)).sum(axis=(1, 2)))
            stuck = _stuck(block.draws)
            still.add(block, stuck.sum(axis=1), (names[i] for i in np.nonzero(stuck)[1]))
            for i, j in itertools.combinations(range(len(names)), 2):
                same = _same(block.draws[:, i], block.draws[:, j]) & ~stuck[:, i]
                copied.add(block, same, [f"{names[i]} = {names[j]}"])
    yield absent.measured("parameters", "{places}")
    yield infinite.measured("finite draws", "not finite")
    yield still.measured("moving chains", "never moves in chain {places}")
    yield copied.measured("distinct chains", "the same in chains {places}")


@dataclass
class Tally:
    """Which scalars have one kind of defect, how often, and where."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)

    def add(self, block: Block, counts: np.ndarray, places: Iterable[str] = ()) -> None:
        """Add the counts of a block's scalars, shape ``(n,)``; ``places`` if there are any."""
        at = np.nonzero(counts)[0]
        for i in at:
            name = block.names[i]
            self.counts[name] = self.counts.get(name, 0) + int(counts[i])
        if len(at):
            self.places.update(dict.fromkeys(places))

    def measured(self, looked_at: str, note: str) -> Measurement:
        """Return the measurement, which names what was looked at if there is no defect."""
        if not self.counts:
            return Measurement(METRIC, "run", looked_at, 0.0)
        first, *others = self.counts
        name = f"{first} and {len(others):,} more" if others else first
        said = note.format(places=", ".join(sorted(self.places)))
        return Measurement(METRIC, "run", name, float(sum(self.counts.values())), said)


def _draws_present(fit: Fit, posterior: xr.Dataset) -> Measurement:
    asked = fit.request
    n_chains, n_draws = posterior.sizes.get("chain", 0), posterior.sizes.get("draw", 0)
    missing = asked.chains * asked.draws - n_chains * n_draws
    wrong = (n_chains, n_draws) != (asked.chains, asked.draws)
    note = f"{n_chains} of {asked.chains} chains, {n_draws:,} of {asked.draws:,} draws in each"
    return Measurement(METRIC, "run", "draws", float(max(abs(missing), 1) if wrong else 0), note)


def _chain_names(posterior: xr.Dataset, n_chains: int) -> list[str]:
    if "chain" in posterior.coords:
        return [str(name) for name in posterior["chain"].values]
    return [str(i) for i in range(n_chains)]


def _stuck(draws: np.ndarray) -> np.ndarray:
    """Tell which chains have a single value, shape ``(n, n_chains)``."""
    stuck: np.ndarray = draws[:, :, 0] == draws[:, :, -1]
    at = np.nonzero(stuck)
    stuck[at] = (draws[at] == draws[at][:, :1]).all(axis=1)
    return stuck


def _same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell which scalars agree in every draw of two chains, shape ``(n,)``."""
    same: np.ndarray = one[:, 0] == other[:, 0]
    at = np.nonzero(same)
    same[at] = (one[at] == other[at]).all(axis=1)
    return same
