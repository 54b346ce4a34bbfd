"""Examinations, rulebooks, reports, promises and siting through the HTTP API, on the drawn town.

The town's examination of D1: of the 16 units of D1, the first of each G1 (300 households, 150 people of 60 and over)
has a station within 500 m, all others walk 700 m; canteens are unknown. A G1 holds 600 households, a G2 200.
"""

import json

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from data.rules.table import RULE_COLUMNS
from tests.data.pages import assert_asks_for_nothing

LANES = (
    ("L1", "115 30.2026, 115.0005 30.2026"), ("L2", "115.0005 30.2026, 115.01 30.2026"),
    ("L3", "115.0005 30.2026, 115.0005 30.206"),
)  # fmt: skip


@pytest.fixture
def planner(client) -> TestClient:
    return client("planner")


@pytest.fixture
def lanes(town) -> None:
    """A lane 39 m north of the middles of the houses of D1S1C1, and the path of 377 m to the station."""
    with town.begin() as connection:
        for code, line in LANES:
            connection.execute(
                text("INSERT INTO road (code, geom, path) VALUES (:code, ST_GeomFromText(:line, 4326), 'D1')"),
                {"code": code, "line": f"MULTILINESTRING(({line}))"},
            )


def test_examinations_of_an_area(planner) -> None:
    """D1's is listed for the district and for a community in it; the rulebook's version stays with it."""
    for within, units in (("D1", 16), ("D1S1C1", 4)):
        (one,) = planner.get(f"/api/examinations?within={within}").json()["examinations"]
        assert (one["id"], one["area_code"], one["rulebook"], one["version"], one["units"]) == (
            1, "D1", "drawn", 1, units,
        )  # fmt: skip
        assert (one["rules"], one["data_on"]) == (["station_500", "canteen_500"], ["2026-01-01", None])


def test_every_rule_in_sum_and_communities_in_order_of_need(planner, town) -> None:
    """In each community 300 of 800 have a station; where the second house of G1 has one too, need is less."""
    with town.begin() as connection:
        connection.execute(text("UPDATE service_gap SET verdicts = 'mu' WHERE code = 'D1S2C2G1U2'"))
    found = planner.get("/api/examinations/1").json()
    station, canteen = found["judged"]
    assert (station["rule"], station["binding"], station["confidence"], station["data_on"]) == (
        "station_500", "should", "M", "2026-01-01",
    )  # fmt: skip
    assert station["basis"] == "示例标准，条号待核"
    figures = ("units", "demand", "demand_met", "demand_not_met", "demand_unknown")
    assert [station[name] for name in figures] == [16, 3200, 1500, 1700, 0]
    assert [canteen[name] for name in figures] == [16, 1600, 0, 0, 1600]
    assert (station["unserved_mean_m"], station["unserved_longest_m"]) == (700, 700)
    assert canteen["unserved_ratio"] is None
    assert [one["rule"] for one in found["not_examined"]] == ["school_300"]
    ranked = [(one["rank"], one["code"], one["mean_unserved_ratio"], one["unserved"]) for one in found["communities"]]
    assert ranked == [
        (1, "D1S1C1", 0.625, [500, 0]), (2, "D1S1C2", 0.625, [500, 0]), (3, "D1S2C1", 0.625, [500, 0]),
        (4, "D1S2C2", 0.25, [200, 0]),
    ]  # fmt: skip


def test_one_rule_by_community_grid_and_unit(planner) -> None:
    found = planner.get("/api/examinations/1/rules/station_500?within=D1S1C1").json()
    assert (found["place"], found["demand_not_met"]) == (0, 500)
    (community,) = found["communities"]
    assert (community["code"], community["name"], community["demand_not_met"]) == ("D1S1C1", "社区D1S11", 500)
    grids = [(one["code"], one["community"], one["demand_not_met"], one["unserved_ratio"]) for one in found["grids"]]
    assert grids == [("D1S1C1G1", "D1S1C1", 300, 0.5), ("D1S1C1G2", "D1S1C1", 200, 1)]
    first = found["units_listed"][0]
    shown = ("code", "demand", "walk_m", "straight_m", "detour_ratio", "facility", "reason")
    assert [first[name] for name in shown] == ["D1S1C1G1U2", 300, 700, 200, 3.5, "D1S1C1-station", "ok"]
    assert [one["code"] for one in found["units_listed"]] == ["D1S1C1G1U2", "D1S1C1G2U1", "D1S1C1G2U2"]
    assert (found["unknown_listed"], found["reasons"]) == ([], [])


