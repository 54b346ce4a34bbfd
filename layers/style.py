"""From a layer's declared style to MapLibre style layers and a legend, for the light and the dark map."""

from dataclasses import dataclass
from typing import Any, Literal

from layers.layer import Layer, Shade, Style
from layers.query import MAX_ZOOM, has_label_points, label_source

Theme = Literal["light", "dark"]
Expression = list[Any]
THEMES: tuple[Theme, ...] = ("light", "dark")
GROUPS = ("base", "area", "analysis", "facility", "incident")
KINDS = ("fill", "casing", "line", "heat", "circle", "label")
FONTS = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"]
GROUND = {"light": "#f4f1ea", "dark": "#0d1420"}
INK = {"light": "#2b303b", "dark": "#dbe5f2"}
HALO = {"light": "rgba(255, 255, 255, 0.9)", "dark": "rgba(9, 14, 24, 0.9)"}
HEAT_UNTIL_ZOOM = 15


@dataclass(frozen=True)
class _Drawn:
    """One style layer and where it lies in the drawing order."""

    kind: str
    group: str
    body: dict[str, Any]


def style_document(layers: tuple[Layer, ...], theme: Theme, *, name: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Make the MapLibre style of some layers: one vector source each, no glyphs, no sprite.

    Parameters
    ----------
    layers
        The layers that the reader may see, in drawing order.
    theme
        Light or dark.
    name
        What the style is called.
    metadata
        What pages read from the style, such as the map's approval number.
    """
    drawn = [one for layer in layers for one in style_layers(layer, theme)]
    drawn.sort(key=lambda one: (KINDS.index(one.kind), GROUPS.index(one.group)))
    ground = {"id": "ground", "type": "background", "paint": {"background-color": GROUND[theme]}}
    return {
        "version": 8,
        "name": name,
        "metadata": metadata,
        "sources": {layer.name: source(layer) for layer in layers},
        "layers": [ground, *(one.body for one in drawn)],
    }


def source(layer: Layer) -> dict[str, Any]:
    """Make a layer's vector source; features are known by their code."""
    return {
        "type": "vector",
        "tiles": [f"/tiles/{layer.name}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": layer.min_zoom,
        "maxzoom": layer.max_zoom,
        "promoteId": "code",
    }


def legend(layer: Layer, theme: Theme) -> list[dict[str, str]]:
    """Make a layer's legend: one line a class, each label once."""
    found: dict[str, dict[str, str]] = {}
    for style in layer.style:
        for shade in style.shades:
            color = colour(shade, theme)
            entry = {"label": shade.label, "label_en": shade.label_en, "color": color, "shape": style.paint}
            found.setdefault(shade.label, entry)
    return list(found.values())


def style_layers(layer: Layer, theme: Theme) -> list[_Drawn]:
    """Draw one layer: its fills, lines, circles or heat, and its labels."""
    drawn: list[_Drawn] = []
    for number, style in enumerate(layer.style):
        suffix = f"-{number + 1}" if number else ""
        for kind, body in _drawings(layer, style, theme):
            body = {
                "id": f"{layer.name}-{kind}{suffix}",
                "source": layer.name,
                "source-layer": layer.name,
                "minzoom": layer.min_zoom,
                "metadata": {"layer": layer.name, "group": layer.group},
                **body,
            }
            drawn.append(_Drawn("line" if kind == "outline" else kind, layer.group, body))
    return drawn


def colour(shade: Shade, theme: Theme) -> str:
    """Give a class's colour."""
    return shade.light if theme == "light" else shade.dark


def _drawings(layer: Layer, style: Style, theme: Theme) -> list[tuple[str, dict[str, Any]]]:
    """List the style layers of one style as (kind, body)."""
    made: list[tuple[str, dict[str, Any]]]
    if style.paint == "fill":
        made = _fill(layer, style, theme)
    elif style.paint == "line":
        made = _line(layer, style, theme)
    elif style.paint == "circle":
        made = _circle(layer, style, theme)
    else:
        made = [("heat", _heat(style, theme))]
    if style.label:
        made.append(("label", _label(layer, style, theme)))
    return made


def _fill(layer: Layer, style: Style, theme: Theme) -> list[tuple[str, dict[str, Any]]]:
    """Fill polygons and line them; what has no area becomes a dot."""
    paint = _colours(style, theme)
    is_polygon: Expression = ["==", ["geometry-type"], "Polygon"]
    fill = {"fill-color": paint, "fill-opacity": style.opacity, "fill-antialias": True}
    made = [
        ("fill", {"type": "fill", "filter": _all(is_polygon, *_filters(layer, style)), "paint": fill}),
        (
            "outline",
            {
                "type": "line", "filter": _all(is_polygon, *_filters(layer, style)),
                "layout": {"line-join": "round"}, "paint": {"line-color": paint, "line-width": _width(style.size)},
            },
        ),
    ]  # fmt: skip
    if layer.geometry_type == "any" and len(layer.style) == 1:
        made.append(("circle", _dot(_all(["==", ["geometry-type"], "Point"]), paint, _radius(4.0), theme)))
    return made


def _line(layer: Layer, style: Style, theme: Theme) -> list[tuple[str, dict[str, Any]]]:
    """Draw lines, over a wider rim where the style has one."""
    filters = _filters(layer, style)
    if layer.geometry_type == "any":
        filters = [["!=", ["geometry-type"], "Point"], *filters]
    layout = {"line-cap": "butt" if style.dashed else "round", "line-join": "round"}
    paint: dict[str, Any] = {"line-color": _colours(style, theme), "line-width": _width(style.size, style)}
    if style.dashed:
        paint["line-dasharray"] = [4, 2.5]
    body: dict[str, Any] = {"type": "line", "layout": layout, "paint": paint}
    if filters:
        body["filter"] = _all(*filters)
    if style.casing is None:
        return [("line", body)]
    rim = {"line-color": style.casing[THEMES.index(theme)], "line-width": _width(style.size, style, rim=1.6)}
    return [("casing", {**body, "minzoom": max(layer.min_zoom, 12), "paint": rim}), ("line", body)]


def _circle(layer: Layer, style: Style, theme: Theme) -> list[tuple[str, dict[str, Any]]]:
    """Draw points as circles; places with an area show it from near by."""
    paint = _colours(style, theme)
    if layer.geometry_type != "any":
        return [("circle", _dot(None, paint, _radius(style.size), theme))]
    is_polygon: Expression = ["==", ["geometry-type"], "Polygon"]
    fill = {"fill-color": paint, "fill-opacity": 0.35, "fill-outline-color": paint}
    return [
        ("fill", {"type": "fill", "filter": is_polygon, "paint": fill}),
        ("circle", _dot(["==", ["geometry-type"], "Point"], paint, _radius(style.size), theme)),
    ]


def _dot(where: Expression | None, colours: Any, radius: Expression, theme: Theme) -> dict[str, Any]:
    """Draw a circle with a thin rim that sets it off from the ground."""
    rim = {"circle-stroke-color": GROUND[theme], "circle-stroke-width": 1.2}
    body: dict[str, Any] = {"type": "circle", "paint": {"circle-color": colours, "circle-radius": radius, **rim}}
    if where is not None:
        body["filter"] = where
    return body


def _heat(style: Style, theme: Theme) -> dict[str, Any]:
    """Draw counted cells as a surface that fades where single features begin."""
    first, *others = style.shades
    ramp: Expression = ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(0, 0, 0, 0)"]
    ramp += [0.15, colour(first, theme)]
    for shade in others:
        ramp += [shade.value, colour(shade, theme)]
    weight = ["min", 1, ["/", ["ln", ["+", 1, ["get", "count"]]], 6]]
    return {
        "type": "heatmap",
        "maxzoom": HEAT_UNTIL_ZOOM,
        "paint": {
            "heatmap-weight": weight,
            "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 4, 8, 14, 18],
            "heatmap-intensity": 0.7,
            "heatmap-color": ramp,
            "heatmap-opacity": ["interpolate", ["linear"], ["zoom"], HEAT_UNTIL_ZOOM - 1, 0.75, HEAT_UNTIL_ZOOM, 0],
        },
    }


def _label(layer: Layer, style: Style, theme: Theme) -> dict[str, Any]:
    """Write a field beside each feature, drawn from the reader's own fonts."""
    field = layer.field(style.label or "")
    is_text = field is None or field.type == "text"
    layout: dict[str, Any] = {
        "text-field": ["get", style.label] if is_text else ["to-string", ["get", style.label]],
        "text-font": FONTS,
        "text-size": ["interpolate", ["linear"], ["zoom"], 10, 11, 16, 11 + 2 * min(style.size, 2.5)],
        "text-padding": 4,
    }
    if style.paint == "circle":
        layout |= {"text-anchor": "top", "text-offset": [0, 0.9], "text-optional": True, "text-max-width": 8}
    elif layer.geometry_type == "line":
        layout |= {"symbol-placement": "line", "text-size": 12, "symbol-spacing": 320}
    is_area = style.paint == "line" and layer.geometry_type == "polygon"
    ink = colour(style.shades[0], theme) if is_area else INK[theme]
    body: dict[str, Any] = {
        "type": "symbol",
        "minzoom": style.label_from_zoom,
        "layout": layout,
        "paint": {"text-color": ink, "text-halo-color": HALO[theme], "text-halo-width": 1.4},
    }
    if has_label_points(layer):
        body["source-layer"] = label_source(layer)
    filters = _filters(layer, style)
    if filters:
        body["filter"] = _all(*filters)
    return body


def _colours(style: Style, theme: Theme) -> Any:
    """Choose the colour by the feature's value; values that no class names take the last class's."""
    return _by_value(style, [colour(shade, theme) for shade in style.shades])


def _by_value(style: Style, outputs: list[Any]) -> Any:
    """Choose an output by the feature's value."""
    if style.by is None:
        return outputs[0]
    value: Expression = ["get", style.by]
    if style.is_stepped:
        first, *others = style.shades
        stepped: Expression = ["step", ["coalesce", value, first.value], outputs[0]]
        for shade, output in zip(others, outputs[1:], strict=True):
            stepped += [shade.value, output]
        return stepped
    chosen: Expression = ["case"]
    for shade, output in zip(style.shades[:-1], outputs, strict=False):
        chosen += [["==", value, shade.value], output]
    return [*chosen, outputs[-1]]


def _filters(layer: Layer, style: Style) -> list[Expression]:
    """Keep what the style is for: its own classes where the layer has several styles, and each from its zoom."""
    found: list[Expression] = []
    if style.by is None:
        return found
    if len(layer.style) > 1:
        found.append(["in", ["get", style.by], ["literal", [shade.value for shade in style.shades]]])
    zooms = sorted({shade.from_zoom for shade in style.shades if shade.from_zoom > layer.min_zoom})
    if zooms:
        stages: Expression = ["step", ["zoom"]]
        for zoom in [0, *zooms]:
            hidden = [shade.value for shade in style.shades if shade.from_zoom > zoom]
            stages += [zoom] if zoom else []
            stages.append(["!", ["in", ["get", style.by], ["literal", hidden]]])
        found.append(stages)
    return found


def _all(*filters: Expression) -> Expression:
    """Join conditions."""
    return filters[0] if len(filters) == 1 else ["all", *filters]


def _width(size: float, style: Style | None = None, *, rim: float = 0.0) -> Expression:
    """Grow a line with the zoom; `size` is its width at zoom 15, each class scaled, with a rim on both sides."""
    grown: Expression = ["interpolate", ["exponential", 1.5], ["zoom"]]
    for zoom, factor in ((9, 0.25), (13, 0.55), (15, 1.0), (MAX_ZOOM, 5.0)):
        widths = [round(size * factor * shade.scale + rim, 2) for shade in (style.shades if style else ())]
        if style is None or len(set(widths)) == 1:
            grown += [zoom, round(size * factor, 2) if style is None else widths[0]]
        else:
            grown += [zoom, _by_value(style, widths)]
    return grown


def _radius(size: float) -> Expression:
    """Grow a circle with the zoom; `size` is its radius at zoom 15."""
    steps = ((9, 0.4), (13, 0.7), (15, 1.0), (18, 1.6))
    return ["interpolate", ["linear"], ["zoom"], *(part for zoom, factor in steps for part in (zoom, size * factor))]
