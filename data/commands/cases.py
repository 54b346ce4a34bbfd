"""`yiwangtu cases`: a city's own kinds of incidents, time limits, routing rules and office hours."""

import importlib
import re
from datetime import UTC, datetime, time
from itertools import pairwise
from pathlib import Path

import click
from sqlalchemy import text

from data.catalogue.rounds import load_rounds
from data.commands import statistics
from data.commands.connected import connected, load_file
from data.deadlines.store import recount
from data.errors import BadInputError
from data.imports.reference import load_categories, load_own_limits, store_own_routing
from data.integrations.questions import load_own_questions
from data.integrations.scopelist import store_own_scope
from data.supervision.rules import load_rules
from data.supervision.watch import look_at_all
from data.supervision.whistles import load_limits as load_whistle_limits
from data.supervision.whistles import load_reasons

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class CaseGroup(click.Group):
    """The commands of this module, and `receive`, which runs the server: naming it is no import, see `data.cli`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands."""
        return [*super().list_commands(ctx), "receive"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load `receive` when it is asked for."""
        if cmd_name != "receive":
            return super().get_command(ctx, cmd_name)
        found: click.Command = importlib.import_module("api.commands.receive").command
        return found


@click.group("cases", cls=CaseGroup)
def command() -> None:
    """Load kinds of incidents, time limits and routing rules from CSV files, set the hours of offices, count."""


command.add_command(statistics.statistics)


@command.command("categories")
@click.argument("file", type=click.Path(path_type=Path))
def categories(file: Path) -> int:
    """Load FILE (columns as in data/reference/category.csv); a class with a known code is replaced."""
    return load_file(file, load_categories, "类事项新增或有变 categories are new or different")


@command.command("limits")
@click.argument("file", type=click.Path(path_type=Path))
def limits(file: Path) -> int:
    """Load FILE (columns as in data/reference/sla_rule.csv); reports that come in from now on are due by it."""
    return load_file(file, load_own_limits, "条时限 time limits")


@command.command("routing")
@click.argument("file", type=click.Path(path_type=Path))
def routing(file: Path) -> int:
    """Make FILE (columns as in data/reference/routing_rule.csv) the newest version of the routing rules."""
    return load_file(file, store_own_routing, "（版本号）是现行派遣规则 is the version in use")


@command.command("rounds")
@click.argument("file", type=click.Path(path_type=Path))
def rounds(file: Path) -> int:
    """Make FILE (columns as in data/reference/round_item.csv) the list of what workers look at on their rounds."""
    return load_file(file, load_rounds, "项巡查内容 items of rounds")


@command.command("handovers")
@click.argument("file", type=click.Path(path_type=Path))
def handovers(file: Path) -> int:
    """Make FILE (columns as in data/reference/handover_scope.csv) the list of what 110 and 12345 may hand over."""
    return load_file(file, store_own_scope, "（版本号）是现行分流转办清单 is the version in use")


@command.command("questions")
@click.argument("file", type=click.Path(path_type=Path))
def questions(file: Path) -> int:
    """Load FILE (columns as in data/reference/category_question.csv): what Open311 apps ask of each kind."""
    return load_file(file, load_own_questions, "个问题 questions")


@command.command("hours")
@click.argument("spans", nargs=-1, required=True, metavar="HH:MM-HH:MM...")
def hours(spans: tuple[str, ...]) -> None:
    """Set the hours of a working day, such as 08:30-12:00 14:30-17:30."""
    read = [_span(span) for span in spans]
    for (_, closes), (opens, _) in pairwise(read):
        if opens < closes:
            raise BadInputError(
                f"{opens:%H:%M} comes before {closes:%H:%M}; hours follow each other and do not overlap"
            )
    with connected() as connection:
        connection.execute(text("DELETE FROM office_hour"))
        values = [{"opens": opens, "closes": closes} for opens, closes in read]
        connection.execute(text("INSERT INTO office_hour (opens, closes) VALUES (:opens, :closes)"), values)
    click.echo(f"办公时间 office hours: {' '.join(spans)}")


@command.command("steps")
@click.argument("file", type=click.Path(path_type=Path))
def steps(file: Path) -> int:
    """Load FILE (columns as in data/reference/supervision_rule.csv): when deadlines are told of, and whom."""
    return load_file(file, load_rules, "个督办步骤 steps before and after deadlines")


@command.command("whistle-reasons")
@click.argument("file", type=click.Path(path_type=Path))
def whistle_reasons(file: Path) -> int:
    """Load FILE (columns as in data/reference/whistle_reason.csv): for what streets may whistle for departments."""
    return load_file(file, load_reasons, "个吹哨理由 reasons for whistles")


@command.command("whistle-limits")
@click.argument("file", type=click.Path(path_type=Path))
def whistle_limits(file: Path) -> int:
    """Load FILE (columns as in data/reference/whistle_limit.csv): how long departments that are called may take."""
    return load_file(file, load_whistle_limits, "条吹哨时限 time limits of whistles")


@command.command("supervise")
@click.option("--at", "at", metavar="ISO", help="Look as of this time; now when left out.")
def supervise(at: str | None) -> None:
    """Write the steps of deadlines that fell due; the server does it by itself every 20 seconds."""
    now = _instant(at) if at else datetime.now(UTC)
    with connected() as connection:
        total = look_at_all(connection, now)
    click.echo(f"新记录的预警、超期与督办 steps written：{total.steps}")


@command.command("recount")
def recount_all() -> None:
    """Set due times anew after holidays, office hours or make-up days have changed; each change is in its history."""
    with connected() as connection:
        codes = recount(connection)
    click.echo(
        f"{len(codes)} 件事项的期限已重新计算 due times were set anew{'：' if codes else ''}{'、'.join(codes[:20])}"
    )


def _instant(text: str) -> datetime:
    """Read a time with its offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadInputError(f"{text} must be a time with its offset, such as 2026-10-08T11:00+08:00")
    return found.astimezone(UTC)


def _span(span: str) -> tuple[time, time]:
    """Read one span."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise BadInputError(f"{span} must be hours such as 08:30-12:00")
    opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if opens >= closes:
        raise BadInputError(f"{span} ends before it begins")
    return opens, closes