def test_what_is_unknown_says_why(planner) -> None:
    found = planner.get("/api/examinations/1/rules/canteen_500?within=D1S1C1").json()
    assert found["reasons"] == [{"reason": "unit_not_snapped", "units": 4}]
    assert [(one["code"], one["walk_m"], one["reason"]) for one in found["unknown_listed"]] == [
        (f"D1S1C1G{g}U{u}", None, "unit_not_snapped") for g in (1, 2) for u in (1, 2)
    ]
    assert found["communities"][0]["demand_unknown"] == 400


def test_cells_hold_all_units_once(planner) -> None:
    answer = planner.get("/api/examinations/1/rules/station_500/cells?resolution=8").json()
    cells = [one["properties"] for one in answer["features"]]
    assert sum(one["units"] for one in cells) == 16
    assert sum(one["demand_not_met"] for one in cells) == 2000
    assert all(len(one["geometry"]["coordinates"][0]) == 7 for one in answer["features"])


def test_what_is_not_there(planner) -> None:
    for path, said in (
        ("/api/examinations/99", "there is no examination 99"),
        ("/api/examinations/2", "there is no examination 2"),  # of D2, out of scope
        ("/api/examinations/1/rules/school_300", "examination 1 has not judged by school_300; it has by station_500"),
        ("/api/rulebooks/drawn/9", "there is no rulebook drawn@9"),
    ):
        answer = planner.get(path)
        assert (answer.status_code, answer.json()["detail"][: len(said)]) == (404, said)
    outside = planner.get("/api/examinations/1?within=D2")
    assert (outside.status_code, outside.json()["detail"]) == (403, "区2 (D2) lies outside your area")


def test_a_rulebook_is_downloaded_edited_and_taken_in_again(planner, fetch) -> None:
    listed = planner.get("/api/rulebooks").json()["rulebooks"]
    assert [(one["code"], one["version"], one["rules"]) for one in listed] == [("drawn", 1, 3)]
    file = planner.get("/api/rulebooks/drawn/1/rules.csv")
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''rules-drawn-1.csv"
    assert file.text.lstrip("\ufeff").splitlines()[0] == ",".join(RULE_COLUMNS)
    edited = file.text.replace(",500,", ",400,")
    made = planner.put("/api/rulebooks/city", content=edited.encode()).json()
    assert (made["code"], made["version"], [one["threshold_m"] for one in made["rules"]]) == (
        "city",
        1,
        [400, 400, 300],
    )
    assert planner.put("/api/rulebooks/city", content=edited.encode()).json()["version"] == 1  # unchanged
    assert planner.put("/api/rulebooks/city", content=file.content).json()["version"] == 2
    assert fetch("SELECT threshold_m FROM standard_rule WHERE rulebook = 'drawn' ORDER BY place") == [
        (500,), (500,), (300,),
    ]  # fmt: skip
    audit = fetch("SELECT subject FROM audit_event WHERE action = 'rulebook.load' ORDER BY id")
    assert [row[0] for row in audit] == ["city@1", "city@1", "city@2"]


def test_faults_of_a_rulebook_are_all_said(planner, fetch) -> None:
    file = planner.get("/api/rulebooks/drawn/1/rules.csv").text
    broken = file.replace(",500,", ",-5,")
    answer = planner.put("/api/rulebooks/city", content=broken.encode())
    assert (answer.status_code, answer.json()["detail"]) == (400, "faults of the file: 2; nothing was loaded")
    assert [one["message"] for one in answer.json()["errors"]] == [
        f"row {row}, threshold_m: -5 must be a number above 0 and at most 20000" for row in (2, 3)
    ]
    for code in ("builtin", "Stadt", "x" * 41):
        assert planner.put(f"/api/rulebooks/{code}", content=file.encode()).status_code == 400
    no_text = planner.put("/api/rulebooks/city", content=b"\xff\xff\x00\x00")
    assert no_text.json()["detail"] == "the file is no text in UTF-8 or GB 18030"
    assert fetch("SELECT count(*) FROM rulebook WHERE code = 'city'")[0][0] == 0


def test_a_job_names_a_rulebook_that_is_not_there(planner) -> None:
    answer = planner.post("/api/jobs", json={"kind": "gaps", "within": "D1", "parameters": {"rulebook": "city@3"}})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "there is no rulebook city@3; there are: drawn@1"


