"""110 and 12345 hand matters over, once and by the list; disputes are sealed; webhooks tell what became of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from api.services.viewers import viewer_of
from data.accounts import Membership
from data.imports.reference import load_categories
from data.integrations import scopelist
from data.rules.table import RuleFileError
from data.scope import scoped
from tests.api.granting import make_token

Make = Callable[[str], TestClient]
SCOPE = """system,code,name,name_en,kind,category,is_accepted,reason,note
12345,A1,暴露垃圾,Litter,matter,litter,yes,,
12345,A2,噪声,Noise,matter,noise,yes,,
12345,B1,检举,Accusation,matter,,no,由纪检监察机关受理,
110,J1,邻里纠纷,Dispute,dispute,other,yes,,
110,J2,家庭暴力,Violence,dispute,,no,由公安机关处置,
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
IN_G1 = {"lon": 115.001, "lat": 30.205, "datum": "wgs84"}  # D1S1C1G1, not its middle
DISPUTE = {
    "parties": "PARTY-SECRET 甲与乙", "cause": "CAUSE-SECRET", "nature": "NATURE-SECRET", "demand": "DEMAND-SECRET",
}  # fmt: skip


@pytest.fixture
def listed(town: Engine, tmp_path: Path) -> Engine:
    """The town with a list of what may be handed over."""
    path = tmp_path / "scope.csv"
    path.write_text(SCOPE, "utf-8")
    with town.begin() as connection:
        assert scopelist.store_own_scope(connection, path) == 1
    return town


@pytest.fixture
def system(listed: Engine, app: FastAPI) -> Callable[..., TestClient]:
    """Make systems that ask with a token: `system("12345")`."""

    def make(name: str, area: str = "D1") -> TestClient:
        token = make_token(listed, f"sys-{name}-{area.lower()}", name, area)
        return TestClient(app, base_url="http://localhost", headers={"authorization": f"Bearer {token}"})

    return make


def matter(**changes: object) -> dict:
    """A matter of 12345 in the first grid."""
    body = {"system": "12345", "external_id": "Z-1", "kind": "matter", "code": "A1", **IN_G1, "words": "楼下垃圾"}
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def dispute(**changes: object) -> dict:
    """A dispute of 110 at the same place."""
    body = matter(system="110", external_id="J-1", kind="dispute", code="J1", words="WORDS-SECRET", dispute=DISPUTE)
    return {**body, "address": "ADDRESS-SECRET 3号楼", **changes}


def test_a_matter_becomes_an_incident_like_any_report(system, client: Make, fetch) -> None:
    answer = system("12345").post("/api/handovers", json=matter(address="1号楼"))
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert (receipt["status"], receipt["scope_version"], receipt["reason"]) == ("accepted", 1, None)
    file = client("community").get(f"/api/incidents/{receipt['incident_id']}").json()
    told = file["incident"]["properties"]
    assert (told["code"], told["source"], told["category"], told["grid"]) == (
        receipt["receipt"], "12345", "litter", "D1S1C1G1",
    )  # fmt: skip
    assert told["description"] == "楼下垃圾\n地址：1号楼"
    assert file["incident"]["geometry"]["coordinates"] == [IN_G1["lon"], IN_G1["lat"]]
    assert [(one["status"], one["by"]) for one in file["events"]] == [("reported", "sys-12345-d1 系统")]
    assert file["deadline"]["amount"] == 24
    assert fetch("SELECT action FROM audit_event WHERE subject = 'Z-1'") == [("handover.accepted",)]


def test_sent_again_it_is_the_same_and_changed_it_is_refused_with_the_difference(system, fetch) -> None:
    sender = system("12345")
    first = sender.post("/api/handovers", json=matter())
    again = sender.post("/api/handovers", json=matter())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = sender.post("/api/handovers", json=matter(lon=115.002, words="别的"))
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert other.json()["differences"] == [{"field": "lon", "received": 115.001, "sent": 115.002}, {"field": "words"}]
    assert fetch("SELECT count(*) FROM incident WHERE source = '12345'") == [(1,)]


def test_sent_many_times_at_once_it_is_one(system, fetch) -> None:
    sender = system("12345")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sender.post("/api/handovers", json=matter()), range(8)))
    assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
    assert len({one.text for one in answers}) == 1
    assert fetch("SELECT count(*) FROM incident WHERE source = '12345'") == [(1,)]


