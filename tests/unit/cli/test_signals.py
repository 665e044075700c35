import signal
import subprocess
import sys
import time

import pytest

from hiermix.cli.signals import GRACE, watched

PRELUDE = """
import subprocess, sys, time
from hiermix.cli import signals
from hiermix.cli.boundary import guarded
from hiermix.cli.terminal import Terminal
def ready(): print("ready", flush=True)
"""

WAITS = "ready(); time.sleep(60)"

SWALLOWS = """
ready()
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
"""

SWALLOWS_ONCE = """
from hiermix.cli.signals import stop_if_signalled
ready()
try:
    time.sleep(60)
except BaseException:
    pass
stop_if_signalled()
print("went on", file=sys.stderr)
"""

HAS_CHILD = """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def started(body, grace=None):
    """Return a process that runs ``body`` guarded, and the first line that it printed.

    With a ``grace`` far beyond the time that ``ended`` waits, only what needs no grace ends.
    """
    indented = "\n".join("    " + row for row in body.strip().split("\n"))
    call = "sys.exit(guarded(body, Terminal.of_process()))"
    setting = "" if grace is None else f"signals.GRACE = {grace}"
    script = f"{PRELUDE}\n{setting}\ndef body():\n{indented}\n{call}"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def ended(process):
    """Return exit code and stderr once the process has ended, within a minute."""
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_the_command_with_the_code_of_shells(number, code, word):
    process, _ = started(WAITS, grace=1000)
    process.send_signal(number)
    returned, err = ended(process)
    assert returned == code
    assert err.startswith(f"error[signal.{word}]")
    assert "Traceback" not in err


def test_code_that_swallows_the_signal_is_ended_within_five_seconds():
    process, _ = started(SWALLOWS)
    process.send_signal(signal.SIGTERM)
    returned, _ = ended(process)
    assert returned == 143
    assert GRACE < 5


def test_a_second_signal_ends_at_once_what_swallows_the_first():
    process, _ = started(SWALLOWS, grace=1000)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    returned, _ = ended(process)
    assert returned == 130


def test_no_child_is_left_running():
    process, child = started(HAS_CHILD)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    deadline = time.monotonic() + 60
    while _alive(int(child)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(int(child))


def _alive(pid):
    """Return whether a process runs; one that only waits for its parent does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with watched():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_whose_exception_was_swallowed_stops_the_next_stage():
    process, _ = started(SWALLOWS_ONCE, grace=1000)
    process.send_signal(signal.SIGTERM)
    returned, err = ended(process)
    assert returned == 143
    assert err.startswith("error[signal.terminated]")
    assert "went on" not in err
