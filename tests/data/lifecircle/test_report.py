"""Life-circle reports of the drawn district of conftest.py."""

import io
import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pypdfium2
import pytest
from sqlalchemy import text

from data.cli import main
from data.errors import BadInputError, NotFoundError
from data.lifecircle.content import read_report
from data.lifecircle.drawing import map_data
from data.lifecircle.html import write_html
from data.lifecircle.pdf import write_pdf
from data.lifecircle.promises import TARGET_COLUMNS, load_targets, read_promises
from data.lifecircle.wording import word
from data.rules.store import read_rulebook, store_builtin, store_rules
from data.rules.table import BUILTIN_FILE, read_rules
from geo.verdicts import Verdict
from tests.data.pages import assert_asks_for_nothing

A_MM = 96.4  # metres of 0.001 degrees along the street


def by_code(report):
    return {one.rule.code: one for one in report.circles.judgements}


def test_verdicts_counted_by_hand(report) -> None:
    """
    Stations, 300 m: U1 0, U2 193 met; U3 from S1 2,025, not met (S2 is only planned); U4 600 m off the street: unknown.
    Canteens, 500 m, 60+: U1 96, U2 289 met (10 people); U3 2,121 not met (8); U4 unknown and not counted.
    Parking, 150 m: U1 and U2 96, U3 0 met; U4 unknown. Elder care and refuse points are not in the database.
    """
    assert list(by_code(report)) == ["service_station_300", "canteen_500", "parking_150"]
    station, canteen, parking = report.circles.judgements
    assert station.verdict.tolist() == ["met", "met", "not_met", "unknown"]
    assert canteen.verdict.tolist() == ["met", "met", "not_met", "unknown"]
    assert parking.verdict.tolist() == ["met", "met", "met", "unknown"]
    np.testing.assert_allclose(station.walk_m[:3], [0, 2 * A_MM, 21 * A_MM], rtol=2e-3, atol=0.5)
    total = report.totals[0]
    assert (total.demand[0], total.demand_met[0], total.demand_not_met[0], total.demand_unknown[0]) == (100, 30, 30, 40)
    assert (report.totals[1].demand_not_met[0], report.totals[1].units_uncounted[0]) == (8, 1)
    assert report.ranking.order.tolist() == [1, 0]  # C2: stations and canteens 100 %, parking 0; C1: nothing unserved
    np.testing.assert_allclose(report.ranking.score, [0, 2 / 3])
    assert len(report.circles.without_data) == len(report.book.rules) - 3


def test_capacity_beside_coverage(report) -> None:
    """30 seats for the 10 people of 60 and over within 500 m of N1; the stalls of P1 for 30 households within 150 m."""
    shares = {one.name: one for one in report.shares}
    assert list(shares) == ["餐位", "每日餐份", "车位"]
    np.testing.assert_allclose(shares["餐位"].access, [3, 3, 0, np.nan])
    np.testing.assert_allclose(shares["每日餐份"].access, [6, 6, 0, np.nan])
    np.testing.assert_allclose(shares["车位"].access, [70 / 30, 70 / 30, 130 / 30, np.nan])
    (row,) = [one for one in word(report).capacities if "餐位" in one[0]]
    assert row[4] == "166.7"  # 3 for each of 10 people, none for 8
    assert row[5:8] == ("8 人（44.4%）",) * 3
    (stalls,) = [one for one in word(report).capacities if "车位" in one[0]]
    assert (stalls[2], stalls[8]) == ("户 60", "另有 40 户离道路太远，未知")
    words = word(report)
    assert words.capacity_community_headings[1:3] == ("餐位 2SFCA", "餐位 E2SFCA")
    assert [(one[0], one[1]) for one in words.community_capacities] == [("和平社区", "0.0"), ("东风社区", "300.0")]


def test_neighbours_outside_the_area_take_their_share(district) -> None:
    """Canteens within 3,000 m: U1, U2 and U3 share N1's 30 seats, also where only C1, with U1 and U2, is reported."""
    with district.begin() as connection:
        rules = [replace(rule, threshold_m=3000.0) for rule in read_rules(BUILTIN_FILE)]
        book = store_rules(connection, "far", rules, source="drawn")
        whole, part = (read_report(connection, code, book) for code in ("D", "C1"))
    assert whole.shares[0].name == part.shares[0].name == "餐位"
    np.testing.assert_allclose(whole.shares[0].access, [30 / 18] * 3 + [np.nan])
    np.testing.assert_allclose(part.shares[0].access, [30 / 18] * 2)
    assert word(part).capacities[0][1:5] == ("30", "60岁以上居民 10", "3000 米", "166.7")


