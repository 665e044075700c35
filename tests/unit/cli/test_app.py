"""The list of commands."""

from hiermix.cli.app import COMMANDS
from hiermix.cli.boundary import execute


def test_help_tells_each_command_in_a_whole_sentence(capsys):
    assert execute(["--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for each in COMMANDS:
        assert " ".join(each.__doc__.split("\n\n")[0].split()) in words
