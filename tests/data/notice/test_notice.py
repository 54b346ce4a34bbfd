"""What a notice says and draws, on the drawn community of conftest.py."""

import io
import itertools
import math
import re
from datetime import date

import pandas as pd
import pypdfium2
import pytest
import shapely

from data.notice.drawing import draw, short_label
from data.notice.html import write_html
from data.notice.matching import match_grids
from data.notice.pdf import write_pdf
from data.notice.picture import fit
from data.notice.wording import Terms, word
from data.printing.typeset import FontMissingError, choose_font
from tests.data.pages import assert_asks_for_nothing


def test_the_words_are_counted_from_the_units(notice) -> None:
    """Two buildings of 125 households go from A to N: 250 of 800, 31.2 %. B and N are in 200-400, and so is A now."""
    words = word(notice)
    assert words.summary == (
        "网格由 2 个调整为 3 个；户数在标准区间内的网格由 1 个变为 3 个；2 栋楼、250 户改变所属网格，"
        "占总户数（800 户）的 31.2%。"
    )
    assert words.grids == (
        ("东风社区", "A", "A", "500", "250", "0", "250", "区间内"),
        ("东风社区", "N", "新设", "—", "250", "250", "0", "区间内"),
    )
    assert words.changed == (
        ("东风社区", "U0", "东风小区 1号楼", "A", "N", "125"), ("东风社区", "U1", "东风小区 2号楼", "A", "N", "125"),
    )  # fmt: skip
    assert [mark[:3] for mark in words.marks] == ["示意图", "示例数"]
    assert word(notice, approval="GS(2026)1号").marks[0] == "审图号：GS(2026)1号"


def test_a_redrawn_grid_goes_on_as_the_one_it_shares_most_households_with() -> None:
    """X has 30 of A and 20 of B, Y has 25 of A: together X-B, Y-A keep 45 and X-A keeps 30. C keeps its code."""
    units = pd.DataFrame(
        [("A", "X", 30), ("B", "X", 20), ("A", "Y", 25), ("C", "C", 5), ("A", "C", 90), (None, "Z", 7)],
        columns=["before", "after", "households"],
    ).assign(community="K")
    assert match_grids(units) == {"C": "C", "X": "B", "Y": "A"}


def test_neighbours_and_successors_on_the_map(notice) -> None:
    """A grid keeps its colour; N, on A's old ground and beside it, has another."""
    drawing = draw(notice)
    before = dict(zip(drawing.before["code"], drawing.before["fill"], strict=True))
    after = dict(zip(drawing.after["code"], drawing.after["fill"], strict=True))
    assert {code: after[code] for code in before} == before
    assert after["N"] != after["A"] != after["B"]
    assert [short_label("420204004001003", None, "420204004001"), short_label("C-7", None, "C")] == ["003", "7"]
    assert short_label("X1", "二网格", "C") == "二网格"


def sides(shape):
    """Lengths of a box's four sides."""
    corners = shapely.get_coordinates(shape.simplify(1e-3).exterior)
    return [float(math.dist(a, b)) for a, b in itertools.pairwise(corners.tolist())]


def test_the_paper_map_is_true_to_scale(notice) -> None:
    """A degree of latitude is 110,852 m here, one of longitude 96,292 m: the four blocks' sides are as 4 : 1.1512.

    They fill the 178 mm but for a margin of 2 % on each side, turned by half a degree (the zone's north is not
    quite true north at 115 degrees).
    """
    sheet = fit(draw(notice), width_mm=178, height_mm=190)
    (area,) = sheet.shapes(notice.communities)
    west, south, east, north = area.bounds
    assert east - west == pytest.approx(178 / 1.04, rel=2e-3)
    assert max(sides(area)) / min(sides(area)) == pytest.approx(4 / 1.1512, rel=2e-3)
    assert [west, south] == pytest.approx([178 - east, sheet.height_mm - north], abs=0.05)
    upper, lower = sheet.shapes(notice.communities.set_geometry([shapely.Point(115, 30.201)]))[0].y, north
    assert upper < lower  # y goes down on paper


