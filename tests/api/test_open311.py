"""Open311 GeoReport v2, field by field, in both formats; nobody's words and no exact place come out."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from api.spark import element
from data.imports.reference import load_categories
from data.integrations import questions, scopelist
from data.rules.table import RuleFileError
from tests.api.granting import make_token

Make = Callable[[str], TestClient]
V2 = "/open311/v2"
QUESTIONS = """category,code,position,datatype,is_required,words,hint,choices
noise,WHEN,1,singlevaluelist,yes,什么时候？ When?,choose one,day=白天;night=夜间
noise,FROM,2,multivaluelist,no,从哪里？ Where from?,,bar=酒吧;site=工地
noise,COUNT,3,number,no,几次？ How often?,,
noise,SINCE,4,datetime,no,从何时？ Since when?,,
"""
REQUEST_FIELDS = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address",
    "address_id", "zipcode", "lat", "long", "media_url",
]  # fmt: skip
PERSONAL = {
    "email": "SECRET@example.com", "first_name": "SECRET", "last_name": "SECRET", "phone": "SECRET",
    "device_id": "SECRET", "account_id": "SECRET",
}  # fmt: skip


def spark(node: ElementTree.Element) -> Any:
    """XML to JSON by the Spark convention; leaves are text, as XML knows no other."""
    if not len(node):
        return node.text or ""
    if {child.tag for child in node} == {node.tag.removesuffix("s")} or node.tag == "service_requests":
        return [spark(child) for child in node]
    return {child.tag: spark(child) for child in node}


def leaves(value: Any) -> Any:
    """JSON with its leaves as XML writes them."""
    if isinstance(value, dict):
        return {name: leaves(one) for name, one in value.items()}
    if isinstance(value, list):
        return [leaves(one) for one in value] or ""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def asked(town: Engine, tmp_path: Path) -> Engine:
    path = tmp_path / "questions.csv"
    path.write_text(QUESTIONS, "utf-8")
    with town.begin() as connection:
        assert questions.load_own_questions(connection, path) == 4
    return town


@pytest.fixture
def key(asked: Engine) -> Callable[..., str]:
    return lambda area="D1", name="app": make_token(asked, name, area=area)


@pytest.fixture
def anyone(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def send(anyone: TestClient, key) -> Callable[..., Any]:
    """Send a request with a key: a pile of litter in the first grid, unless told otherwise."""
    own = key()

    def post(form: str = "json", **fields: object) -> Any:
        body = {"api_key": own, "service_code": "litter", "lat": "30.20546", "long": "115.00123", **fields}
        return anyone.post(f"{V2}/requests.{form}", data={name: one for name, one in body.items() if one is not None})

    return post


def descriptions(answer: Any) -> list[str]:
    return [one["description"] for one in answer.json()]


def test_both_formats_say_the_same(anyone: TestClient, send) -> None:
    """Every resource, by an independent reading of the XML; with the headers of the specification."""
    number = send().json()[0]["service_request_id"]
    for path in (
        "discovery", "services", "services/noise", "services/litter", "requests", f"requests/{number}",
        f"tokens/{number}", "requests/nothing", "services/nothing", "requests?status=x",
    ):  # fmt: skip
        name, _, query = path.partition("?")
        as_json = anyone.get(f"{V2}/{name}.json?{query}")
        as_xml = anyone.get(f"{V2}/{name}.xml?{query}")
        assert as_json.headers["content-type"] == "application/json; charset=utf-8"
        assert as_xml.headers["content-type"] == "text/xml; charset=utf-8"
        assert as_xml.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
        assert as_json.status_code == as_xml.status_code
        assert spark(ElementTree.fromstring(as_xml.content)) == leaves(as_json.json()), path


def test_discovery_has_every_field_and_tells_of_changes(anyone: TestClient, asked: Engine) -> None:
    found = anyone.get(f"{V2}/discovery.json").json()
    assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = found["endpoints"]
    assert endpoint == {
        "specification": "http://wiki.open311.org/GeoReport_v2", "url": "http://localhost/open311/v2",
        "changeset": found["changeset"], "type": "production", "formats": ["text/xml", "application/json"],
    }  # fmt: skip
    with asked.begin() as connection:
        connection.execute(text("UPDATE catalogue_change SET at = '2026-01-01 00:00+08'"))
    assert anyone.get(f"{V2}/discovery.json").json()["changeset"] == "2025-12-31T16:00:00Z"
    with asked.begin() as connection:
        connection.execute(text("UPDATE category SET name = '垃圾' WHERE code = 'litter'"))
    assert anyone.get(f"{V2}/discovery.json").json()["changeset"] > "2026-01-01"


def test_services_and_their_definitions(anyone: TestClient, asked: Engine) -> None:
    """Groups are no services; a kind that the list of hand-overs calls a dispute is not reported in public."""
    found = anyone.get(f"{V2}/services.json").json()
    assert [one["service_code"] for one in found] == ["litter", "noise", "other"]
    assert found[1] == {
        "service_code": "noise", "service_name": "噪声扰民", "description": "噪声扰民 Noise", "metadata": True,
        "type": "realtime", "keywords": "市容环境, Noise, 城管", "group": "市容环境",
    }  # fmt: skip
    assert found[0]["metadata"] is False
    definition = anyone.get(f"{V2}/services/noise.json").json()
    assert definition["service_code"] == "noise"
    assert definition["attributes"][0] == {
        "variable": True, "code": "WHEN", "datatype": "singlevaluelist", "required": True,
        "datatype_description": "choose one", "order": 1, "description": "什么时候？ When?",
        "values": [{"key": "day", "name": "白天"}, {"key": "night", "name": "夜间"}],
    }  # fmt: skip
    assert [one["order"] for one in definition["attributes"]] == [1, 2, 3, 4]
    assert anyone.get(f"{V2}/services/litter.json").json() == {"service_code": "litter", "attributes": []}
    assert anyone.get(f"{V2}/services/city.json").status_code == 404
    with asked.begin() as connection:
        connection.execute(text("INSERT INTO handover_list (version, digest, source) VALUES (1, '', '')"))
        connection.execute(
            text(
                "INSERT INTO handover_rule (version, system, code, name, kind, category, is_accepted) "
                "VALUES (1, '110', 'x', 'x', 'dispute', 'other', true)"
            )
        )
    assert [one["service_code"] for one in anyone.get(f"{V2}/services.json").json()] == ["litter", "noise"]
    assert anyone.get(f"{V2}/services/other.json").status_code == 404


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_request_becomes_an_incident_like_any_report(send, client: Make, fetch, form: str) -> None:
    answer = send(
        form, description="一堆垃圾\r\n在门口", address_string="和平路3号", media_url="https://host/x.jpg", **PERSONAL
    )
    assert answer.status_code == 201, answer.text
    (made,) = answer.json() if form == "json" else spark(ElementTree.fromstring(answer.content))
    assert list(made) == ["service_request_id", "service_notice", "account_id"]
    assert "由环卫处置，期限" in made["service_notice"] or "由区指挥中心处置" in made["service_notice"]
    incident = fetch("SELECT id FROM incident WHERE code = :code", code=made["service_request_id"])[0][0]
    told = client("community").get(f"/api/incidents/{incident}").json()
    assert told["incident"]["properties"]["grid"] == "D1S1C1G1"
    assert told["incident"]["properties"]["source"] == "resident"
    assert told["incident"]["properties"]["description"] == (
        "一堆垃圾\n在门口\n地址：和平路3号\n图片：https://host/x.jpg"
    )
    assert told["incident"]["geometry"]["coordinates"] == [115.00123, 30.20546]
    assert told["events"][0]["by"] == "app 系统"


def test_who_reports_is_kept_nowhere(send, asked: Engine) -> None:
    assert send(**PERSONAL).status_code == 201
    with asked.begin() as connection:
        tables = connection.exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        names = [row[0] for row in tables]
        for name in names:
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM \"{name}\" t WHERE t::text LIKE '%%SECRET%%'")
            assert (name, rows.scalar()) == (name, 0)


def test_answers_to_questions_are_checked_and_handed_on(send, client: Make, fetch) -> None:
    answer = send(service_code="noise", **{
        "attribute[WHEN]": "night", "attribute[FROM][]": ["bar", "site"], "attribute[COUNT]": "3",
        "attribute[SINCE]": "2026-01-01T00:00:00+08:00",
    })  # fmt: skip
    assert answer.status_code == 201, answer.text
    incident = fetch("SELECT id FROM incident WHERE code = :code", code=answer.json()[0]["service_request_id"])[0][0]
    told = client("community").get(f"/api/incidents/{incident}").json()["incident"]["properties"]["description"]
    assert told.splitlines() == [
        "什么时候？ When? 夜间", "从哪里？ Where from? 酒吧、工地", "几次？ How often? 3",
        "从何时？ Since when? 2026-01-01T00:00:00+08:00",
    ]  # fmt: skip
    assert fetch("SELECT answers -> 'FROM' FROM open311_request") == [(["bar", "site"],)]


def test_every_fault_of_the_answers_is_named_at_once(send, fetch) -> None:
    answer = send(service_code="noise", **{
        "attribute[FROM]": "moon", "attribute[COUNT]": "inf", "attribute[SINCE]": "yesterday", "attribute[X]": "1",
    })  # fmt: skip
    assert answer.status_code == 400
    assert sorted(descriptions(answer)) == [
        "attribute[COUNT] inf is no number",
        "attribute[FROM] moon must be one of bar, site",
        "attribute[SINCE] yesterday is no datetime",
        "attribute[WHEN] is required: 什么时候？ When?",
        "attribute[X] is no attribute of the service noise",
    ]
    assert fetch("SELECT count(*) FROM open311_request") == [(0,)]


REFUSED = [
    ({"api_key": None}, 403, "api_key was not provided"),
    ({"api_key": "wrong"}, 403, "the token is unknown"),
    ({"service_code": None}, 400, "service_code was not provided"),
    ({"service_code": "nothing"}, 404, "service_code nothing was not found"),
    ({"service_code": "city"}, 404, "service_code city was not found"),
    ({"jurisdiction_id": "nowhere"}, 404, "jurisdiction_id nowhere was not found"),
    ({"lat": None}, 400, "lat is needed beside the other"),
    ({"lat": "91"}, 400, "lat 91 must be a number from -90 to 90"),
    ({"long": "nan"}, 400, "long nan must be a number from -180 to 180"),
    ({"lat": None, "long": None}, 400, "lat and long, or address_string, or address_id is needed"),
    ({"lat": None, "long": None, "address_id": "x"}, 400, "address_id x is no code of a building"),
    ({"long": "115.031"}, 400, "lat and long lie outside the area of the api_key"),
    ({"description": "x" * 4001}, 400, "description has 4001 characters; at most 4000 are taken"),
    ({"description": "a\x00b"}, 400, "description must not contain control characters"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url javascript:alert(1) must be an address"),
    ({"lat": ["30.2", "30.3"]}, 400, "lat is given more than once"),
]


def test_refusals_have_the_shape_of_the_specification(send, fetch) -> None:
    """One entry a fault, in both formats, and nothing is kept."""
    for form in ("json", "xml"):
        for fields, status, said in REFUSED:
            answer = send(form, **fields)
            assert answer.status_code == status, (fields, answer.text)
            found = answer.json() if form == "json" else spark(ElementTree.fromstring(answer.content))
            if form == "xml":
                assert ElementTree.fromstring(answer.content).tag == "errors"
            assert [list(one) for one in found] == [["code", "description"]]
            assert str(found[0]["code"]) == str(status)
            assert said in found[0]["description"]
    assert fetch("SELECT count(*) FROM open311_request") == [(0,)]


def test_other_bodies_and_formats_are_refused(anyone: TestClient, key, send) -> None:
    as_json = anyone.post(f"{V2}/requests.json", json={"api_key": key(name="other")})
    assert (as_json.status_code, "must be application/x-www-form-urlencoded" in descriptions(as_json)[0]) == (400, True)
    broken = anyone.post(
        f"{V2}/requests.json", content=b"description=%ff", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (broken.status_code, "must be a form in UTF-8" in descriptions(broken)[0]) == (400, True)
    unknown = anyone.get(f"{V2}/services.yaml")
    assert (unknown.status_code, ElementTree.fromstring(unknown.content).tag) == (404, "errors")
    large = send(description="x" * 1_100_000)
    assert (large.status_code, descriptions(large)) == (413, ["The body is larger than 1 MB."])


def test_a_key_of_another_scope_is_refused(anyone: TestClient, asked: Engine) -> None:
    token = make_token(asked, "police", "110")
    answer = anyone.post(f"{V2}/requests.json", data={"api_key": token, "service_code": "litter"})
    assert (answer.status_code, descriptions(answer)) == (403, ["the token of police is for handover, not for open311"])


def test_a_place_may_be_a_building_an_area_or_words(send, fetch, anyone: TestClient, key) -> None:
    none = {"lat": None, "long": None}
    unit = send(**none, address_id="D1S1C1G2U1").json()[0]["service_request_id"]
    area = send(**none, address_id="D1S1").json()[0]["service_request_id"]
    words = send(**none, address_string="和平路3号").json()[0]["service_request_id"]
    rows = {row.code: row for row in fetch("SELECT code, grid_code, path::text AS path, accuracy_m FROM incident")}
    assert (rows[unit].grid_code, rows[unit].accuracy_m) == ("D1S1C1G2", None)
    assert (rows[area].grid_code, rows[area].path) == (None, "D1.D1S1")
    assert (rows[words].grid_code, rows[words].path) == (None, "D1")
    body = {"api_key": key("*", "everywhere"), "service_code": "litter", "address_string": "x"}
    alone = anyone.post(f"{V2}/requests.json", data=body)
    assert descriptions(alone) == ["address_string alone needs jurisdiction_id beside it"]
    beside = anyone.post(f"{V2}/requests.json", data={**body, "jurisdiction_id": "D2"})
    assert beside.status_code == 201


def test_what_everyone_sees_of_a_request(send, anyone: TestClient, client: Make, fetch) -> None:
    """No words, the place to a thousandth of a degree, the state and its time."""
    number = send(description="SECRET words").json()[0]["service_request_id"]
    (seen,) = anyone.get(f"{V2}/requests/{number}.json").json()
    assert list(seen) == REQUEST_FIELDS
    assert (seen["lat"], seen["long"]) == (30.205, 115.001)
    assert (seen["service_code"], seen["service_name"], seen["agency_responsible"]) == ("litter", "暴露垃圾", "环卫")
    assert (seen["status"], seen["status_notes"], seen["description"]) == ("open", "已登记 Registered", None)
    assert (seen["address"], seen["address_id"]) == ("社区D1S11，街11，区1", "D1S1C1")
    requested = datetime.fromisoformat(seen["requested_datetime"])
    assert datetime.fromisoformat(seen["expected_datetime"]) - requested == timedelta(hours=24)
    incident = fetch("SELECT id FROM incident WHERE code = :code", code=number)[0][0]
    street, community, worker = client("street"), client("community"), client("worker")
    for who, step in (
        (street, "accepted"), (street, "assigned"), (community, "in_progress"), (community, "resolved"),
        (worker, "verified"), (street, "closed"),
    ):  # fmt: skip
        body = {"to": step, "note": "SECRET note"}
        assert who.post(f"/api/incidents/{incident}/events", json=body).status_code == 200
        (seen,) = anyone.get(f"{V2}/requests/{number}.json").json()
        assert seen["status"] == ("closed" if step == "closed" else "open")
    closed_at = fetch("SELECT closed_at FROM incident WHERE code = :code", code=number)[0][0]
    assert seen["updated_datetime"] == closed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "SECRET" not in anyone.get(f"{V2}/requests.json").text
    assert anyone.get(f"{V2}/tokens/{number}.json").json() == [{"service_request_id": number, "token": number}]


def test_what_was_joined_is_as_the_one_that_stays(send, anyone: TestClient, client: Make, fetch) -> None:
    first, second = (send().json()[0]["service_request_id"] for _ in range(2))
    ids = {row.code: row.id for row in fetch("SELECT code, id FROM incident")}
    street = client("street")
    joined = street.post(f"/api/incidents/{ids[second]}/merge", json={"into": str(ids[first])})
    assert joined.status_code == 200, joined.text
    (seen,) = anyone.get(f"{V2}/requests/{second}.json").json()
    assert (seen["status"], seen["status_notes"]) == (
        "open", "已登记 Registered（与同一事项合并办理 handled with another report of it）",
    )  # fmt: skip
    street.post(f"/api/incidents/{ids[first]}/events", json={"to": "rejected", "note": "x"})
    assert anyone.get(f"{V2}/requests/{second}.json").json()[0]["status"] == "closed"


def test_only_what_came_this_way_is_public(anyone: TestClient, send, fetch) -> None:
    """The town's own incidents stay inside: whoever reported those did not ask for it."""
    assert anyone.get(f"{V2}/requests.json").json() == []
    own = fetch("SELECT code FROM incident")[0][0]
    assert anyone.get(f"{V2}/requests/{own}.json").status_code == 404
    assert anyone.get(f"{V2}/tokens/{own}.json").json() == [{"code": 404, "description": f"token {own} was not found"}]
    number = send().json()[0]["service_request_id"]
    both = anyone.get(f"{V2}/requests.json?service_request_id={own},{number}").json()
    assert [one["service_request_id"] for one in both] == [number]


