"""The layers, their legends and styles."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.context import ContextDep, ViewerDep
from api.problems import problems
from api.services.catalogue import Places, read_places, visible_layers
from layers.layer import Layer
from layers.style import Theme, legend, style_document
from layers.viewer import Viewer

router = APIRouter(tags=["layers"])


class FieldInfo(BaseModel):
    """One attribute of a layer that the reader may see."""

    name: str
    title: str
    title_en: str
    type: str
    unit: str | None


class LegendEntry(BaseModel):
    """One line of a legend."""

    label: str
    label_en: str
    color: str
    shape: str


class Legends(BaseModel):
    """A legend for each theme, with the same lines."""

    light: list[LegendEntry]
    dark: list[LegendEntry]


class LayerInfo(BaseModel):
    """A layer that the reader may ask for."""

    name: str
    title: str
    title_en: str
    geometry_type: str
    is_public: bool
    revision: int
    min_zoom: int
    max_zoom: int
    fields: list[FieldInfo]
    legend: Legends
    attribution: str | None
    is_sample: bool


class LayerList(BaseModel):
    """All layers of the reader, in drawing order."""

    layers: list[LayerInfo]


@router.get("/api/layers", responses=problems())
async def layers(request: Request, context: ContextDep, viewer: ViewerDep) -> LayerList:
    """The layers and fields that the caller may see. Anyone may call."""
    await context.revisions.settle()
    places = await context.reader.run(viewer, read_places, request.receive)
    return LayerList(
        layers=[_describe(layer, viewer, places, context.revisions.get(layer.name)) for layer in visible_layers(viewer)]
    )


@router.get("/api/styles/{theme}.json", responses=problems())
async def style(
    request: Request, context: ContextDep, viewer: ViewerDep, theme: Literal["light", "dark"]
) -> dict[str, Any]:
    """A MapLibre style of all layers that the caller may see: a vector source each, no glyphs. Anyone may call."""
    places = await context.reader.run(viewer, read_places, request.receive)
    chosen: Theme = theme
    metadata = {"approval": context.settings.map_approval, "is_sample": places.is_sample}
    document = style_document(visible_layers(viewer), chosen, name=f"一网图 {theme}", metadata=metadata)
    if places.attribution:
        for source in document["sources"].values():
            source["attribution"] = places.attribution
    return document


def _describe(layer: Layer, viewer: Viewer, places: Places, revision: int) -> LayerInfo:
    """Say what a layer is to one reader."""
    return LayerInfo(
        name=layer.name, title=layer.title, title_en=layer.title_en, geometry_type=layer.geometry_type,
        is_public=layer.scope == "public", revision=revision, min_zoom=layer.min_zoom, max_zoom=layer.max_zoom,
        fields=[
            FieldInfo(name=one.name, title=one.title, title_en=one.title_en, type=one.type, unit=one.unit)
            for one in viewer.fields(layer)
        ],
        legend=Legends(
            light=[LegendEntry(**entry) for entry in legend(layer, "light")],
            dark=[LegendEntry(**entry) for entry in legend(layer, "dark")],
        ),
        attribution=places.attribution, is_sample=places.is_sample,
    )  # fmt: skip
