"""Service items come from a file, whole or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from data.cli import main
from data.publicmap.catalogue import SAMPLE_FILE, load_items, read_items
from data.rules.table import RuleFileError

HEAD = "name,name_en,facility_kind,tier,bring,note\n"


def test_items_are_read_in_the_order_of_the_file(clean: Engine, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(HEAD + "乙,B,station,leading,身份证；户口簿; ,注\n甲,,parking,,,\n")
    with clean.begin() as connection:
        load_items(connection, SAMPLE_FILE)
        assert load_items(connection, path) == 2
        assert read_items(connection, ["堂食"]) == {}
        assert list(read_items(connection, ["甲", "乙", "丙"]).items()) == [
            ("乙", {"name_en": "B", "tier": "leading", "bring": ["身份证", "户口簿"], "note": "注"}),
            ("甲", {"name_en": None, "tier": None, "bring": [], "note": None}),
        ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("甲,,bank,,,", "row 2, facility_kind: bank must be one of station"),
        ("甲,,station,golden,,", "row 2, tier: golden must be one of basic, standard, leading"),
        ("甲,,canteen,basic,,", "row 2, tier: basic is given, but a canteen has no tiers"),
        (",,station,,,", "row 2, name: it is empty"),
        ("甲,,station,,,\n甲,,station,,,", "the item 甲 is there twice"),
        ("", "there is no item"),
    ],
)
def test_a_faulty_file_is_refused_whole(clean: Engine, tmp_path: Path, lines: str, fault: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(HEAD + lines + "\n")
    with clean.begin() as connection, pytest.raises(RuleFileError) as caught:
        load_items(connection, path)
    assert any(said.startswith(fault) for said in caught.value.faults)


def test_the_command(clean: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", clean.url.render_as_string(hide_password=False))
    assert main(["services", "load", str(SAMPLE_FILE)]) == 0
    assert "38 项服务事项" in capsys.readouterr().out
