"""Gap jobs: every unit of an area judged by every rule of a rulebook."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.errors import InvalidRequestError
from data.errors import NotFoundError
from data.lifecircle.content import Report, read_report
from data.lifecircle.examination import store_examination
from data.rules.files import plain
from data.rules.store import Rulebook, find_newest, parse_name, read_rulebook

RULEBOOK_NAME = r"^([a-z0-9][a-z0-9_.-]{0,39}(@[1-9][0-9]{0,5})?)?$"


class GapsParameters(BaseModel):
    """What a gap job may be told."""

    model_config = ConfigDict(extra="forbid")

    rulebook: str = Field(
        default="", pattern=RULEBOOK_NAME,
        description="CODE or CODE@VERSION; empty is the newest of the city's own, else the built-in one.",
    )  # fmt: skip


def find_rulebook(connection: Connection, name: str) -> Rulebook:
    """Find the rulebook of a name, or the newest.

    Raises
    ------
    InvalidRequestError
        If there is none of that name.
    """
    try:
        return read_rulebook(connection, *parse_name(name)) if name else find_newest(connection)
    except NotFoundError as error:
        raise InvalidRequestError(str(error)) from error


def freeze(connection: Connection, parameters: dict[str, Any]) -> dict[str, Any]:
    """Name the version of the rulebook that will be used, whatever is loaded meanwhile."""
    book = find_rulebook(connection, parameters["rulebook"])
    return parameters | {"rulebook": f"{book.code}@{book.version}"}


def examine(connection: Connection, within: str, parameters: GapsParameters) -> Report:
    """Judge an area."""
    return read_report(connection, within, find_rulebook(connection, parameters.rulebook))


def keep(connection: Connection, report: Report, made_by: str | None) -> dict[str, Any]:
    """Store the verdicts and give the job's result."""
    made = store_examination(connection, report, made_by=made_by)
    return {
        "examination_id": made,
        "rulebook": f"{report.book.code}@{report.book.version}",
        "units": len(report.units),
        "rules": [
            {
                "rule": judged.rule.code, "facility_kind": judged.rule.facility_kind,
                "facility_name": judged.rule.facility_name, "demand_kind": judged.rule.demand,
                **{
                    name: plain(getattr(total, name)[0])
                    for name in ("demand", "demand_met", "demand_not_met", "demand_unknown", "unserved_ratio")
                },
            }
            for judged, total in zip(report.circles.judgements, report.totals, strict=True)
        ],
        "without_data": [rule.code for rule in report.circles.without_data],
    }  # fmt: skip