@pytest.mark.usefixtures("lanes")
def test_the_report_as_page_and_on_paper(planner) -> None:
    page = planner.get("/api/life-circle.html?within=D1S1C1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "rulebook" not in page.headers["content-disposition"]
    assert "drawn" in page.text
    assert_asks_for_nothing(page.text)
    paper = planner.get("/api/life-circle.pdf?within=D1S1C1&rulebook=drawn@1")
    assert (paper.status_code, paper.headers["content-type"], paper.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert planner.get("/api/life-circle.html?within=D2S1C1").status_code == 403
    nothing = planner.get("/api/life-circle.html?within=D1S1C1&rulebook=no")
    assert nothing.json()["detail"] == "there is no rulebook no; there are: drawn@1"


def test_promises_of_the_district(planner, town) -> None:
    """One open station of two; parking is not counted, because nothing tells."""
    with town.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO target (code, area_code, title, measure, facility_kind, amount, due_on, source) VALUES "
                "('a', 'D1', '驿站2个', 'facility_count', 'station', 2, '2020-01-01', '示例方案'), "
                "('b', 'D1', '景观路', NULL, NULL, 7, NULL, '示例方案')"
            )
        )
    first, second = planner.get("/api/targets?within=D1S1C1").json()["targets"]
    assert (first["done"], first["amount"], first["state"], first["due_on"]) == (1, 2, "late", "2020-01-01")
    assert [(step["name"], step["is_done"], step["lon"]) for step in first["steps"]] == [
        ("社区D1S11驿站", True, 115.0005)
    ]
    assert (second["done"], second["state"], second["steps"]) == (None, "unknown", [])


SITE = {"model": "mclp", "p": 1, "facility": "station", "radius_m": 250, "weight": "households"}
HOUSES = [{"name": f"空房 {n}", "lon": 115.00225 + 0.002 * n, "lat": 30.2026} for n in range(4)]


