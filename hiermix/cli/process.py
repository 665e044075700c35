"""What only the owner of a process may do, so that it starts and ends quickly."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import warnings
from typing import NoReturn

from hiermix.absence import do_without

NEW_OBJECTS = 50_000
"""Objects between two searches for garbage. Imports make a million that stay, which Python's
default of 700 has searched again and again: a tenth of a small run."""


def start() -> None:
    """Prepare a process that runs one command.

    Garbage is searched for less often. xarray is told that there is no ``sparse``: see
    `do_without`. numba would complain that it cannot extend itself by it.
    """
    _, *older = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *older)
    warnings.filterwarnings("ignore", message="Numba extension module 'sparse")
    do_without("sparse")


def end(code: int) -> NoReturn:
    """End this process at once, after what was asked to be done at its end.

    Python would first take apart every module, which lasts half a second after a fit.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)
