"""Notices through the HTTP API: the drawn plan of D1 puts the four buildings of D1S1C1 into one new grid, D1S1C1G9.

Today's grids there have 600 and 200 households. G9 goes on as G1, whose 600 stay; the two buildings of G2 move, 200
households of the 800 of D1S1C1 and of the 3200 of D1.
"""

import re
import zlib

import pytest

PLAN = 3


def plain(page: str) -> str:
    """The text outside scripts, styles and tags, without line breaks."""
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_html_counts_what_changes(still) -> None:
    answer = still("planner").get(f"/api/plans/{PLAN}/notice.html")
    assert answer.status_code == 200
    assert "attachment; filename*=UTF-8''D1%20draft" in answer.headers["content-disposition"]
    said = plain(answer.text)
    assert "区1网格划分调整方案公示" in said
    assert "2 栋楼、200 户改变所属网格，占总户数（3200 户）的 6.2%" in said
    assert re.findall(r"D1S1C1G\dU\d", said) == ["D1S1C1G2U1", "D1S1C1G2U2"]
    assert "社区D1S11 D1S1C1G9 D1S1C1G1 600 800 200 0 区间内" in said
    assert "示意图" in said
    assert "示例数据" in said
    assert "D1S1C1G2" in said[said.index("停用的网格编码") :]


def test_the_pdf_is_one(still) -> None:
    answer = still("planner").get(f"/api/plans/{PLAN}/notice.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert zlib.crc32(answer.content) == zlib.crc32(still("planner").get(f"/api/plans/{PLAN}/notice.pdf").content)


def test_days_and_feedback_are_said(still) -> None:
    query = {"opens_on": "2026-05-01", "closes_on": "2026-05-07", "feedback": " 社区服务站 "}
    said = plain(still("planner").get(f"/api/plans/{PLAN}/notice.html", params=query).text)
    assert "公示期限：2026年5月1日至2026年5月7日（共 7 天） 意见反馈：社区服务站 公示单位" in said


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"opens_on": "2026-05-08", "closes_on": "2026-05-07"}, "closes_on: 2026-05-07 is before the first day"),
        ({"opens_on": "soon"}, "opens_on"),
        ({"feedback": "x" * 201}, "feedback"),
        ({"feedback": "a\nb"}, "feedback"),
    ],
)
def test_days_that_cannot_be_are_refused(still, query, field) -> None:
    answer = still("planner").get(f"/api/plans/{PLAN}/notice.html", params=query)
    assert answer.status_code == 400
    assert field in answer.text


def test_against_another_plan(still) -> None:
    """Against itself nothing changes."""
    answer = still("planner").get(f"/api/plans/{PLAN}/notice.html?against={PLAN}")
    assert "没有楼栋改变网格" in plain(answer.text)


@pytest.mark.parametrize("address", [f"/api/plans/{PLAN}/notice.html?against=99", "/api/plans/99/notice.pdf"])
def test_a_plan_that_is_not_there(still, address) -> None:
    answer = still("planner").get(address)
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no plan 99")


def test_no_person_is_named(still) -> None:
    """Neither who made the plan nor any account is in a notice."""
    page = still("planner").get(f"/api/plans/{PLAN}/notice.html").text
    assert "drawn" not in plain(page)
    assert "测试 " not in page
