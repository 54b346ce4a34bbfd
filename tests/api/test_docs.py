"""Documentation that is generated stays true. `python tests/api/test_docs.py` writes the tables anew."""

import re
from pathlib import Path

import pytest

from api.settings import Settings
from layers.registry import LAYERS

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
AUDIENCES = {"public": "所有人 everyone", "staff": "工作人员 staff", "case": "办件人员 case staff"}
SCOPES = {"public": "所有人 everyone", "map": "本辖区 own areas", "case": "本辖区事件 own cases"}


def settings_table() -> str:
    """Write one line a setting."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "`var/`" if name == "data_dir" else "`web/dist/`" if name == "web_dir" else f"`{field.default}`"
        default = "-" if field.default in (None, "") else default
        lines.append(f"| `YIWANGTU_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


def layers_tables() -> str:
    """Write one section a layer with its fields."""
    parts = []
    for layer in LAYERS:
        zooms = f"zooms {layer.min_zoom}-{layer.max_zoom}"
        parts.append(
            f"### {layer.name}: {layer.title} {layer.title_en}\n\n{layer.geometry_type}, {zooms}, rows: "
            f"{SCOPES[layer.scope]}{', derived' if layer.is_derived else ''}.\n\n"
            "| field | 名称 title | type | who sees it | in tiles | imported |\n| --- | --- | --- | --- | --- | --- |"
        )
        for field in layer.fields:
            unit = f" ({field.unit})" if field.unit else ""
            is_imported = field.is_imported and not layer.is_derived
            imported = "required" if field.is_required else "yes" if is_imported else ""
            parts[-1] += (
                f"\n| `{field.name}` | {field.title} {field.title_en} | {field.type}{unit} "
                f"| {AUDIENCES[field.audience]} | {'yes' if field.in_tile else ''} | {imported} |"
            )
    return "\n\n".join(parts)


TABLES = {"configuration.md": settings_table, "layers.md": layers_tables}


def replaced(text: str, table: str) -> str:
    """Put a table between the two marks of a guide."""
    return re.sub(r"(<!-- begin -->\n).*?(<!-- end -->)", lambda m: m[1] + table + "\n" + m[2], text, flags=re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_guides_say_what_the_code_says(name: str) -> None:
    """Every setting, layer and field has its line, and the line is right."""
    written = (GUIDES / name).read_text("utf-8")
    assert written == replaced(written, TABLES[name]()), f"run: python tests/api/test_docs.py ({name} is out of date)"
    assert "<!-- begin -->" in written


def test_every_setting_has_a_meaning() -> None:
    """An undescribed setting would be an empty cell."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


if __name__ == "__main__":
    for guide, make in TABLES.items():
        path = GUIDES / guide
        path.write_text(replaced(path.read_text("utf-8"), make()), "utf-8")
