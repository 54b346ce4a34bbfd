"""The command `yiwangtu`: one module a subcommand, loaded by name when it is asked for.

Those that run the server live in `api.commands`: naming them here is no import, so the direction of imports holds.
"""

import importlib
import json
import logging
import os
import sys

import click

from data.errors import BadInputError, DataError, NotFoundError
from geo.errors import GeoError, InvalidInputError
from layers.errors import LayerError, UnknownLayerError

COMMANDS = {
    "up": "api.commands.up",
    "demo": "api.commands.demo",
    "import": "data.commands.imports",
    "export": "data.commands.exports",
    "rebalance": "data.commands.rebalance",
    "merge": "data.commands.merge",
    "streets": "data.commands.streets",
    "gaps": "data.commands.gaps",
    "site": "data.commands.site",
    "rules": "data.commands.rules",
    "targets": "data.commands.targets",
    "report": "data.commands.report",
    "user": "data.commands.user",
    "check": "data.commands.check",
}
EXIT_FAILURE, EXIT_BAD_INPUT = 1, 2
log = logging.getLogger("yiwangtu")


class LazyGroup(click.Group):
    """A click group that imports a subcommand's module only when it runs: `--help` and start-up stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one subcommand; every module has a click command called `command`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yiwangtu")
def group() -> None:
    """一网图 Yiwangtu: one map for city grid governance."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and turn errors into one sentence: exit code 2 for bad input, 1 for failure."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    if os.environ.get("YIWANGTU_LOG") == "debug":
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.DEBUG)
    try:
        code = group.main(arguments, prog_name="yiwangtu", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.Abort:
        return _fail("stopped", 130, as_json=as_json)
    except click.ClickException as error:
        return _fail(error.format_message(), EXIT_BAD_INPUT, as_json=as_json)
    except (BadInputError, NotFoundError, InvalidInputError, UnknownLayerError) as error:
        return _fail(str(error), EXIT_BAD_INPUT, as_json=as_json)
    except (DataError, GeoError, LayerError) as error:
        return _fail(str(error), EXIT_FAILURE, as_json=as_json)
    except Exception as error:  # the CLI edge: the trace goes to the log at debug level, never to the user
        log.debug("unexpected failure", exc_info=error)
        return _fail(
            f"unexpected failure ({type(error).__name__}); run with YIWANGTU_LOG=debug for the trace",
            1,
            as_json=as_json,
        )


def _fail(message: str, code: int, *, as_json: bool) -> int:
    """Say one sentence on standard error; as JSON on standard output when JSON was asked for."""
    if as_json:
        click.echo(json.dumps({"error": message}, ensure_ascii=False))
    click.echo(f"yiwangtu: {message}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
