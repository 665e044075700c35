"""Who hears of the stages, and how long each of them takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hiermix.engines import ChainProgress


class Listener(Protocol):
    """Hears what the pipeline does, for a person to see."""

    def stage(self, name: str) -> None:
        """Tell that a stage begins: ``data``, ``design``, ``model``, ``compile``, ``sample``..."""

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Tell the state of every chain while sampling."""

    def warn(self, text: str) -> None:
        """Pass on a sentence that a person should read."""

    def note(self, text: str) -> None:
        """Tell in a sentence what happens next and why."""


class Stages:
    """Tells the listener of stages and sums up their wall time in seconds."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Tell that a stage begins, and count the time until it ends."""
        self._listener.stage(name)
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - started})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count stages that somebody else has timed."""
        for name, value in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value
