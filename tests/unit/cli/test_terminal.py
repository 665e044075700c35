import io
import os

import pytest

from hiermix.cli.terminal import Terminal
from hiermix.cli.text import line


class Screen(io.StringIO):
    def isatty(self):
        return True


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_styles_are_painted_on_a_screen_only():
    screen, pipe = Terminal(None, Screen(), {}), Terminal(None, io.StringIO(), {})
    for terminal in (screen, pipe):
        terminal.alert(line(("bad", "error"), " day"))
    assert screen.err.getvalue() == "\x1b[1;31mbad\x1b[0m day\n"
    assert pipe.err.getvalue() == "bad day\n"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(environment):
    terminal = Terminal(None, Screen(), environment)
    terminal.alert(line(("bad", "error")))
    assert terminal.err.getvalue() == "bad\n"


def test_an_empty_no_color_means_nothing():
    assert Terminal(None, Screen(), {"NO_COLOR": ""}).coloured


def test_results_that_come_in_pieces_hide_nothing_on_a_screen_either():
    screen, pipe = Terminal(Screen(), None, {}), Terminal(io.StringIO(), None, {})
    for terminal in (screen, pipe):
        terminal.stream().write("a\x1b[2J\n")
        terminal.stream().writelines(["b\n", "c\u202e\n"])
    assert screen.out.getvalue() == "a\\x1b[2J\nb\nc\\u202e\n"
    assert pipe.out.getvalue() == "a\x1b[2J\nb\nc\u202e\n"


def test_hidden_characters_never_reach_a_screen():
    terminal = Terminal(Screen(), Screen(), {"NO_COLOR": "1"})
    terminal.alert("label \x1b[2J", line("a\rb"))
    terminal.result("csv,\x1b[2J\n")
    assert terminal.err.getvalue() == "label \\x1b[2J\na\\rb\n"
    assert terminal.out.getvalue() == "csv,\\x1b[2J\n"


def test_a_program_gets_results_as_they_are():
    terminal = Terminal(io.StringIO(), None, {})
    terminal.result("csv,\x1b[2J\n")
    assert terminal.out.getvalue() == "csv,\x1b[2J\n"


def test_lines_on_stdout_have_no_styles():
    terminal = Terminal(Screen(), None, {})
    terminal.result_lines([line(("x", "bold"), "\x1b")])
    assert terminal.out.getvalue() == "x\\x1b\n"


def test_quiet_keeps_alerts():
    terminal = Terminal(None, io.StringIO(), {})
    terminal.quiet = True
    terminal.say("chatter")
    terminal.alert("important")
    assert terminal.err.getvalue() == "important\n"


def test_a_reader_that_left_does_not_stop_the_command():
    terminal = Terminal(Broken(), Broken(), {})
    terminal.result("x")
    terminal.alert("x")
    terminal.result("y")


def test_closed_streams_are_no_error():
    terminal = Terminal(None, None, {})
    terminal.result("x")
    terminal.alert("x")


def test_letters_that_the_encoding_lacks_are_escaped():
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii"), None, {})
    terminal.result("Zürich")
    assert raw.getvalue() == b"Z\\xfcrich\n"


def test_what_libraries_say_can_be_read_back_while_they_speak():
    terminal = Terminal(None, None, {})
    assert terminal.logged() == ""
    terminal.log.write("one\n")
    assert terminal.logged() == "one\n"
    os.write(terminal.log.fileno(), b"two\n")
    terminal.log.write("three\n")
    assert terminal.logged() == "one\ntwo\nthree\n"
