import io
import itertools

import pytest

from hiermix.cli.progress import Bars, Lines, Silent, display
from hiermix.cli.terminal import Terminal
from hiermix.engines.base import ChainProgress


class Screen(io.StringIO):
    def isatty(self):
        return True


CHAINS = (
    ChainProgress(chain=0, finished=300, total=2000, divergences=0, tuning=True),
    ChainProgress(chain=1, finished=1500, total=2000, divergences=3, tuning=False),
)


def test_a_pipe_gets_one_line_for_each_stage():
    terminal = Terminal(None, io.StringIO(), {})
    shown = Lines(terminal, clock=itertools.count().__next__)
    for name in ("data", "sample", "sample", "odd\x1b"):
        shown.stage(name)
        shown.progress(CHAINS)
    assert terminal.err.getvalue() == (
        "[   1.0 s] reading the data\n[   2.0 s] sampling\n[   3.0 s] odd\\x1b\n"
    )


def test_a_warning_is_shown_once():
    terminal = Terminal(None, io.StringIO(), {})
    shown = Silent(terminal)
    shown.warn("two levels differ by case")
    shown.warn("two levels differ by case")
    assert terminal.err.getvalue() == "warning: two levels differ by case\n"
    assert shown.warnings == ["two levels differ by case"]


def test_a_screen_gets_a_bar_for_each_chain_and_warnings_afterwards():
    terminal = Terminal(None, Screen(), {"TERM": "xterm"})
    with display(terminal) as shown:
        assert isinstance(shown, Bars)
        shown.stage("[bold]sample")
        shown.progress(CHAINS)
        shown.warn("[bold]odd")
        assert "odd" not in terminal.err.getvalue()
        shown._bars.refresh()
        drawn = terminal.err.getvalue()
    assert "chain 1" in drawn
    assert "1500/2000 sampling, 3 divergences" in drawn
    assert "[bold]sample" in drawn
    assert "[bold]odd" in terminal.err.getvalue()


def test_a_note_is_shown_at_once_in_a_pipe_and_above_the_bars():
    pipe = Terminal(None, io.StringIO(), {})
    Lines(pipe).note("attempt 2 of at most 3")
    assert pipe.err.getvalue() == "note: attempt 2 of at most 3\n"
    screen = Terminal(None, Screen(), {"TERM": "xterm"})
    with display(screen) as shown:
        shown.stage("sample")
        shown.progress(CHAINS)
        shown.note("1|g [adapted] \x1b -> centered " + 80 * "x")
        assert "note: 1|g [adapted] \\x1b -> centered " + 80 * "x" in screen.err.getvalue()


def test_a_quiet_terminal_shows_no_notes():
    quiet = Terminal(None, io.StringIO(), {})
    quiet.quiet = True
    Silent(quiet).note("attempt 2 of at most 3")
    assert quiet.err.getvalue() == ""


@pytest.mark.parametrize(
    ("setting", "kind"), [("quiet", Silent), ("verbose", Lines), ("interactive", Bars)]
)
def test_the_display_suits_the_terminal(setting, kind):
    terminal = Terminal(None, Screen(), {})
    setattr(terminal, setting, True)
    with display(terminal) as shown:
        assert type(shown) is kind


def test_checks_show_no_stages():
    with display(Terminal(None, Screen(), {}), stages=False) as shown:
        assert type(shown) is Silent
