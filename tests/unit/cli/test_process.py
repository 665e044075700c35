import os
import subprocess
import sys
from pathlib import Path

import hiermix as package


def ended(code: str) -> subprocess.CompletedProcess:
    root = Path(package.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", f"import sys\nfrom hiermix.cli.process import end\n{code}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": ""},
        timeout=60,
    )


def test_nothing_that_was_written_or_promised_is_lost_at_the_end():
    done = ended(
        "import atexit; atexit.register(print, 'promised')\n"
        "sys.stdout.write('written '); sys.stderr.write('told'); end(3)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "written promised\n", "told")


def test_a_process_without_streams_ends_with_its_code():
    done = ended("sys.stdout = sys.stderr = None; end(2)")
    assert done.returncode == 2


def test_modules_are_not_taken_apart():
    done = ended("class Last:\n    def __del__(self): print('taken apart')\nlast = Last(); end(0)")
    assert (done.returncode, done.stdout) == (0, "")