def test_promises_are_counted_from_the_facilities(report) -> None:
    """
    a: 1 open of 3, 2 planned, its day has passed; S2 comes on 2026-12-01, S3 has no day: no day on which all are there.
    b: 1 of 2, due later; with S2 it is reached. c: of the parking added since 2026-01-01 there are 40 stalls of 30.
    d: nobody knows. e: one street of three. f is another area's.
    """
    found = {one.target["code"]: one for one in report.promises}
    assert {code: (one.done, one.planned, one.state) for code, one in found.items()} == {
        "a": (1, 2, "late"), "b": (1, 2, "on_the_way"), "c": (40, 0, "reached"), "d": (None, None, "unknown"),
        "e": (1, 0, "on_the_way"),
    }  # fmt: skip
    assert found["a"].reached_on is None
    assert found["b"].reached_on == date(2026, 12, 1)
    words = word(report)
    assert [row[1:4] for row in words.milestones] == [
        ("2026-12-01", "二号驿站", "2 / 3"),
        ("2026-12-01", "二号驿站", "2 / 2"),
    ]
    assert [row[5] for row in words.promises] == ["已逾期", "进行中", "已完成", "无数据", "进行中"]


def test_a_promise_of_every_year_counts_what_began_this_year(district, tmp_path) -> None:
    """On 22 November 2026: two shops of 2026, one to come in December; not those of 2025, of 2027 and of no day."""
    days = {"新店": "2026-01-01", "今日": "2026-11-22", "旧店": "2025-12-31", "无日": None, "明年": "2027-01-01"}
    with district.begin() as connection:
        for name, day in {**days, "年底": "2026-12-31"}.items():
            connection.execute(
                text(
                    "INSERT INTO facility (kind, code, name, status, opens_on, area_id, geom, path) "
                    "SELECT 'exchange_point', :name, :name, :status, :day, id, ST_PointOnSurface(geom), path "
                    "FROM area WHERE code = 'C1'"
                ),
                {"name": name, "day": day, "status": "planned" if name in ("年底", "明年") else "open"},
            )
        path = tmp_path / "yearly.csv"
        row = "y,D,每年3个,,target,facility_count,exchange_point,3,个,,,yes,方案,"
        path.write_text(f"{','.join(TARGET_COLUMNS)}\n{row}\n", "utf-8")
        load_targets(connection, path)
        [found] = [one for one in read_promises(connection, "D", today=date(2026, 11, 22)) if one.target["code"] == "y"]
    assert (found.done, found.planned, found.state, found.reached_on) == (2, 1, "on_the_way", date(2026, 12, 31))


def test_every_red_figure_names_clause_metres_day_and_confidence(report) -> None:
    """The oldest data are the roads: 2026-10-09 18:00 UTC is the 10th in Shanghai."""
    words = word(report)
    station = words.found[0]
    assert (station.not_met, station.ratio, station.data_on, station.confidence) == (
        "30 户",
        "50.0%",
        "2026-10-10",
        "中",
    )
    assert station.metres == "平均 2,026 米，最远 2,026 米"
    for one in words.found:
        assert one.basis
        for row in (*one.communities, *one.units):
            assert row[-3:] == (one.basis, one.data_on, one.confidence)
        for row in one.communities:
            if not row[3].startswith("0 "):
                assert "米" in row[6]
        for row in one.units:
            assert re.fullmatch(r"[\d,]+ 米，\d+ 分钟", row[3])
    tail = (station.basis, "2026-10-10", "中")
    assert station.units == (
        ("和平社区", "三号楼", "30 户", "2,026 米，34 分钟", "2,026 米", "1.0 倍", "一号驿站", *tail),
    )
    assert words.found[1].units[0][3] == "2,123 米，44 分钟"  # 22 x 96.48, at the pace of elders, 48 m a minute
    assert station.unknown_why == "楼栋离道路超过接入限值 1 栋"


def test_data_without_a_day_are_said_to_be_so(district) -> None:
    with district.begin() as connection:
        connection.execute(text("DELETE FROM layer_date WHERE layer = 'canteen'"))
        book = store_builtin(connection)
        report = read_report(connection, "C2", book)
    words = word(report)
    assert [one.data_on == "未记录" for one in words.found] == [False, True, False]
    assert len(report.units) == 2
    assert report.promises  # those of its district


