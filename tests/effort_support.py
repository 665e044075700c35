"""Limits on work in steps of the interpreter: unlike seconds, the same on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The numbers 0 to 2 and 5 are reserved for debuggers, coverage, profilers and optimisers.
TOOL = 4


class TooMuchWork(AssertionError):
    """More steps than the limit; raised where the code then is."""


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Fail as soon as the block has taken more than ``steps`` calls and jumps.

    An endless or exploding loop ends there too. Work inside one call of compiled code is one step.
    """
    events = sys.monitoring.events
    taken = 0

    def count(*_event: object) -> None:
        nonlocal taken
        taken += 1
        if taken > steps:
            raise TooMuchWork(f"more than {steps} steps")

    sys.monitoring.use_tool_id(TOOL, "hiermix tests")
    try:
        for event in (events.CALL, events.JUMP):
            sys.monitoring.register_callback(TOOL, event, count)
        sys.monitoring.set_events(TOOL, events.CALL | events.JUMP)
        yield
    finally:
        sys.monitoring.set_events(TOOL, events.NO_EVENTS)
        sys.monitoring.free_tool_id(TOOL)
