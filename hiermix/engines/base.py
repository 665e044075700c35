"""What an engine is and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hiermix.model.plan import ModelPlan

if TYPE_CHECKING:
    import xarray as xr

TARGET_ACCEPT = 0.95
"""Acceptance rate that step sizes aim at where the spec names none."""


@dataclass(frozen=True)
class FitRequest:
    """How to sample; ``reduce`` says that rows may be merged without loss."""

    draws: int
    tune: int
    chains: int
    seed: int
    cores: int
    target_accept: float | None = None
    max_treedepth: int = 10
    sampler: str = "nutpie"
    chain_store: Path | None = None
    reduce: bool = True

    @property
    def acceptance(self) -> float:
        """Acceptance rate that step sizes aim at."""
        return TARGET_ACCEPT if self.target_accept is None else self.target_accept


@dataclass(frozen=True)
class ChainProgress:
    """State of one chain; ``finished`` counts draws including tuning, out of ``total``."""

    chain: int
    finished: int
    total: int
    divergences: int
    tuning: bool


class ProgressListener(Protocol):
    """Hears of the sampling as it goes on."""

    def stage(self, name: str) -> None:
        """Tell that a stage begins: ``compile``, ``sample``, ..."""

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Tell the state of every chain."""


@dataclass(frozen=True)
class Fit:
    """A posterior and how it came about.

    Attributes
    ----------
    tree
        ArviZ DataTree with the groups ``posterior`` (the variables of ``ModelPlan.parameters``,
        same names, dims ``(chain, draw, ...)``), ``sample_stats`` (ArviZ names; those that the
        engine has of ``diverging``, ``tree_depth``, ``reached_max_treedepth``, ``energy``,
        ``acceptance_rate``, ``n_steps``, ``step_size``, ``lp``), ``observed_data`` and, where
        feasible, ``log_likelihood`` and ``posterior_predictive`` (fewer draws; dims ``chain,
        draw, __obs__``).
    lacks
        Metrics that this engine cannot have (``divergences``, ``tree_depth``, ``energy``): only
        these may be "not applicable" to a gate.
    """

    tree: xr.DataTree
    engine: str
    sampler: str
    request: FitRequest
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()


class Session(Protocol):
    """One plan in the hands of an engine: what is made for it once serves every attempt."""

    def sample(self, request: FitRequest) -> Fit:
        """Return draws of the posterior; raise ``EngineError`` if there are none."""


class Engine(Protocol):
    """A way to get the posterior of a plan."""

    name: str
    lacks: frozenset[str]

    def refusals(self, plan: ModelPlan) -> tuple[str, ...]:
        """Return why this engine cannot fit the plan; empty if it can."""

    def open(self, plan: ModelPlan, listener: ProgressListener) -> Session:
        """Take up a plan that the engine does not refuse; the work begins with the first draw."""


def adapts(engine: Engine) -> bool:
    """Tell whether an engine sees the plan's coordinates, step sizes and tree depths.

    Those matter to trajectories, which are what diverges.
    """
    return "divergences" not in engine.lacks