def test_filters(send, anyone: TestClient, asked: Engine, fetch) -> None:
    """Three requests, of today and of 40 and 100 days ago; the second is closed, the third noise."""
    numbers = [send().json()[0]["service_request_id"] for _ in range(2)]
    numbers.append(send(service_code="noise", **{"attribute[WHEN]": "day"}).json()[0]["service_request_id"])
    now = datetime.now(UTC)
    for number, days in zip(numbers, (0, 40, 100), strict=True):
        fetch(
            "UPDATE open311_request o SET requested_at = :at FROM incident i "
            "WHERE i.id = o.incident_id AND i.code = :code RETURNING 1", at=now - timedelta(days=days), code=number,
        )  # fmt: skip
    fetch("UPDATE incident SET status = 'closed', closed_at = now() WHERE code = :code RETURNING 1", code=numbers[1])

    def listed(query: str = "") -> list[int]:
        answer = anyone.get(f"{V2}/requests.json?{query}")
        assert answer.status_code == 200, answer.text
        return [numbers.index(one["service_request_id"]) for one in answer.json()]

    def day(days: int) -> str:
        return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert listed() == [0, 1]  # the last 90 days, newest first
    assert listed("status=open") == [0]
    assert listed("status=closed") == [1]
    assert listed("status=open,closed") == [0, 1]
    assert listed("status=open&status=closed&status=") == [0, 1]
    assert listed("service_code=litter") == [0, 1]
    assert listed("service_code=noise") == []
    assert listed(f"start_date={day(101)}") == [1, 2]  # 90 days from then
    assert listed(f"end_date={day(30)}") == [1, 2]
    assert listed(f"start_date={day(50)}&end_date={day(30)}") == [1]
    assert listed(f"start_date={day(101)}&service_code=noise,litter&status=open") == [2]
    assert listed(f"service_request_id={numbers[2]}, {numbers[0]}&status=closed") == [0, 2]  # overrides all others
    assert listed("page_size=1") == [0]
    assert listed("page_size=1&page=2") == [1]
    assert listed("jurisdiction_id=D1") == [0, 1]
    assert listed("jurisdiction_id=D2") == []
    assert listed("extensions=true&api_key=x") == [0, 1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=done", "status done must be open or closed"),
        ("start_date=2026-01-01", "start_date 2026-01-01 must be as 2010-01-01T00:00:00Z"),
        ("start_date=2026-01-01T00:00:00", "start_date 2026-01-01T00:00:00 must be as"),
        ("end_date=x", "end_date x must be as"),
        (
            "start_date=2026-01-01T00:00:00Z&end_date=2026-04-02T00:00:00Z",
            "end_date 2026-04-02T00:00:00Z is 91 days after start_date; at most 90 may lie between",
        ),
        ("start_date=2026-01-02T00:00:00Z&end_date=2026-01-01T00:00:00Z", "comes before start_date"),
        ("end_date=0001-01-02T00:00:00Z", "lie outside the years 1 to 9999"),
        ("page_size=1001", "page_size 1001 must be a whole number from 1 to 1000"),
        ("page=0", "page 0 must be a whole number from 1 to 10000"),
        ("service_request_id=" + ",".join(map(str, range(1001))), "names 1001 requests; at most 1000"),
        ("page=1&page=2", "page is given more than once"),
    ],
)  # fmt: skip
def test_filters_that_can_not_be_used(still: Make, query: str, said: str) -> None:
    answer = still("anonymous").get(f"{V2}/requests.json?{query}")
    assert (answer.status_code, said in descriptions(answer)[0]) == (400, True), answer.text


