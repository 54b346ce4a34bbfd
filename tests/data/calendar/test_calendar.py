"""The calendar that comes with the product, and one that a city brings."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest
from sqlalchemy import Engine, text

from data.calendar.days import Calendar
from data.calendar.store import BUILTIN_FILE, builtin_calendar, load_days, read_calendar, store_builtin_days
from data.cli import main
from data.rules.table import RuleFileError

YEARS = (2024, 2025, 2026)
HEAD = "time_zone,day,kind,name,name_en,as_weekday,source\n"


@pytest.mark.parametrize("year", YEARS)
def test_workdays_are_those_of_the_package_chinese_calendar(year: int) -> None:
    """Its tables are typed from the State Council's notices as ours are, by other people."""
    calendar = builtin_calendar()
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366) if (date(year, 1, 1) + timedelta(n)).year == year]
    differing = [day for day in days if calendar.is_workday(day) != chinese_calendar.is_workday(day)]
    assert differing == []


@pytest.mark.parametrize("year", YEARS)
def test_make_up_workdays_stand_for_the_days_that_the_package_holidays_pairs_them_with(year: int) -> None:
    """It says of a day off from which day it was moved (休息日, substituted from ...): notices do not say it."""
    found = holidays.country_holidays("CN", years=year, language="en_US")
    pairs = {}
    for day, name in found.items():
        if "substituted from" in name:
            month, of_month, _ = (int(part) for part in name.split("substituted from ")[1].strip(")").split("/"))
            pairs[date(year, month, of_month)] = day.isoweekday()
    ours = {day: one.as_weekday for day, one in builtin_calendar().days.items() if one.kind == "workday"}
    assert {day: weekday for day, weekday in ours.items() if day.year == year} == pairs


def test_what_the_calendar_says_of_a_day() -> None:
    calendar = builtin_calendar()
    national, make_up, plain = date(2026, 10, 3), date(2026, 10, 10), date(2026, 11, 22)
    assert calendar.until == date(2026, 12, 31)
    assert calendar.holiday(national).name == "国庆节"
    assert (calendar.holiday(make_up), calendar.weekday(make_up), calendar.is_workday(make_up)) == (None, 3, True)
    assert (calendar.weekday(plain), calendar.is_workday(plain)) == (7, False)
    assert (Calendar().until, Calendar().is_workday(national)) == (None, False)


def test_the_builtin_days_are_stored_once_and_a_citys_years_stay(clean: Engine, tmp_path: Path) -> None:
    """A city that brings 2026 itself has its own 2026, and the built-in 2024 and 2025."""
    own = tmp_path / "own.csv"
    own.write_text(
        HEAD + "Asia/Shanghai,2026-03-03,holiday,三月三,,,桂政发\nAsia/Shanghai,2026-03-07,workday,三月三,,,桂政发\n"
    )
    with clean.begin() as connection:
        store_builtin_days(connection)
        assert read_calendar(connection, "Asia/Shanghai") == builtin_calendar()
        before = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
        store_builtin_days(connection)
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == before
        assert load_days(connection, own) == 2
        store_builtin_days(connection)
        calendar = read_calendar(connection, "Asia/Shanghai")
        assert read_calendar(connection, "America/New_York") == Calendar()
    assert {day.year for day in calendar.days} == {2024, 2025, 2026}
    assert [day for day in calendar.days if day.year == 2026] == [date(2026, 3, 3), date(2026, 3, 7)]
    assert calendar.weekday(date(2026, 3, 7)) == 1  # a make-up workday is a Monday where nothing else is said


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Asia/Shanghai,2026-13-01,holiday,a,,,s", "row 2, day: 2026-13-01 must be a day such as 2026-10-01"),
        ("Asia/Nowhere,2026-01-01,holiday,a,,,s", "row 2, time_zone: Asia/Nowhere is no time zone"),
        ("Asia/Shanghai,2026-01-01,rest,a,,,s", "row 2, kind: rest must be one of holiday, workday"),
        ("Asia/Shanghai,2026-01-01,workday,a,,8,s", "row 2, as_weekday: 8 must be 1 (Monday) to 7 (Sunday)"),
        ("Asia/Shanghai,2026-01-01,holiday,a,,1,s", "row 2, as_weekday: 1 is of a holiday; only a workday has one"),
        ("Asia/Shanghai,2026-01-01,holiday,,,,s", "row 2, name: it is empty and must not be"),
        ("\n".join(["Asia/Shanghai,2026-01-01,holiday,a,,,s"] * 2), "the day 2026-01-01 of Asia/Shanghai is"),
        ("", "there is no day below the column names"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_whole(clean: Engine, tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "days.csv"
    path.write_text(HEAD + line + "\n")
    with clean.begin() as connection, pytest.raises(RuleFileError) as caught:
        load_days(connection, path)
    assert any(said.startswith(fault) for said in caught.value.faults)


def test_the_command_says_every_fault_and_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clean: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", clean.url.render_as_string(hide_password=False))
    path = tmp_path / "days.csv"
    path.write_text(HEAD + "x,2026-13-01,holiday,a,,,s\n")
    assert main(["calendar", "load", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert main(["calendar", "load", str(BUILTIN_FILE)]) == 0
    assert main(["calendar", "show", "--year", "2026"]) == 0
    shown = capsys.readouterr().out
    assert "Asia/Shanghai  2026-10-10  国庆节  上班 workday，按周三" in shown