REFUSED = [
    ({"code": "B1"}, "由纪检监察机关受理"),
    ({"code": "X9"}, "分流转办清单第1版没有12345的编码X9"),
    ({"code": None, "category": "other"}, "分流转办清单第1版不含12345转来的other类事项"),
    ({"lon": 115.031}, "地点在网格D2S1C21，不在该令牌的辖区内"),
]


def test_what_is_out_of_scope_is_refused_and_kept(system, client: Make, fetch) -> None:
    """Each with its reason and the version of the list; asked again, the answer is the same."""
    sender, kept = system("12345"), []
    for number, (changes, reason) in enumerate(REFUSED):
        body = matter(external_id=f"R-{number}", **changes)
        answer = sender.post("/api/handovers", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (409, "out_of_scope", reason)
        kept.append(answer.json()["handover"])
        assert (kept[-1]["status"], kept[-1]["scope_version"], kept[-1]["incident_id"]) == ("refused", 1, None)
        assert sender.post("/api/handovers", json=body).json()["handover"] == kept[-1]
    assert fetch("SELECT count(*) FROM incident WHERE source = '12345'") == [(0,)]
    seen = client("dispatcher").get("/api/handovers?status=refused").json()["handovers"]
    assert {one["id"] for one in seen} == {one["id"] for one in kept[:-1]}  # the last lies in the other district


FAULTY = [
    ({"datum": None}, "datum"),
    ({"lon": None, "lat": None, "datum": None}, "lon"),
    ({"code": None}, "code"),
    ({"kind": "dispute"}, "kind"),
    ({"category": "noise"}, "category"),
    ({"dispute": {"parties": "x"}}, "dispute.parties"),
    ({"lon": None, "lat": None, "datum": None, "area_code": "nowhere"}, "area_code"),
    ({"external_id": " x"}, "external_id"),
    ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
    ({"extra": 1}, "extra"),
]


def test_what_does_not_go_together_is_named(system, fetch) -> None:
    sender = system("12345")
    for changes, field in FAULTY:
        answer = sender.post("/api/handovers", json=matter(**changes))
        assert answer.status_code == 400, (changes, answer.text)
        assert field in [one["field"] for one in answer.json()["errors"]]
    assert fetch("SELECT count(*) FROM handover") == [(0,)]


def test_a_place_may_be_an_area_or_an_address(system, client: Make) -> None:
    """Then no grid is claimed: the incident stands in the middle and says how far the edge is."""
    sender, desk = system("12345"), client("dispatcher")
    none = {"lon": None, "lat": None, "datum": None}
    known = sender.post("/api/handovers", json=matter(**none, area_code="D1S1C1", external_id="a")).json()
    told = desk.get(f"/api/incidents/{known['incident_id']}").json()
    assert (told["incident"]["properties"]["grid"], told["incident"]["properties"]["community"]) == (None, "D1S1C1")
    # a community of 0.01 x 0.01 degrees: its corners are sqrt(479² + 554²) = 733 m from its middle
    assert told["incident"]["properties"]["accuracy_m"] == pytest.approx(733, abs=3)
    assert told["routes"][0]["words"].startswith("只知位置在社区D1S11；")
    grid = sender.post("/api/handovers", json=matter(**none, area_code="D1S1C1G2", external_id="b")).json()
    assert desk.get(f"/api/incidents/{grid['incident_id']}").json()["incident"]["properties"]["grid"] == "D1S1C1G2"
    by_address = sender.post("/api/handovers", json=matter(**none, address="和平路3号", external_id="c")).json()
    told = desk.get(f"/api/incidents/{by_address['incident_id']}").json()
    assert told["routes"][0]["words"].startswith("只知位置在区1；")
    assert told["incident"]["properties"]["description"].endswith("地址：和平路3号")


def test_a_dispute_is_sealed(system, client: Make, listed: Engine, fetch) -> None:
    """Its words are in one place, its point on the map is its grid's middle; every reading is written down."""
    receipt = system("110").post("/api/handovers", json=dispute()).json()
    incident, desk = receipt["incident_id"], client("dispatcher")
    point = desk.get(f"/api/incidents/{incident}").json()["incident"]["geometry"]["coordinates"]
    assert point == pytest.approx([115.0025, 30.205])
    assert fetch("SELECT count(*) FROM audit_event WHERE action = 'handover.open'") == [(0,)]
    (one,) = desk.get(f"/api/handovers?incident={incident}").json()["handovers"]
    assert (one["is_sealed"], one["kind"], one["receipt"]) == (True, "dispute", receipt["receipt"])
    opened = client("community").get(f"/api/handovers/{receipt['id']}/details")
    assert opened.json() == {
        **DISPUTE, "words": "WORDS-SECRET", "address": "ADDRESS-SECRET 3号楼", "lon": 115.001, "lat": 30.205,
    }  # fmt: skip
    assert opened.headers["cache-control"] == "no-store"
    read = fetch(
        "SELECT a.login, e.subject FROM audit_event e JOIN account a ON a.id = e.account_id "
        "WHERE action = 'handover.open'"
    )
    assert read == [("community", receipt["receipt"])]
    with listed.begin() as connection:
        tables = connection.exec_driver_sql(TABLES)
        names = [row[0] for row in tables]
        found = [
            name for name in names
            if connection.exec_driver_sql(f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE \'%%SECRET%%\'').scalar()
        ]  # fmt: skip
    assert found == ["handover_detail"]


def test_disputes_of_one_grid_share_a_point_and_are_near_nothing(system, client: Make) -> None:
    """Four disputes up to 166 m apart are all told at their grid's middle, 0 m apart. Nothing is a duplicate of them,
    and they are no problem that comes back; four reports of a worker at that point are both."""
    police, worker, planner = system("110"), client("worker"), client("planner")

    def problems() -> tuple[int, list[int]]:
        found = planner.get("/api/recurring?within=D1").json()
        return found["incidents"], [one["properties"]["n"] for one in found["clusters"]["features"]]

    before, _ = problems()
    disputes = [
        police.post("/api/handovers", json=dispute(external_id=f"J-{n}", lat=30.205 + 0.0005 * n)).json()["incident_id"]
        for n in range(4)
    ]
    assert problems() == (before, [])
    sent = {"category": "other", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    reports = [str(uuid4()) for _ in range(4)]
    for one in reports:
        assert worker.put(f"/api/incidents/{one}", json=sent).status_code == 201
    assert problems() == (before + 4, [4])
    desk = client("dispatcher")
    for one in (*disputes, *reports):
        answer = desk.get(f"/api/incidents/{one}/duplicates").json()["suggestions"]
        assert {each["id"] for each in answer} == (set() if one in disputes else set(reports) - {one})


OPENS = {
    "community": 200, "street": 200, "dispatcher": 200, "chief": 200, "worker": 403, "planner": 403, "screen": 403,
    "system_admin": 403, "security_admin": 403, "audit_admin": 403, "far_dispatcher": 404, "department": 404,
    "anonymous": 401,
}  # fmt: skip


def test_who_opens_what_is_sealed(system, client: Make, fetch) -> None:
    """The department has other incidents; once this one is given to it, it may open it too."""
    receipt = system("110").post("/api/handovers", json=dispute()).json()
    path = f"/api/handovers/{receipt['id']}/details"
    assert {login: client(login).get(path).status_code for login in OPENS} == OPENS
    fetch("UPDATE incident SET department = '城管' WHERE source = '110' RETURNING id")
    assert client("department").get(path).status_code == 200
    read = fetch(
        "SELECT a.login FROM audit_event e JOIN account a ON a.id = e.account_id "
        "WHERE action = 'handover.open' ORDER BY e.id"
    )
    assert [row.login for row in read] == ["community", "street", "dispatcher", "chief", "department"]


def test_the_database_itself_keeps_the_seal(system, listed: Engine, app_engine: Engine) -> None:
    """As the app's role, no statement reads the table; as a worker, the function that opens it gives nothing."""
    receipt = system("110").post("/api/handovers", json=dispute()).json()
    street = viewer_of(1, [Membership("street", "D1.D1S1")])
    with pytest.raises(ProgrammingError, match="permission denied"), scoped(app_engine, street) as connection:
        connection.execute(text("SELECT parties FROM handover_detail"))
    opening = text("SELECT parties FROM open_handover(:id)")
    for who, rows in (
        (street, 1),
        (viewer_of(1, [Membership("worker", "D1.D1S1.D1S1C1.D1S1C1G1")]), 0),
        (viewer_of(1, [Membership("street", "D1.D1S2")]), 0),
        (viewer_of(1, [Membership("planner", "D1")]), 0),
    ):
        with scoped(app_engine, who) as connection:
            assert len(connection.execute(opening, {"id": receipt["id"]}).all()) == rows


def test_a_token_is_of_one_system_and_one_area(system, fetch) -> None:
    answer = system("110").post("/api/handovers", json=matter())
    assert (answer.status_code, "it hands nothing over for 12345" in answer.json()["detail"]) == (403, True)
    far = system("12345", "D2").post("/api/handovers", json=matter())
    assert far.json()["code"] == "out_of_scope"
    assert fetch("SELECT system, status, path::text FROM handover") == [("12345", "refused", "D1.D1S1.D1S1C1.D1S1C1G1")]


def test_two_names_of_one_system_do_not_see_each_other(system, listed: Engine, app: FastAPI) -> None:
    system("12345").post("/api/handovers", json=matter())
    token = make_token(listed, "other-hotline", "12345")
    other = TestClient(app, base_url="http://localhost", headers={"authorization": f"Bearer {token}"})
    answer = other.post("/api/handovers", json=matter())
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "token of another name" in answer.json()["detail"]


def test_without_a_list_nothing_is_taken(app: FastAPI, town: Engine) -> None:
    token = make_token(town, "hotline", "12345")
    sender = TestClient(app, base_url="http://localhost", headers={"authorization": f"Bearer {token}"})
    answer = sender.post("/api/handovers", json=matter())
    assert (answer.status_code, answer.json()["handover"]["scope_version"]) == (409, None)


def test_a_list_of_a_version_never_changes(listed: Engine, tmp_path: Path) -> None:
    path = tmp_path / "next.csv"
    path.write_text(SCOPE, "utf-8")
    with listed.begin() as connection:
        assert scopelist.store_own_scope(connection, path) == 1  # the same list is the same version
        path.write_text(SCOPE.replace("12345,A2,噪声,Noise,matter,noise,yes,,\n", ""), "utf-8")
        assert scopelist.store_own_scope(connection, path) == 2
    with pytest.raises(Exception, match="never changed"), listed.begin() as connection:
        connection.execute(text("UPDATE handover_rule SET is_accepted = true"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("12345,A1,x,,matter,litter,yes,,", "row 7, code: A1 of 12345 is there already"),
        ("119,A9,x,,matter,litter,yes,,", "row 7, system: 119 must be one of 110, 12345"),
        ("110,A9,x,,matter,,yes,,", "row 7, category: is empty, and is_accepted yes needs it"),
        ("110,A9,x,,matter,,no,,", "row 7, reason: is empty, and is_accepted no needs it"),
        ("110,A9,x,,secret,litter,yes,,", "row 7, kind: secret must be one of dispute, matter"),
    ],
)
def test_a_faulty_list_is_refused_with_each_fault(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "scope.csv"
    path.write_text(SCOPE + line + "\n", "utf-8")
    with pytest.raises(RuleFileError) as caught:
        scopelist.read_scope(path)
    assert caught.value.faults == (fault,)


def test_a_list_of_unknown_kinds_is_refused(town: Engine, tmp_path: Path) -> None:
    path = tmp_path / "scope.csv"
    path.write_text(SCOPE + "110,A9,x,,matter,E99,yes,,\n", "utf-8")
    with pytest.raises(RuleFileError, match="E99 of 110 A9 is not in the catalogue"), town.begin() as connection:
        scopelist.store_own_scope(connection, path)


def test_the_list_that_comes_with_the_product_fits_the_catalogue(clean: Engine) -> None:
    with clean.begin() as connection:
        load_categories(connection)
        assert scopelist.store_own_scope(connection, scopelist.FILE) == 1
        version, rules = scopelist.newest_scope(connection, "110")
    assert version == 1
    assert {one.code: (one.kind, one.is_accepted) for one in rules}["JF-01"] == ("dispute", True)
