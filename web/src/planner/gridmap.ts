/** Grids on the map, coloured, hatched and labelled by the band; moved units. */
import {
  type GeoJSONSource,
  type LayerSpecification,
  type Map as GLMap,
  type MapMouseEvent,
} from "maplibre-gl";
import type { MapHandle } from "../shared/map";
import { insidePoint } from "../shared/shape";
import { type Band, bandLabel, bandState } from "./band";
import { BAND_COLORS, BAND_INK, BEFORE_COLOR, CHANGE_COLORS, changeOf, INK, MOVED_COLOR, QUIET_COLOR } from "./colors";
import type { ChangeFeature, GridChange, GridFeature } from "./compare";
import { hatch } from "../shared/marks";

/** What the planner's map always shows of the style; the grids themselves are drawn by this module. */
export const CONTEXT_LAYERS = ["district", "street", "community", "compound", "unit", "road", "barrier"];

const GRIDS = "planner-grids";
const LABELS = "planner-grid-labels";
const BEFORE = "planner-before";
const MOVED = "planner-moved";
const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
const EMPTY = { type: "FeatureCollection", features: [] } as const;

/** Fill and words of a grid in the picture of differences: what came, what went. */
function differenceLook(change: GridChange | undefined): Record<"fill" | "ink" | "label" | "hatch", string> {
  const label = [
    change?.households_in ? `+${change.households_in}` : "",
    change?.households_out ? `−${change.households_out}` : "",
  ].join(" ");
  return { fill: CHANGE_COLORS[changeOf(change)], ink: INK, label: label.trim(), hatch: "in" };
}

export class GridMap {
  private readonly map: GLMap;
  private grids: GridFeature[] = [];

  constructor(
    handle: MapHandle,
    onSelect: (code: string) => void,
  ) {
    this.map = handle.map;
    handle.setVisible(CONTEXT_LAYERS);
    this.addImages();
    this.addSources();
    this.addLayers();
    this.map.on("click", `${GRIDS}-fill`, (event: MapMouseEvent & { features?: { properties: unknown }[] }) => {
      const properties = event.features?.[0]?.properties as { code?: string } | undefined;
      if (properties?.code) onSelect(properties.code);
    });
    this.map.on("mouseenter", `${GRIDS}-fill`, () => (this.map.getCanvas().style.cursor = "pointer"));
    this.map.on("mouseleave", `${GRIDS}-fill`, () => (this.map.getCanvas().style.cursor = ""));
  }

  /** Show grids by the band or, where `changes` are given, by what each gains and loses. */
  setGrids(grids: GridFeature[], band: Band, changes: Map<string, GridChange> | null = null): void {
    this.grids = grids;
    const shown = grids.map((grid) => {
      const { code, households } = grid.properties;
      const state = bandState(households, band);
      const look = changes
        ? differenceLook(changes.get(code))
        : { fill: BAND_COLORS[state], ink: BAND_INK[state], label: bandLabel(households, band), hatch: state };
      return { ...grid, properties: { code, state, households, ...look } };
    });
    this.source(GRIDS).setData({ type: "FeatureCollection", features: shown });
    this.source(LABELS).setData({
      type: "FeatureCollection",
      features: shown.map((grid) => ({
        ...grid,
        geometry: { type: "Point", coordinates: insidePoint(grid.geometry) },
      })),
    });
  }

  /** Outlines to compare with, dashed over the grids. */
  setBefore(grids: GridFeature[]): void {
    this.source(BEFORE).setData({ type: "FeatureCollection", features: grids });
  }

  setMoved(changes: ChangeFeature[]): void {
    this.source(MOVED).setData({ type: "FeatureCollection", features: changes });
  }

  select(code: string | null): void {
    this.map.setFilter(`${GRIDS}-selected`, ["==", ["get", "code"], code ?? ""]);
    this.map.setFilter(`${GRIDS}-selected-halo`, ["==", ["get", "code"], code ?? ""]);
  }

