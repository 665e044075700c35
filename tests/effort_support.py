"""Limits on work in calls of functions: unlike seconds, they are the same on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class TooMuchWork(AssertionError):
    """More calls than the limit; raised where the code then is."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Fail as soon as the block has called more than so many functions, compiled ones too.

    A loop or recursion that explodes ends there; work inside one compiled function is one call,
    and making an object of a compiled type is none. A block that catches the failure fails at its
    end.
    """
    taken = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal taken
        taken += event in ("call", "c_call")
        if taken > calls:
            raise TooMuchWork(f"more than {calls} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    if taken > calls:
        raise TooMuchWork(f"more than {calls} calls")
