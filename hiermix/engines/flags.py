"""Settings of PyTensor that have to be there before it is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPRODUCIBLE = "numba__fastmath=False"
"""With fastmath a cold and a warm compile cache give different draws for the same seed."""


def prepare_pytensor() -> None:
    """Ask for bit-identical arithmetic; call before the first import of pytensor.

    Raises
    ------
    RuntimeError
        PyTensor has been imported already, with other settings.
    """
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    if "numba__fastmath" not in flags:
        os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, REPRODUCIBLE]))
    if "pytensor" in sys.modules:
        config = sys.modules["pytensor"].config
        if config.numba__fastmath:
            raise RuntimeError("pytensor was imported with numba__fastmath=True")


def keep_generated_source() -> None:
    """Have PyTensor write its generated source beside its other caches, and prune it there.

    By default each compiled function leaves a file in the system's temporary directory for ever.
    """
    from pytensor.configdefaults import config

    if not config.generated_src_dir:
        config.generated_src_dir = str(Path(config.compiledir) / "generated")