def test_the_html_is_one_file_that_asks_for_nothing(notice) -> None:
    page = write_html(notice)
    assert_asks_for_nothing(page)
    assert 'alert("1")' not in re.sub(r"&lt;.*?&gt;|\\u003c.*?\\u003e", "", page)
    for said in ("东风社区网格划分调整方案公示", "U1", "东风小区 2号楼", "示意图", "示例数据", "编号 12", "第 3 版"):
        assert said in page


def test_the_pdf_has_a4_pages_glyphs_and_vectors(notice) -> None:
    document = pypdfium2.PdfDocument(io.BytesIO(write_pdf(notice)))
    text = "".join(page.get_textpage().get_text_range() for page in document)
    for said in ("东风社区网格划分调整方案公示", "U1", "东风小区", "2号楼", "示意图", "示例数据", "调整前", "31.2%"):
        assert said in re.sub("[\u200b\r\n ]", "", text)
    assert document[0].get_size() == pytest.approx((595.28, 841.89), abs=0.1)
    kinds = [one.type for page in document for one in page.get_objects(max_depth=4)]
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
    assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_PATH) > 30
    # the old A is drawn on the left map, in its colour
    picture = document[0].render(scale=2).to_pil().convert("RGB")
    fill = draw(notice).before["fill"].iloc[0]
    assert tuple(int(fill[at : at + 2], 16) for at in (1, 3, 5)) in {one[1] for one in picture.getcolors(1_000_000)}


@pytest.mark.parametrize(
    ("terms", "period"),
    [
        (Terms(date(2026, 5, 1), date(2026, 5, 7)), "2026年5月1日至2026年5月7日（共 7 天）"),
        (Terms(date(2026, 5, 1), date(2026, 5, 1)), "2026年5月1日至2026年5月1日（共 1 天）"),
        (Terms(opens_on=date(2026, 5, 1)), "2026年5月1日起"),
        (Terms(closes_on=date(2026, 5, 7)), "至2026年5月7日止"),
        (Terms(), ""),
    ],
)
def test_the_days_of_a_notice_are_counted_with_both_ends(terms, period) -> None:
    assert terms.period == period


def test_what_is_given_is_said_and_only_the_rest_is_blank(notice) -> None:
    """Without any terms there are three blanks; with days and feedback the seal alone."""
    terms = Terms(date(2026, 5, 1), date(2026, 5, 7), feedback="东风社区 <服务站> #1")
    blank, filled = write_html(notice), write_html(notice, terms=terms)
    assert [page.count("<div>公示期限：<span></span></div>") for page in (blank, filled)] == [1, 0]
    assert [page.count("：<span></span></div>") for page in (blank, filled)] == [3, 1]
    assert "公示期限：2026年5月1日至2026年5月7日（共 7 天）" in filled
    assert "意见反馈：东风社区 &lt;服务站&gt; #1" in filled
    document = pypdfium2.PdfDocument(io.BytesIO(write_pdf(notice, terms=terms)))
    text = re.sub("[\u200b\r\n ]", "", "".join(page.get_textpage().get_text_range() for page in document))
    assert "2026年5月1日至2026年5月7日（共7天）" in text
    assert "东风社区<服务站>#1" in text


def test_the_same_plan_makes_the_same_pdf(notice) -> None:
    assert write_pdf(notice) == write_pdf(notice)


def test_without_a_chinese_font_it_says_so() -> None:
    assert choose_font(["DejaVu Sans", "WenQuanYi Zen Hei", "Noto Sans CJK SC"]) == "Noto Sans CJK SC"
    with pytest.raises(FontMissingError, match="apt-get install fonts-noto-cjk"):
        choose_font(["DejaVu Sans"])


def test_an_area_without_grids_yet(notice) -> None:
    """The first plan of an area: nothing before, every building newly in a grid."""
    units = notice.units.assign(before=None, is_moved=True)
    first = type(notice)(
        notice.facts, notice.before.iloc[:0], notice.after, units, notice.communities, notice.roads, notice.barriers
    )
    assert word(first).summary.startswith("网格由 0 个调整为 3 个")
    assert "U7" in write_html(first)
    assert write_pdf(first).startswith(b"%PDF")
