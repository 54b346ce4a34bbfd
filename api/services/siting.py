"""Siting jobs: where to build, from the units, streets and facilities of the database."""

import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from api.errors import InvalidRequestError
from api.services.examining import RULEBOOK_NAME, find_rulebook
from api.services.rebalancing import Report
from data.jobs import Job
from data.siting.answering import Answered, answer_question
from data.siting.question import Candidate, Question, Wish, read_question
from data.siting.wording import answer_body
from geo.verdicts import Rule
from layers.tables import FACILITY_KINDS

MOST_CANDIDATES = 5000
LONGEST_M = 20_000.0
TOLD_EVERY_S = 0.5
_STORE = text("INSERT INTO siting (job_id, path, answer) SELECT id, path, :answer FROM job WHERE id = :id").bindparams(
    bindparam("answer", type_=JSONB)
)
FIGURES = (
    "model", "rulebook", "rule", "facility", "radius_m", "weight", "objective", "bound", "gap", "seconds",
    "total_weight", "covered_before", "covered_after", "uncoverable_weight", "unknown_weight",
)  # fmt: skip


class CandidatePlace(BaseModel):
    """A place where a site may be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class SiteParameters(BaseModel):
    """What a siting job may be told; a rule gives the facility, the types, the radius and whom it serves."""

    model_config = ConfigDict(extra="forbid")

    model: Literal["lscp", "mclp", "pmedian", "pcenter"] = "mclp"
    p: int | None = Field(default=None, ge=1, le=1000, description="Sites to choose; lscp finds their number itself.")
    rulebook: str = Field(default="", pattern=RULEBOOK_NAME, description="Of the rule; empty is the newest.")
    rule: str = Field(default="", max_length=60, description="Code of a rule on foot.")
    facility: str = Field(default="station", json_schema_extra={"enum": list(FACILITY_KINDS)})
    radius_m: float = Field(default=300, gt=0, le=LONGEST_M, description="Longest walk that serves; a rule has one.")
    weight: Literal["households", "residents_60", "residents_80"] = "households"
    candidates: list[CandidatePlace] = Field(default=[], max_length=MOST_CANDIDATES)
    propose: list[Literal["corners", "public_buildings"]] = Field(default=[], max_length=2)
    use_existing: bool = Field(default=True, description="Open facilities of the kind stay, and are not counted in p.")
    closed: list[str] = Field(
        default=[], max_length=1000, description="Existing ones that are closed when it counts: could open longer."
    )
    deliver_m: float | None = Field(default=None, gt=0, le=LONGEST_M, description="Also weigh deliveries this far.")
    gap: float = Field(default=0, ge=0, le=1, description="Gap that is good enough.")
    time_limit_s: int = Field(default=60, ge=1, le=600, description="Seconds after which the best so far is taken.")

    @model_validator(mode="after")
    def check(self) -> "SiteParameters":
        """Refuse what does not go together."""
        if self.facility not in FACILITY_KINDS:
            raise ValueError(f"facility must be one of {', '.join(FACILITY_KINDS)}, not {self.facility!r}")
        if (self.model == "lscp") != (self.p is None):
            raise ValueError("p: lscp finds the number of sites itself; every other model needs it")
        if not self.candidates and not self.propose:
            raise ValueError("there are no candidates; give some, or propose corners or public_buildings")
        return self


def freeze(connection: Connection, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take facility, radius and weight from the rule, and name the version it is of.

    Raises
    ------
    InvalidRequestError
        If there is no such rule, or it is not one on foot for a facility that the map has.
    """
    if not parameters["rule"]:
        return parameters | {"rulebook": ""}
    book = find_rulebook(connection, parameters["rulebook"])
    rule = next((one for one in book.rules if one.code == parameters["rule"]), None)
    if rule is None:
        raise InvalidRequestError(f"parameters.rule: {book.code}@{book.version} has no rule {parameters['rule']}")
    if rule.metric != "walk":
        raise InvalidRequestError(f"parameters.rule: {rule.code} is judged in a straight line, and sites by walks")
    if rule.facility_kind not in FACILITY_KINDS:
        raise InvalidRequestError(f"parameters.rule: {rule.code} asks for {rule.facility_kind}, which has no layer")
    return parameters | {
        "rulebook": f"{book.code}@{book.version}", "facility": rule.facility_kind, "radius_m": rule.threshold_m,
        "weight": rule.demand,
    }  # fmt: skip


def ask(connection: Connection, within: str, parameters: SiteParameters) -> Question:
    """Read what an answer needs."""
    rule = _rule(connection, parameters)
    wish = Wish(
        model=parameters.model, p=parameters.p, facility=parameters.facility,
        types=rule.facility_types if rule else (), radius_m=parameters.radius_m, weight=parameters.weight,
        candidates=tuple(Candidate(**one.model_dump()) for one in parameters.candidates),
        propose=tuple(parameters.propose), use_existing=parameters.use_existing, closed=frozenset(parameters.closed),
        deliver_m=parameters.deliver_m, gap=parameters.gap, time_limit_s=parameters.time_limit_s,
        rulebook=parameters.rulebook, rule=parameters.rule,
    )  # fmt: skip
    return read_question(connection, within, wish)


def answer(question: Question, report: Report) -> Answered:
    """Choose the sites; value and bound so far are told as progress."""
    report(0.2, "测量步行距离 measuring walks")
    started_s = time.monotonic()
    last = [0.0]

    def tell(value: float, bound: float) -> None:
        now = time.monotonic()
        if now - last[0] >= TOLD_EVERY_S:
            last[0] = now
            apart = (bound - value) / value if value > 0 else 1.0
            used = min((now - started_s) / question.wish.time_limit_s, 1.0)
            report(0.3 + 0.6 * used, f"求解中，差距 solving, gap {apart:.2%}")

    return answer_question(question, progress=tell)


def keep(connection: Connection, job: Job, found: Answered) -> dict[str, Any]:
    """Store the answer and give the job's result."""
    body = answer_body(found)
    connection.execute(_STORE, {"id": job.id, "answer": body})
    return {name: body[name] for name in FIGURES} | {"sites": len(body["sites"])}


def _rule(connection: Connection, parameters: SiteParameters) -> Rule | None:
    """Find the rule that was asked for, in the version that was frozen."""
    if not parameters.rule:
        return None
    return next(one for one in find_rulebook(connection, parameters.rulebook).rules if one.code == parameters.rule)