  /** Leave only the grids' borders, as the ground of another picture. */
  mute(isMuted: boolean): void {
    for (const id of [`${GRIDS}-fill`, `${GRIDS}-hatch`, `${LABELS}-text`]) {
      this.map.setLayoutProperty(id, "visibility", isMuted ? "none" : "visible");
    }
    this.map.setPaintProperty(`${GRIDS}-line`, "line-color", isMuted ? QUIET_COLOR : ["get", "ink"]);
  }

  /** The box of one grid, or null when it is not on this map. */
  grid(code: string): GridFeature | null {
    return this.grids.find((grid) => grid.properties.code === code) ?? null;
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id) as GeoJSONSource;
  }

  private addImages(): void {
    this.map.addImage("band-below", hatch("horizontal", BAND_INK.below), { pixelRatio: 2 });
    this.map.addImage("band-above", hatch("diagonal", BAND_INK.above), { pixelRatio: 2 });
  }

  private addSources(): void {
    for (const id of [GRIDS, LABELS, BEFORE, MOVED]) this.map.addSource(id, { type: "geojson", data: EMPTY as never });
  }

  private addLayers(): void {
    // Areas under the style's own labels, marks over them.
    const firstLabel = this.map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
    const under = (layer: LayerSpecification): void => void this.map.addLayer(layer, firstLabel);
    under({
      id: `${GRIDS}-fill`,
      type: "fill",
      source: GRIDS,
      paint: { "fill-color": ["get", "fill"], "fill-opacity": 0.42 },
    });
    under({
      id: `${GRIDS}-hatch`,
      type: "fill",
      source: GRIDS,
      filter: ["!=", ["get", "hatch"], "in"],
      paint: { "fill-pattern": ["concat", "band-", ["get", "hatch"]], "fill-opacity": 0.5 },
    });
    under({
      id: `${GRIDS}-line`,
      type: "line",
      source: GRIDS,
      layout: { "line-join": "round" },
      paint: { "line-color": ["get", "ink"], "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.6, 15, 2] },
    });
    under({
      id: `${BEFORE}-line`,
      type: "line",
      source: BEFORE,
      layout: { "line-join": "round" },
      paint: { "line-color": BEFORE_COLOR, "line-width": ["interpolate", ["linear"], ["zoom"], 11, 1, 15, 2.5], "line-dasharray": [3, 2] },
    });
    const outline = (name: string, color: string, width: number): void =>
      under({
        id: `${GRIDS}-${name}`,
        type: "line",
        source: GRIDS,
        filter: ["==", ["get", "code"], ""],
        layout: { "line-join": "round" },
        paint: { "line-color": color, "line-width": width },
      });
    outline("selected-halo", "#fff", 7);
    outline("selected", "#111827", 3.5);
    this.map.addLayer({
      id: `${MOVED}-circle`,
      type: "circle",
      source: MOVED,
      paint: {
        "circle-color": MOVED_COLOR,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 1.6, 14, 3.5, 17, 8],
        "circle-stroke-color": "#fff",
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 11, 0.4, 14, 1.4],
      },
    });
    this.map.addLayer({
      id: `${LABELS}-text`,
      type: "symbol",
      source: LABELS,
      layout: {
        "text-field": ["get", "label"],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 11, 10, 15, 16],
        "text-padding": 1,
        "symbol-sort-key": ["match", ["get", "state"], "in", 1, 0],
      },
      paint: { "text-color": ["get", "ink"], "text-halo-color": "#fff", "text-halo-width": 2 },
    });
  }
}

/** Keep maps at one place and zoom; answers a function that lets go. */
export function syncMaps(maps: GLMap[]): () => void {
  let isFollowing = false;
  const follow = new Map<GLMap, () => void>();
  for (const leader of maps) {
    const move = (): void => {
      if (isFollowing) return;
      isFollowing = true;
      for (const other of maps) {
        if (other !== leader) other.jumpTo({ center: leader.getCenter(), zoom: leader.getZoom() });
      }
      isFollowing = false;
    };
    leader.on("move", move);
    follow.set(leader, move);
  }
  return () => follow.forEach((move, map) => map.off("move", move));
}
