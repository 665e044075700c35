"""``hiermix run`` as a process: again, by force, interrupted, resumed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hiermix as package

pytestmark = pytest.mark.slow

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}

# One chain after the other, each long enough to be interrupted.
SPEC = """\
name: long
data: {path: data.csv}
model: {formula: "y ~ x + (1 | g)"}
fit: {draws: 20000, tune: 500, chains: 2, seed: 1, cores: 1}
outputs: {report: false}
"""

SECONDS_TO_START = 120
SECONDS_TO_STOP = 60


@pytest.fixture
def place(tmp_path):
    """Return a directory with a spec that takes seconds to sample."""
    rng = np.random.default_rng(1)
    level = np.repeat(np.arange(8), 6)
    x = rng.normal(size=len(level))
    y = x + rng.normal(size=8)[level] + rng.normal(size=len(level))
    rows = [f"{a},{b},g{c}" for a, b, c in zip(y, x, level, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["y,x,g", *rows]) + "\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def start(place, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "hiermix", "run", "spec.yaml", *options],
        cwd=place,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process):
    out, err = process.communicate(timeout=SECONDS_TO_START)
    return process.returncode, out, err


def wait_for(condition, process):
    limit = time.monotonic() + SECONDS_TO_START
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def stopped(process, number):
    """Send a signal; return the exit code, stdout and stderr once the process is gone."""
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS_TO_STOP)
    # The process led a session of its own: nothing of it may be left.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 0)
        pytest.fail("a child process is left")
    return process.returncode, out, err


def entries(place):
    """Return what is in the folder of the runs, without locks."""
    return {p.name for p in (place / "runs" / "long").iterdir() if not p.name.endswith(".lock")}


def kept_chains(place):
    return sorted(path.name for path in place.glob("runs/long/.*.chains/attempt-1/chain-?.npz"))


def test_a_run_is_resumed_after_signals_found_again_and_repeated_bit_for_bit(place):
    process = start(place)
    wait_for(lambda: kept_chains(place), process)
    code, out, err = stopped(process, signal.SIGINT)
    assert (code, out) == (130, "")
    assert "error[signal.interrupted]" in err
    assert kept_chains(place) == ["chain-0.npz"]
    assert {Path(name).suffix for name in entries(place)} == {".chains"}

    process = start(place)
    lines = iter(process.stderr.readline, "")
    assert any("sampling" in row for row in lines)
    code, out, _ = stopped(process, signal.SIGTERM)
    assert (code, out) == (143, "")
    assert kept_chains(place) == ["chain-0.npz"]

    code, out, err = finish(start(place))
    assert code == 0, err
    folder = place / out.strip()
    assert entries(place) == {folder.name, "latest"}
    resumed = (folder / "summary.csv").read_bytes()
    written = (folder / "manifest.json").stat().st_mtime_ns

    again, told, err = finish(start(place))
    assert (again, told) == (code, out)
    assert "nothing was fitted" in err
    assert "sampling" not in err
    assert (folder / "manifest.json").stat().st_mtime_ns == written

    # Uninterrupted, as no chains are kept by now.
    forced, told, err = finish(start(place, "--force"))
    assert (forced, told) == (code, out)
    assert "sampling" in err
    assert (folder / "manifest.json").stat().st_mtime_ns > written
    assert (folder / "summary.csv").read_bytes() == resumed
