"""Optional libraries of other libraries that a process does without."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Absent:
    """A finder that says of one module that it is not installed.

    ``None`` in `sys.modules` would say so too, but scipy takes what stands there for the module.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def do_without(name: str) -> None:
    """Make imports of a module fail in this process, unless it is loaded already.

    xarray imports ``sparse``, and numba with it, only to ask whether an array is of its kind.

    Parameters
    ----------
    name
        Of a top-level module.
    """
    known = any(isinstance(finder, _Absent) and finder.name == name for finder in sys.meta_path)
    if not known:
        sys.meta_path.insert(0, _Absent(name))
