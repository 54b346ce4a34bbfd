/** Verdicts of a rule on the planner's map: every building by a sign, or hexagons by the share not served; promises. */
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GLMap } from "maplibre-gl";
import type { MapHandle } from "../../shared/map";
import { GAP_COLORS, INK } from "../colors";
import { CONTEXT_LAYERS } from "../gridmap";
import { dot, triangle, unknownMark } from "../../shared/marks";
import { CELL_COLORS, cellClass, type Target } from "./findings";
import type { GapView } from "./useLifeCircle";

const GAPS = "planner-gaps";
const CELLS = "planner-cells";
const STEPS = "planner-steps";
const SOURCE = "service_gap";
const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
const EMPTY = { type: "FeatureCollection", features: [] } as const;
export const STATE_COLORS = { done: "#1b7a43", planned: "#b35c00" } as const;

export class GapMap {
  private readonly map: GLMap;

  constructor(private readonly handle: MapHandle) {
    this.map = handle.map;
    this.map.addImage("gap-m", dot(GAP_COLORS.covered), { pixelRatio: 2 });
    this.map.addImage("gap-n", triangle(GAP_COLORS.gap), { pixelRatio: 2 });
    this.map.addImage("gap-u", unknownMark(GAP_COLORS.unknown), { pixelRatio: 2 });
    for (const id of [CELLS, STEPS]) this.map.addSource(id, { type: "geojson", data: EMPTY as never });
    const firstLabel = this.map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
    this.map.addLayer(
      {
        id: `${CELLS}-fill`, type: "fill", source: CELLS,
        paint: { "fill-color": ["get", "color"], "fill-opacity": 0.72, "fill-outline-color": "#ffffff" },
      },
      firstLabel,
    );
    this.map.addLayer({
      id: `${CELLS}-label`, type: "symbol", source: CELLS, minzoom: 13, filter: ["!=", ["get", "label"], ""],
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 13 },
      paint: { "text-color": INK, "text-halo-color": "#fff", "text-halo-width": 1.6 },
    });
    this.map.addLayer({
      id: `${STEPS}-dot`, type: "circle", source: STEPS,
      paint: {
        "circle-radius": 7, "circle-color": ["case", ["get", "is_done"], STATE_COLORS.done, "#ffffff"],
        "circle-stroke-width": 3, "circle-stroke-color": ["case", ["get", "is_done"], "#ffffff", STATE_COLORS.planned],
      },
    });
    this.map.addLayer({
      id: `${STEPS}-label`, type: "symbol", source: STEPS, minzoom: 12,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 13, "text-offset": [0, 1.1], "text-anchor": "top" },
      paint: { "text-color": INK, "text-halo-color": "#fff", "text-halo-width": 2 },
    });
  }

  /** Show what a rule found; null takes it away. */
  show(view: GapView | null): void {
    if (this.map.getLayer(GAPS)) this.map.removeLayer(GAPS);
    this.data(CELLS, (view?.cells ?? []).flatMap((cell) => {
      const { unserved_ratio, demand_not_met, demand } = cell.properties;
      const at = cellClass(unserved_ratio);
      if (demand === 0) return [];
      const color = at === null ? GAP_COLORS.unknown : CELL_COLORS[at]!;
      return [{ ...cell, properties: { color, label: demand_not_met > 0 ? String(Math.round(demand_not_met)) : "" } }];
    }));
    this.handle.setVisible(view ? [...CONTEXT_LAYERS, view.facility] : CONTEXT_LAYERS);
    if (!view || view.cells || !this.map.getSource(SOURCE)) return;
    const sign: ExpressionSpecification = ["slice", ["get", "verdicts"], view.place, view.place + 1];
    this.map.addLayer({
      id: GAPS,
      type: "symbol",
      source: SOURCE,
      "source-layer": SOURCE,
      filter: ["all", ["==", ["get", "examination"], view.examination], [">", ["get", "households"], 0]],
      layout: {
        "icon-image": ["concat", "gap-", sign],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.35, 14, 0.7, 17, 1.1],
        "icon-allow-overlap": true,
        "symbol-sort-key": ["match", sign, "n", 2, "u", 1, 0],
      },
    } as LayerSpecification);
  }

  /** Mark where promises are kept or planned. */
  showTargets(targets: Target[], label: (name: string, on: string | null) => string): void {
    this.data(STEPS, targets.flatMap((target) =>
      target.steps.map((step) => ({
        type: "Feature", geometry: { type: "Point", coordinates: [step.lon, step.lat] },
        properties: { is_done: step.is_done, label: step.is_done ? "" : label(step.name, step.on) },
      })),
    ));
  }

  private data(id: string, features: unknown[]): void {
    void (this.map.getSource(id) as GeoJSONSource).setData({ type: "FeatureCollection", features } as never);
  }
}
