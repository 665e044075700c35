"""Plan -> fit: the engines and which of them takes a plan."""

from hiermix.engines.base import (
    ChainProgress,
    Engine,
    Fit,
    FitRequest,
    ProgressListener,
    Session,
)
from hiermix.engines.choice import ENGINES, choose_engine

__all__ = [
    "ENGINES",
    "ChainProgress",
    "Engine",
    "Fit",
    "FitRequest",
    "ProgressListener",
    "Session",
    "choose_engine",
]
