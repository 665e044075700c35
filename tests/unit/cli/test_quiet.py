import io
import logging
import subprocess
import sys
import warnings

import pytest

from hiermix.cli.quiet import libraries
from hiermix.cli.terminal import Terminal


def chatter():
    print("printed")
    sys.stderr.write("written\n")
    logging.getLogger("pymc").info("logged")
    warnings.warn("warned", stacklevel=1)


def test_words_of_libraries_go_to_the_log():
    terminal = Terminal(io.StringIO(), io.StringIO(), {})
    with libraries(terminal), warnings.catch_warnings(action="always"):
        chatter()
    assert terminal.out.getvalue() == terminal.err.getvalue() == ""
    for word in ("printed", "written", "pymc: logged", "warned"):
        assert word in terminal.logged()


def test_verbose_shows_them_on_stderr():
    terminal = Terminal(io.StringIO(), io.StringIO(), {})
    terminal.verbose = True
    with libraries(terminal), warnings.catch_warnings(action="always"):
        chatter()
    assert terminal.out.getvalue() == ""
    for word in ("printed", "written", "pymc: logged", "warned"):
        assert word in terminal.err.getvalue()
        assert word in terminal.logged()


def test_everything_is_put_back_also_after_an_error():
    terminal = Terminal(io.StringIO(), io.StringIO(), {})
    root = logging.getLogger()
    before = (sys.stdout, sys.stderr, root.handlers, root.level, warnings.showwarning)
    with pytest.raises(ValueError, match="x"), libraries(terminal):
        raise ValueError("x")
    assert (sys.stdout, sys.stderr, root.handlers, root.level, warnings.showwarning) == before


def test_code_below_python_cannot_write_to_stdout_either():
    script = (
        "import os, sys; from hiermix.cli.terminal import Terminal;"
        "from hiermix.cli.quiet import libraries; t = Terminal(sys.stdout, sys.stderr, {})\n"
        "with libraries(t):\n os.write(1, b'compiled\\n'); os.system('echo child')\n"
        "t.result('result'); assert t.logged() == 'compiled\\nchild\\n', t.logged()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "result\n", "")
