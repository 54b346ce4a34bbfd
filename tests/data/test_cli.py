"""The command line as a whole: what `--help` lists, and what it need not load."""

import importlib
import subprocess
import sys

import click
import pytest

from data.cli import COMMANDS, main


def test_help_lists_every_command_whole(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in printed
        assert text in printed


def test_help_loads_no_command():
    """A search engine, a database driver and maps are not needed to list names."""
    program = "import sys; from data.cli import main; main(['--help']); print(sorted(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'click'" in printed
    for heavy in ("numpy", "sqlalchemy", "geopandas", "numba"):
        assert f"'{heavy}'" not in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_under_its_name(name):
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)
    assert command.help
