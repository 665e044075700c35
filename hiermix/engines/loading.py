"""Importing the libraries of a fit without what they load for their plots.

Bambi and nutpie import all of ArviZ, matplotlib and seaborn when they are imported: two thirds of
the time that this takes. No fit calls any of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from hiermix.engines.flags import keep_generated_source, prepare_pytensor

NOT_NEEDED = ("arviz", "arviz_plots", "arviz_stats", "bambi.interpret", "sparse")

NUMPYRO = "arviz_base.io_numpyro"
"""Looks through the whole stack, twice, to say that NumPyro is not installed: .4 s."""


def load_bambi() -> None:
    """Import what builds Bambi models.

    Raises
    ------
    RuntimeError
        PyTensor has been imported already, with settings under which draws cannot be reproduced.
    """
    prepare_pytensor()
    with put_off(*NOT_NEEDED):
        import_module("hiermix.engines.bambi_model")
    keep_generated_source()


def load_nutpie() -> None:
    """Import what samples with nutpie."""
    with put_off(*NOT_NEEDED, NUMPYRO):
        import_module("hiermix.engines.nutpie_chains")
        import_module("arviz_base")  # PyMC's predictions are packed by it


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Give stand-ins to those who import certain modules in a block.

    A stand-in loads its module when it is first used after the block, and so does a function
    that was imported from it. Modules that are loaded already stay what they are.

    Parameters
    ----------
    names
        Of modules of which a block imports only functions by name, if it imports names at all.

    Examples
    --------
    >>> with put_off("this"):
    ...     import this
    >>> "this" in sys.modules
    False
    """
    # None in sys.modules says that there is no such module; those who import it at once need one.
    missing = [name for name in names if sys.modules.get(name) is None]
    before = {name: sys.modules[name] for name in missing if name in sys.modules}
    given = {name: _StandIn(name) for name in missing}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name, module in given.items():
            module.__dict__["waits"] = False
            del sys.modules[name]
        sys.modules.update(before)


class _StandIn(ModuleType):
    """A module that is not loaded; while it ``waits``, all that it has are functions."""

    waits = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not self.waits:
            return getattr(import_module(self.__name__), name)

        def late(*arguments: Any, **options: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*arguments, **options)

        return late
