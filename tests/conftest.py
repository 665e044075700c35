import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Run by `make bench`, not by pytest.
collect_ignore_glob = ["bench/*"]

# Before anything imports matplotlib: no test has a display.
os.environ.setdefault("MPLBACKEND", "Agg")
# As the nuts engine asks for, before any test imports pytensor.
os.environ.setdefault("PYTENSOR_FLAGS", "numba__fastmath=False")

# The same examples every time, and nothing timed: CI machines are slow at odd moments.
settings.register_profile(
    "hiermix", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hiermix")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]
