"""The catalogue's files: classes in the shape of the standard, time limits, routing rules; what is faulty is named."""

from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from data.catalogue import categories, departments, limits, routing
from data.cli import main
from data.deadlines.store import read_clock
from data.imports.reference import load_categories, load_limits
from data.rules.table import RuleFileError


@pytest.fixture
def write(tmp_path: Path):
    def make(lines: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(lines, "utf-8")
        return path

    return make


def test_minors_of_two_and_three_digits_and_local_extensions(write) -> None:
    found = categories.read_categories(
        write(
            "code,parent,name,duplicate_m,duplicate_hours\nE01-02,E01,暴露垃圾,30,\nE01,,市容环境,,\n"
            "E01-003,E01,道路破损,,\nE01-999,E01,共享单车堆积（自定义）,,12\nE07,,本市大类,,\nE07-01,E07,本市小类,,\n"
        )
    )
    assert [(one.code, one.parent, one.is_local, one.duplicate_m, one.duplicate_hours) for one in found] == [
        ("E01", None, False, 50, 72), ("E07", None, True, 50, 72), ("E01-003", "E01", False, 50, 72),
        ("E01-02", "E01", False, 30, 72), ("E01-999", "E01", True, 50, 12), ("E07-01", "E07", True, 50, 72),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("E01-02,E02,x", "row 3, parent: E02 must be E01 for the code E01-02"),
        ("E01-02,,x", "row 3, parent: nothing must be E01 for the code E01-02"),
        ("E02,E01,x", "row 3, parent: E01 must be empty for the code E02"),
        ("E01-080,E01,x", "row 3, name: x must end in （自定义）: E01-080 lies in the local extension 080-999"),
        ("E01-1,E01,x", "row 3, code: E01-1 must be as E01 for a major class, E01-02 or E01-002 for a minor one"),
        ("E01-00,E01,x", "row 3, code: E01-00 must be as E01"), ("X01,,x", "row 3, code: X01 must be as E01"),
        ("E00,,x", "row 3, code: E00 must be as E01"), ("E01,,y", "row 3, code: E01 is the class of row 2"),
        ("E02-01,E02,x", "row 3, parent: E02 is no code of this file"), (",,x", "row 3, code: it is empty"),
        ("E01-02,E01,x\nE01-002,E01,y", "row 4, code: E01-002 is the class of row 3"),
    ],
)  # fmt: skip
def test_a_faulty_class_is_named(write, line: str, sentence: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        categories.read_categories(write(f"code,parent,name\nE01,,市容环境\n{line}\n"))
    assert any(one.startswith(sentence) for one in refused.value.faults), refused.value.faults


@given(st.sampled_from("EP"), st.integers(1, 99), st.integers(1, 999))
def test_both_widths_name_one_class(kind: str, major: int, minor: int) -> None:
    three = f"{kind}{major:02}-{minor:03}"
    if minor > 99:
        assert categories.spellings(three) == (three,)
    else:
        two = f"{kind}{major:02}-{minor:02}"
        assert (categories.other_width(two), categories.other_width(three)) == (three, two)


def test_what_comes_with_the_product_holds(clean: Engine) -> None:
    """Every minor class has one limit, marked as a sample; the desk for the rest is named."""
    found = categories.read_categories()
    minors = {one.code for one in found if one.parent}
    rules = limits.read_limits()
    assert {rule.category for rule in rules} == minors
    assert {rule.source for rule in rules} == {"示例"}
    assert [(one.category, one.area_code) for one in routing.read_routing()] == [("", "")]
    with clean.begin() as connection:
        assert load_categories(connection) == len(found)
        assert connection.execute(text("SELECT count(*) FROM sla_rule")).scalar_one() == len(minors)


def test_a_citys_limits_replace_those_of_their_categories(clean: Engine, write) -> None:
    """E01-002 is E01-02 here; what the file names and nobody knows is left out."""
    with clean.begin() as connection:
        load_categories(connection)
        path = write("category,area_code,amount,unit,source\nE01-002,,2,natural_day,本市\nE99-01,,1,working_day,本市\n")
        assert load_limits(connection, path) == 1
        rows = connection.execute(text("SELECT amount, unit, source FROM sla_rule WHERE category = 'E01-02'")).all()
        assert [tuple(row) for row in rows] == [(2, "natural_day", "本市")]
        load_categories(connection)  # a start brings no sample limits back
        assert connection.execute(text("SELECT count(*) FROM sla_rule WHERE source = '本市'")).scalar_one() == 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("E01-02,,0,working_day", "row 2, amount: 0 must be a whole number from 1 to 1000"),
        ("E01-02,,1.5,working_day", "row 2, amount: 1.5 must be a whole number"),
        ("E01-02,,1,week", "row 2, unit: week must be one of emergency_hour, working_hour, working_day, natural_day"),
        ("E01-02,,,working_day", "row 2, amount: it is empty and must not be"),
        ("E01-02,,1,working_day\nE01-02,,2,working_day", "row 3, category: E01-02 has a limit for everywhere already"),
    ],
)
def test_a_faulty_limit_is_named(write, lines: str, sentence: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        limits.read_limits(write(f"category,area_code,amount,unit\n{lines}\n"))
    assert any(one.startswith(sentence) for one in refused.value.faults), refused.value.faults


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("E01,,城管局", "no row has neither category nor area_code"), ("E01,,", "row 2, body: it is empty"),
        (",,甲\n,,乙", "row 3, category: all in all areas has a body already"),
    ],
)  # fmt: skip
def test_a_faulty_routing_rule_is_named(write, lines: str, sentence: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        routing.read_routing(write(f"category,area_code,body\n{lines}\n"))
    assert any(one.startswith(sentence) for one in refused.value.faults), refused.value.faults


def test_a_city_loads_its_own_by_command(clean: Engine, write, monkeypatch, capsys) -> None:
    """What names a category or an area that is not there is refused as a whole; routing makes versions."""

    monkeypatch.setenv("YIWANGTU_DATABASE_URL", clean.url.render_as_string(hide_password=False))

    def run(name: str, lines: str) -> tuple[int, str, str]:
        code = main(["cases", name, str(write(lines))])
        said = capsys.readouterr()
        return code, said.out, said.err

    assert run("categories", "code,parent,name\nE01,,市容环境\nE01-02,E01,暴露垃圾\n")[:2] == (
        0,
        "2 类事项新增或有变 categories are new or different\n",
    )
    assert run("limits", "category,amount,unit\nE01-002,2,working_day\n")[:2] == (0, "1 条时限 time limits\n")
    code, _, error = run("limits", "category,area_code,amount,unit\nE01-02,,9,working_day\nE02-01,D9,1,working_day\n")
    assert (code, error.count("\n")) == (2, 2)
    assert "category: E02-01 is not in the catalogue" in error
    assert "area_code: there is no area D9" in error
    with clean.begin() as connection:
        assert connection.execute(text("SELECT amount FROM sla_rule")).scalars().all() == [2]
    for number, body in ((1, "甲"), (1, "甲"), (2, "乙")):
        code, said, _ = run("routing", f"category,area_code,body\n,,{body}\n")
        assert (code, said.split("（")[0]) == (0, f"{number} ")
    assert main(["cases", "hours", "09:00-12:00", "13:00-18:00"]) == 0
    with clean.begin() as connection:
        assert [hours for hours, _ in read_clock(connection, "Asia/Shanghai").hours] == [time(9), time(13)]
        connection.execute(text("DELETE FROM office_hour"))
        connection.execute(text("INSERT INTO office_hour VALUES ('08:30', '12:00'), ('14:30', '17:30')"))
    for wrong in (["9-12"], ["12:00-09:00"], ["09:00-12:00", "11:00-13:00"]):
        assert main(["cases", "hours", *wrong]) == 2


def test_every_class_and_body_that_comes_with_the_product_has_an_english_name(write) -> None:
    found = categories.read_categories()
    assert [one.code for one in found if not one.name_en] == []
    names = departments.read_departments()
    bodies = {one.department for one in found if one.department} | {one.body for one in routing.read_routing()}
    assert bodies - set(names) == set()
    with pytest.raises(RuleFileError, match="row 3, name: 甲 comes twice"):
        departments.read_departments(write("name,name_en\n甲,A\n甲,B\n"))
