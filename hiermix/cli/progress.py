"""What a person sees while the stages run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from hiermix.cli.signals import stop_if_signalled
from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line, visible
from hiermix.listening import Listener

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hiermix.engines.base import ChainProgress

STAGES = {
    "spec": "reading the spec",
    "data": "reading the data",
    "design": "building the design",
    "model": "planning the model",
    "state": "stating the model in Bambi",
    "reduce": "summing rows over levels",
    "compile": "compiling the model",
    "sample": "sampling",
    "predict": "drawing from the fitted model",
    "collect": "collecting draws",
    "diagnose": "computing diagnostics",
    "summarise": "summarising",
    "write": "writing files",
}


class Display(Listener, Protocol):
    """Hears what the pipeline does; ``warnings`` collects what a person should read."""

    warnings: list[str]


class Silent:
    """Shows nothing but warnings and notes."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.warnings: list[str] = []

    def stage(self, name: str) -> None:
        """Hear of a stage."""
        stop_if_signalled()

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Hear of the chains."""
        stop_if_signalled()

    def warn(self, text: str) -> None:
        """Show a warning once."""
        if text not in self.warnings:
            self.warnings.append(text)
            self._show(text)

    def note(self, text: str) -> None:
        """Show what happens next."""
        self.terminal.note(text)

    def _show(self, text: str) -> None:
        self.terminal.say(line(("warning", "warn"), f": {text}"))


class Lines(Silent):
    """One line for each stage: for logs and pipes."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(terminal)
        self._clock = clock
        self._start = clock()
        self._last = ""

    def stage(self, name: str) -> None:
        """Show the seconds since the start and the stage."""
        super().stage(name)
        if name != self._last:
            self._last = name
            seconds = self._clock() - self._start
            self.terminal.say(line((f"[{seconds:6.1f} s] ", "dim"), STAGES.get(name, name)))


class Bars(Silent):
    """A spinner for the stage and a bar for each chain: for terminals."""

    def __init__(self, terminal: Terminal, progress: Progress) -> None:
        super().__init__(terminal)
        self._bars = progress
        self._stage: TaskID | None = None
        self._chains: dict[int, TaskID] = {}

    def stage(self, name: str) -> None:
        """Show the stage; bars of chains vanish when sampling is over."""
        super().stage(name)
        if self._stage is not None:
            self._bars.remove_task(self._stage)
        for task in self._chains.values():
            self._bars.remove_task(task)
        self._chains.clear()
        self._stage = self._bars.add_task(visible(STAGES.get(name, name)), total=None, note="")

    def _show(self, text: str) -> None:
        """Wait: a line among moving bars would be overwritten."""

    def note(self, text: str) -> None:
        """Show what happens next above the bars, at once."""
        self._bars.print(visible(f"note: {text}"), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Show the warnings that came while bars were drawn."""
        for text in self.warnings:
            super()._show(text)

    def progress(self, chains: tuple[ChainProgress, ...]) -> None:
        """Show draws, divergences and time left of every chain."""
        super().progress(chains)
        for chain in chains:
            if chain.chain not in self._chains:
                self._chains[chain.chain] = self._bars.add_task(
                    f"chain {chain.chain + 1}", total=chain.total, note=""
                )
            self._bars.update(
                self._chains[chain.chain], completed=chain.finished, note=chain_note(chain)
            )


def chain_note(chain: ChainProgress) -> str:
    """Return the state of a chain in words.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> chain_note(SimpleNamespace(finished=1200, total=2000, divergences=1, tuning=False))
    '1200/2000 sampling, 1 divergence'
    """
    doing = "tuning" if chain.tuning else "sampling"
    plural = "" if chain.divergences == 1 else "s"
    return f"{chain.finished}/{chain.total} {doing}, {chain.divergences} divergence{plural}"


@contextmanager
def display(terminal: Terminal, stages: bool = True) -> Iterator[Display]:
    """Yield the listener that suits the terminal.

    Parameters
    ----------
    terminal
        Bars are drawn only where it is interactive and not verbose.
    stages
        Tell of stages; without it only warnings are shown.
    """
    if terminal.quiet or not stages:
        yield Silent(terminal)
    elif terminal.interactive and not terminal.verbose:
        progress = _bars(terminal)
        bars = Bars(terminal, progress)
        try:
            with progress:
                yield bars
        finally:
            bars.close()
    else:
        yield Lines(terminal)


def _bars(terminal: Terminal) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=terminal.err, no_color=not terminal.coloured, highlight=False)
    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