@pytest.mark.usefixtures("lanes")
class TestSiting:
    """Houses stand at 115.00125, 115.00325, 115.00625 and 115.00825, each 39 m off the lane: 300, 300, 100 and 100.

    0.001 deg along the lane are 96 m. From the first candidate (115.00225) the first two houses are 135 m away, the
    third 424; from the second (115.00425) the second house 135 and the third 232; the others see the last two houses.
    """

    @pytest.fixture
    def app(self, app):
        with TestClient(app):
            yield app

    @pytest.fixture
    def solve(self, planner, until):
        """Submit a siting job, wait for its end and give the job and its answer."""

        def run(**parameters) -> tuple[dict, dict | None]:
            asked = {"candidates": HOUSES, **SITE, **parameters}
            answer = planner.post("/api/jobs", json={"kind": "site", "within": "D1S1C1", "parameters": asked})
            assert answer.status_code == 202, answer.text
            path = f"/api/jobs/{answer.json()['id']}"
            job = until(lambda: (found := planner.get(path).json())["finished_at"] and found)
            return job, planner.get(f"/api/sites/{job['id']}").json() if job["status"] == "succeeded" else None

        return run

    def test_the_best_one(self, solve) -> None:
        """The station of today is too far from all (488 m); the first candidate serves 600 of 800, proven best."""
        job, answer = solve()
        assert (job["result"]["objective"], job["result"]["bound"], job["result"]["gap"]) == (600, 600, 0)
        assert (job["result"]["covered_before"], job["result"]["covered_after"], job["result"]["sites"]) == (0, 600, 1)
        (site,) = answer["sites"]
        assert (site["name"], site["source"], site["gain"]) == ("空房 0", "drawn", 600)
        assert (site["lon"], site["lat"]) == (115.00225, 30.2026)
        assert [one["code"] for one in answer["existing"]] == ["D1S1C1-station"]
        assert [(weight, state) for _, _, weight, state in answer["units"]] == [
            (100, "left"), (100, "left"), (300, "new"), (300, "new"),
        ]  # fmt: skip
        assert answer["communities"] == [{"community": "D1S1C1", "weight": 800, "before": 0, "after": 600, "left": 200}]

    def test_each_site_adds_less(self, solve) -> None:
        _, answer = solve(p=3)
        gains = [site["gain"] for site in answer["sites"]]
        assert gains == sorted(gains, reverse=True)
        assert sum(gains) == answer["covered_after"] - answer["covered_before"] == 800

    def test_by_a_rule(self, solve) -> None:
        """Canteens, 500 m, 60 and over: half the households. From 536 m on the canteen of today is too far."""
        job, answer = solve(rule="canteen_500", facility="station")
        assert (answer["facility"], answer["radius_m"], answer["weight"]) == ("canteen", 500, "residents_60")
        assert job["parameters"]["rulebook"] == "drawn@1"
        assert (answer["covered_before"], answer["covered_after"]) == (0, 400)

    def test_fewest_that_cover_all(self, solve) -> None:
        _, answer = solve(model="lscp", p=None)
        assert (answer["objective"], len(answer["sites"]), answer["covered_after"]) == (2, 2, 800)

    def test_proposed_places_and_those_off_the_streets(self, solve) -> None:
        """Three streets meet where the lanes do, and where L3 crosses 区1路. A place 500 m north is near no street.

        Within 150 m of the lanes' corner stands the first house alone.
        """
        far = {"name": "山上", "lon": 115.004, "lat": 30.2095}
        _, answer = solve(candidates=[*HOUSES, far], propose=["corners", "public_buildings"])
        assert answer["left_out"] == ["山上", "社区D1S11养老点", "社区D2S11驿站"]
        assert answer["candidates"] > len(HOUSES)
        assert [site["name"] for site in answer["sites"]] == ["空房 0"]
        _, answer = solve(candidates=[], propose=["corners"], radius_m=150, p=2)
        assert [(site["name"], site["gain"]) for site in answer["sites"]] == [("路口 2", 300), ("区1路路口 1", 0)]

    def test_what_else_could_be_done(self, solve) -> None:
        """Closed in the evening, the station could open longer: with 500 m it serves the first house. None delivers."""
        _, answer = solve(radius_m=500, closed=["D1S1C1-station"], deliver_m=700)
        assert [(one["kind"], one["code"], one["weight"]) for one in answer["options"]] == [
            ("open_longer", "D1S1C1-station", 300)
        ]
        _, answer = solve(radius_m=500, deliver_m=700)
        assert answer["covered_before"] == 300
        assert [(one["kind"], one["weight"]) for one in answer["options"]] == [("deliver", 300)]  # the second, 681 m

    def test_more_sites_than_candidates(self, solve) -> None:
        job, _ = solve(p=5)
        assert (job["status"], job["message"]) == (
            "failed", "p is 5; it must be between 1 and the number of candidates, 4",
        )  # fmt: skip

    def test_the_answer_is_the_planners_own(self, solve, client) -> None:
        job, _ = solve()
        assert client("chief").get(f"/api/sites/{job['id']}").status_code == 403
        assert client("anonymous").get(f"/api/sites/{job['id']}").status_code == 401

    @pytest.mark.parametrize(
        ("parameters", "said"),
        [
            ({"p": None}, "p: lscp finds the number of sites itself; every other model needs it"),
            ({"candidates": []}, "there are no candidates; give some, or propose corners or public_buildings"),
            ({"facility": "castle"}, "facility must be one of station,"),
            ({"rule": "no"}, "parameters.rule: drawn@1 has no rule no"),
            ({"rule": "school_300"}, "parameters.rule: school_300 asks for school, which has no layer"),
        ],
    )
    def test_what_cannot_be_asked(self, planner, parameters, said) -> None:
        body = {"kind": "site", "within": "D1S1C1", "parameters": {"candidates": HOUSES, **SITE, **parameters}}
        answer = planner.post("/api/jobs", json=body)
        assert answer.status_code == 400
        assert said in answer.json()["detail"]


def test_candidates_out_of_files(planner) -> None:
    table = "name,lon,lat\n老仓库,115.001,30.202\n,115.002,30.203\n"
    points = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"name": "门面"},
             "geometry": shapely.geometry.mapping(shapely.box(115, 30, 115.002, 30.002))},
        ],
    }  # fmt: skip
    found = planner.post("/api/sites/candidates", content=table.encode("gb18030")).json()["candidates"]
    assert found == [
        {"name": "老仓库", "lon": 115.001, "lat": 30.202}, {"name": "3", "lon": 115.002, "lat": 30.203},
    ]  # fmt: skip
    (inside,) = planner.post("/api/sites/candidates", content=json.dumps(points)).json()["candidates"]
    assert inside == {"name": "门面", "lon": 115.001, "lat": 30.001}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"name,lat\na,30\n", "row 1: there is no column lon; a table of places has lon, lat and name"),
        (b"lon,lat\n115,north\n", "row 2, lat: north is no number of degrees"),
        (b"lon,lat\n115,30\n400,30\n", "row 3: 400, 30 is no place on Earth (degrees of longitude and latitude)"),
        (b"lon,lat\n", "the file holds no place"),
        (b"{no json", "the file begins as GeoJSON but is none"),
    ],
)
def test_files_that_hold_no_candidates(planner, content, said) -> None:
    answer = planner.post("/api/sites/candidates", content=content)
    assert (answer.status_code, answer.json()["detail"]) == (400, said)