def test_imports_date_the_layers_and_an_unchanged_import_does_not(district, importing_again) -> None:
    dates = text("SELECT layer, district, changed_at > '2026-01-02' FROM layer_date ORDER BY layer")
    with district.begin() as connection:
        found = [tuple(row) for row in connection.execute(dates)]
        connection.execute(text("UPDATE layer_date SET changed_at = '2026-01-01'"))
    layers = ["canteen", "parking", "road", "sorting_zone", "station", "unit"]
    assert found == [(layer, "D", True) for layer in layers]
    importing_again("unit", households=10)
    importing_again("station", households=None)
    with district.connect() as connection:
        assert not any(row[2] for row in connection.execute(dates))
    importing_again("unit", households=11)
    with district.connect() as connection:
        assert [row[0] for row in connection.execute(dates) if row[2]] == ["unit"]


def test_the_rules_that_were_used_stay_with_the_report(report) -> None:
    words = word(report)
    assert ("规则集", f"builtin@1，{len(report.book.rules)} 条，校验码 {report.book.digest[:16]}") in words.facts
    assert [row[0] for row in words.rules] == [rule.code for rule in report.book.rules]
    assert "builtin@1" in words.footer


def test_the_html_is_one_file_that_asks_for_nothing(report) -> None:
    page = write_html(report)
    assert_asks_for_nothing(page)
    assert '<script>alert("1")' not in page
    for said in ("示例区生活圈体检报告", "示意图", "示例数据", "builtin@1", "待核", "三号楼", "2026-10-10", "已逾期"):
        assert said in page
    assert "审图号：GS(2026)1号" in write_html(report, approval="GS(2026)1号")


def test_the_pdf_has_text_and_vectors(report) -> None:
    made = write_pdf(report)
    document = pypdfium2.PdfDocument(io.BytesIO(made))
    said = re.sub("[\u200b\r\n ]", "", "".join(page.get_textpage().get_text_range() for page in document))
    for one in ("示例区生活圈体检报告", "未达标30户", "待核", "示意图", "示例数据", "三号楼", "2026-10-10", "里程碑"):
        assert one in said
    assert document[0].get_size() == pytest.approx((595.28, 841.89), abs=0.1)
    kinds = [one.type for page in document for one in page.get_objects(max_depth=4)]
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
    assert made == write_pdf(report)


def test_the_map_has_every_building_somebody_lives_in_and_every_cell(report) -> None:
    drawn = map_data(report, resolution=9)
    assert [one[1] for one in drawn["rules"][0]["units"]] == [0, 0, 1, 2]
    assert drawn["units"][0] == [30.01, 114.001, "一号楼"]
    assert [one[2] for one in drawn["rules"][0]["facilities"]] == ["一号驿站"]
    assert sum(cell[1] for cell in drawn["rules"][0]["cells"]) == 30
    assert {one[2] for one in drawn["promises"]} >= {"驿站3个：一号驿站", "新增泊位30个：新停车场"}
    json.dumps(drawn, allow_nan=False)
    unknown = report.circles.judgements[0].verdict == Verdict.UNKNOWN
    assert drawn["rules"][0]["units"][3][2] is None
    assert unknown[3]


def test_an_area_without_communities(district) -> None:
    """Everything hangs on the district: the same verdicts, nothing to rank, and files all the same."""
    with district.begin() as connection:
        connection.execute(text("UPDATE unit SET area_id = (SELECT id FROM area WHERE code = 'D'), path = 'D'"))
        connection.execute(
            text("UPDATE facility SET area_id = (SELECT id FROM area WHERE code = 'D'), path = 'D' WHERE path <@ 'D.S'")
        )
        connection.execute(text("DELETE FROM area WHERE level = 'community'"))
        found = read_report(connection, "D", store_builtin(connection))
    assert found.totals[0].demand_not_met[0] == 30
    assert word(found).ranks == ()
    assert "三号楼" in write_html(found)
    assert write_pdf(found).startswith(b"%PDF")


def test_what_cannot_be_reported(district) -> None:
    with district.begin() as connection:
        book = store_builtin(connection)
        with pytest.raises(NotFoundError, match="no district, street or community with the code 'nowhere'"):
            read_report(connection, "nowhere", book)
        connection.execute(text("DELETE FROM facility"))
        with pytest.raises(BadInputError, match="none of the facilities that the rulebook asks for is known here"):
            read_report(connection, "D", book)
        connection.execute(text("DELETE FROM road"))
        with pytest.raises(BadInputError, match=r"示例区 \(D\) has no road"):
            read_report(connection, "D", book)
        connection.execute(text("DELETE FROM unit"))
        with pytest.raises(BadInputError, match=r"示例区 \(D\) has no unit"):
            read_report(connection, "D", book)


