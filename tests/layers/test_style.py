"""Styles and legends follow from the declarations: nothing refers to a source or field that a tile does not carry."""

import re

import pytest

from layers.layer import Layer, Shade
from layers.query import has_label_points, label_source
from layers.registry import LAYERS
from layers.style import GROUPS, KINDS, THEMES, Theme, legend, style_document

COLOUR = re.compile(r"#[0-9a-f]{6}")


def fields_read(expression: object) -> set[str]:
    """Collect the feature properties that an expression reads."""
    if not isinstance(expression, list):
        if isinstance(expression, dict):
            return set().union(*(fields_read(part) for part in expression.values()), set())
        return set()
    own = {expression[1]} if len(expression) == 2 and expression[0] == "get" else set()
    return own.union(*(fields_read(part) for part in expression))


@pytest.mark.parametrize("theme", THEMES)
def test_every_source_layer_and_field_exists(theme: Theme) -> None:
    """A field that is not in the tile would draw every feature in the last class's colour."""
    document = style_document(LAYERS, theme, name="s", metadata={})
    by_name = {layer.name: layer for layer in LAYERS}
    assert set(document["sources"]) == set(by_name)
    assert "glyphs" not in document
    assert "sprite" not in document
    for drawn in document["layers"][1:]:
        layer = by_name[drawn["source"]]
        known = {layer.name} | ({label_source(layer)} if has_label_points(layer) else set())
        assert drawn["source-layer"] in known
        assert drawn["metadata"] == {"layer": layer.name, "group": layer.group}
        assert fields_read([drawn.get("paint"), drawn.get("layout"), drawn.get("filter")]) <= {
            field.name for field in layer.fields if field.in_tile
        }


@pytest.mark.parametrize("theme", THEMES)
def test_drawing_order(theme: Theme) -> None:
    """Fills lie under lines, lines under circles, circles under labels; ids are unique; every layer is drawn."""
    drawn = style_document(LAYERS, theme, name="s", metadata={})["layers"][1:]
    types = [{"symbol": "label", "heatmap": "heat"}.get(one["type"], one["type"]) for one in drawn]
    ranks = [KINDS.index(kind) for kind in types]
    assert [max(0, rank - 1) if rank == 1 else rank for rank in ranks] == sorted(ranks)
    assert len({one["id"] for one in drawn}) == len(drawn)
    assert {one["metadata"]["layer"] for one in drawn} == {layer.name for layer in LAYERS}
    labels = [GROUPS.index(one["metadata"]["group"]) for one in drawn if one["type"] == "symbol"]
    assert labels == sorted(labels)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_legends_have_the_same_lines(layer: Layer) -> None:
    """Whoever switches the theme reads the same legend, in other colours."""
    light, dark = legend(layer, "light"), legend(layer, "dark")
    assert [one["label"] for one in light] == [one["label"] for one in dark]
    assert light
    assert all(COLOUR.fullmatch(one["color"]) for one in light + dark)
    assert len({one["label"] for one in light}) == len(light)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_styles_name_real_values(layer: Layer) -> None:
    """A class of a field with choices is one of the choices; a style's field is in the tile."""
    for style in layer.style:
        if style.by is None:
            continue
        field = layer.field(style.by)
        assert field is not None
        assert field.in_tile
        if field.choices:
            assert {shade.value for shade in style.shades} <= set(field.choices)


def test_shades_are_frozen() -> None:
    """A declaration can't be changed by whoever reads it."""
    with pytest.raises(AttributeError):
        Shade("a", "甲", "A", "#000000", "#ffffff").light = "#111111"  # type: ignore[misc]
