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
from layers.errors import BaseMapError, LayerError, UnknownLayerError

COMMANDS = {
    "up": ("api.commands.up", "启动全部服务 start everything"),
    "demo": ("api.commands.demo", "启动并载入两座演示城市 start with two demo cities"),
    "import": ("data.commands.imports", "导入文件到图层 import a file into a layer"),
    "export": ("data.commands.exports", "导出图层 export a layer"),
    "rebalance": ("data.commands.rebalance", "按户数区间重划网格 re-cut grids to a household band"),
    "merge": ("data.commands.merge", "多网合一 merge several grid layers"),
    "streets": ("data.commands.streets", "检查步行路网 how whole a walking network is"),
    "gaps": ("data.commands.gaps", "服务缺口与达标判定 who is not served, and by which rule"),
    "site": ("data.commands.site", "选址 where to build"),
    "rules": ("data.commands.rules", "规则集 rulebooks of life circles"),
    "targets": ("data.commands.targets", "承诺目标与进度 promises and how far they are"),
    "calendar": ("data.commands.calendar", "节假日与调休 holidays and make-up workdays"),
    "cases": ("data.commands.cases", "事项类别、时限与派遣规则 kinds of incidents, time limits, routing"),
    "services": ("data.commands.services", "服务事项 what stations do, and what to bring"),
    "report": ("data.commands.report", "生活圈体检报告 reports as HTML and PDF"),
    "user": ("data.commands.user", "账号与授权 accounts, roles, tokens"),
    "token": ("data.commands.token", "其他系统的令牌 tokens of other systems"),
    "webhook": ("data.commands.webhook", "向110、12345回告 telling 110 and 12345"),
    "check": ("data.commands.check", "数据自检 check the data"),
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
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
    except (BadInputError, NotFoundError, InvalidInputError, UnknownLayerError, BaseMapError) as error:
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
