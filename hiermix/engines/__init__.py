"""Plan -> fit: the engines and which of them takes a plan."""

from hiermix.engines.base import (
    ChainProgress,
    Engine,
    Fit,
    FitRequest,
    ProgressListener,
    Session,
    adapts,
)
from hiermix.engines.choice import ENGINES, choose_engine, engines_after

__all__ = [
    "ENGINES",
    "ChainProgress",
    "Engine",
    "Fit",
    "FitRequest",
    "ProgressListener",
    "Session",
    "adapts",
    "choose_engine",
    "engines_after",
]