def test_ninety_days_are_taken_and_an_unescaped_plus_is_one(still: Make) -> None:
    reader = still("anonymous")
    for query in (
        "start_date=2026-01-01T00:00:00Z&end_date=2026-04-01T00:00:00Z",
        "start_date=2026-01-01T08:00:00+08:00&end_date=2026-04-01T08:00:00%2B08:00",
    ):
        assert reader.get(f"{V2}/requests.json?{query}").status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(
                ["service_request_id", "service_code", "status", "start_date", "end_date", "page", "page_size",
                 "jurisdiction_id"]
            ),
            st.text(max_size=30)
            | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
            | st.integers().map(str),
        ),
        max_size=4,
    ),
    form=st.sampled_from(["json", "xml"]),
)  # fmt: skip
def test_whatever_is_asked_is_answered_in_shape(still: Make, pairs: list, form: str) -> None:
    """Any query gets a list or named errors, well-formed in both formats, and never a failure."""
    answer = still("anonymous").get(f"{V2}/requests.{form}", params=pairs)
    assert answer.status_code in (200, 400, 404)
    if form == "json":
        assert isinstance(json.loads(answer.content), list)
    else:
        wanted = "service_requests" if answer.status_code == 200 else "errors"
        assert ElementTree.fromstring(answer.content).tag == wanted