@pytest.fixture
def command(district, database, monkeypatch, tmp_path):
    """The command on the tests' database."""
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", database.owner_url.render_as_string(hide_password=False))
    monkeypatch.chdir(tmp_path)
    return lambda *words: main([*words])


def test_from_the_command_line(command, district, capsys, tmp_path) -> None:
    assert command("report", "life-circle", "--area", "D", "-o", "out.html", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["rulebook"], printed["units"], printed["bytes"]) == (
        "builtin@1", 4, (tmp_path / "out.html").stat().st_size,
    )  # fmt: skip
    assert [one["community"] for one in printed["communities"]] == ["C2", "C1"]
    assert command("rules", "export", "city.csv") == 0
    (tmp_path / "city.csv").write_text(
        (tmp_path / "city.csv").read_text("utf-8-sig").replace(",walk,300,", ",walk,3000,"), "utf-8"
    )
    assert command("rules", "load", "city.csv", "--as", "city") == 0
    assert "city@1" in capsys.readouterr().out
    assert command("report", "life-circle", "--area", "C2", "--rules", "city", "-o", "out.pdf", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rules"][0]["demand_not_met"] == 0
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
    assert command("rules", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["rulebooks"]
    assert [one["rulebook"] for one in listed] == ["builtin@1", "city@1"]
    with district.connect() as connection:
        assert read_rulebook(connection, "city").rules[0].threshold_m == 3000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["report", "life-circle", "--area", "Q", "-o", "o.html"],
            "no district, street or community with the code 'Q'",
        ),
        (["report", "life-circle", "--area", "D", "-o", "o.doc"], "must end in .html or .pdf"),
        (["report", "life-circle", "--area", "D", "-o", "gone/o.html"], "cannot be written"),
        (["report", "life-circle", "--area", "D", "--rules", "city@7", "-o", "o.pdf"], "there is no rulebook city@7"),
        (["report", "life-circle", "--area", "D", "--cells", "40", "-o", "o.html"], "the H3 resolution is 40"),
        (["rules", "load", "gone.csv", "--as", "city"], "gone.csv cannot be read"),
        (["rules", "load", "gone.csv", "--as", "builtin"], "--as builtin: a code has 1 to 40 small letters"),
        (["rules", "load", "gone.csv", "--as", "My City"], "--as My City: a code has"),
    ],
)
def test_bad_input_is_one_sentence(command, capsys, tmp_path, words, sentence) -> None:
    assert command(*words) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert not [one for one in tmp_path.iterdir() if one.suffix in (".html", ".pdf")]


def test_promises_from_the_command_line(command, capsys, tmp_path) -> None:
    assert command("targets", "show", "--area", "D", "--json") == 0
    found = json.loads(capsys.readouterr().out)["targets"]
    assert [(one["target"], one["done"]) for one in found] == [("a", 1), ("b", 1), ("c", 40), ("d", None), ("e", 1)]
    rows = (tmp_path / "target.csv").read_text("utf-8").splitlines()
    (tmp_path / "new.csv").write_text(f"{rows[0]}\n{rows[1].replace(',3,个', ',1,个')}\n", "utf-8")
    assert command("targets", "load", "new.csv") == 0
    assert command("targets", "show", "--area", "D") == 0
    assert "驿站3个: 1 / 1，已完成" in capsys.readouterr().out
    (tmp_path / "bad.csv").write_text(f"{rows[0]}\n{rows[1].replace(',3,个', ',-3,个')}\n", "utf-8")
    assert command("targets", "load", "bad.csv") == 2
    assert "row 2, amount: -3 must be a whole number" in capsys.readouterr().err
    assert command("targets", "show", "--area", "Q") == 2


def test_every_fault_of_a_rule_file_is_said_and_nothing_is_loaded(command, district, capsys, tmp_path) -> None:
    command("rules", "export", "bad.csv")
    rows = (tmp_path / "bad.csv").read_text("utf-8-sig").replace(",walk,500,", ",fly,500,")
    (tmp_path / "bad.csv").write_text(rows, "utf-8")
    capsys.readouterr()
    assert command("rules", "load", "bad.csv", "--as", "city") == 2
    faults = capsys.readouterr().err.splitlines()
    assert len(faults) == rows.count(",fly,")
    assert all(re.search(r"bad.csv: row \d+, metric: fly must be one of walk, line", one) for one in faults)
    with district.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM rulebook")).scalar() == 0