@given(st.text(max_size=40), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_xml_carries_any_text_that_it_can(words: str, number: float, flag: bool) -> None:
    """Markup stays text; what XML 1.0 can't carry is left out; numbers and truth come back."""
    made = ElementTree.tostring(element("request", {"description": words, "lat": number, "metadata": flag}), "utf-8")
    read = ElementTree.fromstring(made)
    kept = "".join(one for one in words if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
    assert (read[0].text or "") == kept.replace("\r\n", "\n").replace("\r", "\n") or "\r" in kept
    assert math.isclose(float(read[1].text), number)
    assert read[2].text == str(flag).lower()


def test_wrong_keys_are_counted(anyone: TestClient, send, app: FastAPI) -> None:
    for _ in range(app.state.context.settings.login_tries_per_address):
        assert send(api_key="wrong").status_code == 403
    answer = send()
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert "Too many wrong tokens" in descriptions(answer)[0]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("noise,WHEN,9,string,no,x,,", "row 6, code: WHEN of noise is there already"),
        ("noise,A,1,string,no,x,,", "row 6, position: 1 of noise is taken already"),
        ("noise,A B,9,string,no,x,,", "row 6, code: A B must have 1 to 40 of A-Z, a-z, 0-9, '_' and '-'"),
        ("noise,A,9,colour,no,x,,", "row 6, datatype: colour must be one of"),
        ("noise,A,9,singlevaluelist,no,x,,", "row 6, choices: is empty, and a list needs choices"),
        ("noise,A,9,string,no,x,,a=b", "row 6, choices: does not go with this datatype"),
        ("noise,A,9,singlevaluelist,no,x,,a", "row 6, choices: a must be as key=name;key=name"),
    ],
)
def test_faulty_questions_are_refused_with_each_fault(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "questions.csv"
    path.write_text(QUESTIONS + line + "\n", "utf-8")
    with pytest.raises(RuleFileError) as caught:
        questions.read_questions(path)
    assert caught.value.faults[0].startswith(fault)


def test_questions_about_unknown_kinds_are_refused(town: Engine, tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_text(QUESTIONS + "E99,A,9,string,no,x,,\n", "utf-8")
    with pytest.raises(RuleFileError, match="E99 of A is not in the catalogue"), town.begin() as connection:
        questions.load_own_questions(connection, path)


def test_the_questions_that_come_with_the_product_fit_the_catalogue(clean: Engine) -> None:
    with clean.begin() as connection:
        load_categories(connection)
        count = connection.execute(text("SELECT count(*) FROM category_question")).scalar()
        assert count == len(questions.read_questions())
        scopelist.store_builtin_scope(connection)
        assert connection.execute(text("SELECT is_dispute('E04-08')")).scalar() is True
