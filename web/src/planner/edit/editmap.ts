/** The plan under the hand on the map: lots coloured by feature state, borders between grids, labels and marks. */
import type {
  ExpressionSpecification,
  GeoJSONSource,
  GeoJSONSourceDiff,
  LayerSpecification,
  Map as GLMap,
  MapMouseEvent,
} from "maplibre-gl";
import type { Feature, Point } from "geojson";
import type { MapHandle } from "../../shared/map";
import type { Bbox } from "../../shared/types";
import { bandLabel, bandState } from "../band";
import { BAND_INK, MOVED_COLOR } from "../colors";
import { lock, warning } from "../../shared/marks";
import { BARRIER_COLOR, INK, SELECTED_COLOR, STRAY_COLOR, TODAY_COLOR } from "./colors";
import { findBorders, type Borders } from "./borders";
import type { Delta, EditModel } from "./model";
import { lotGeometry, ringsOf } from "./payload";
import { Tints, UNASSIGNED, type Coloring } from "./tints";

export interface EditMapEvents {
  /** A lot was clicked; null beside all lots. */
  click(unit: number | null, event: MouseEvent): void;
  hover(unit: number | null): void;
}

const UNITS = "edit-units";
const BORDERS = "edit-borders";
const BARRIERS = "edit-barriers";
const LABELS = "edit-labels";
const MARKS = "edit-marks";
const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
const CONTEXT = ["district", "street", "community", "unit", "road", "barrier"];
const EMPTY = { type: "FeatureCollection", features: [] } as const;

const IS_SELECTED: ExpressionSpecification = ["boolean", ["feature-state", "selected"], false];
const IS_MOVED: ExpressionSpecification = ["boolean", ["feature-state", "moved"], false];
const IS_CUT: ExpressionSpecification = ["boolean", ["feature-state", "cut"], false];

function byZoom(...stops: (number | ExpressionSpecification)[]): ExpressionSpecification {
  return ["interpolate", ["linear"], ["zoom"], ...stops] as ExpressionSpecification;
}

export class EditMap {
  private readonly map: GLMap;
  private borders!: Borders;
  private tints!: Tints;
  private coloring: Coloring = "band";
  private selected = new Set<number>();
  /** What was last written of each lot and border, so that only changes are written again. */
  private drawnUnits: string[] = [];
  private drawnBorders = new Uint8Array();

  constructor(
    private readonly handle: MapHandle,
    private model: EditModel,
    private readonly events: EditMapEvents,
  ) {
    this.map = handle.map;
    handle.setVisible(CONTEXT);
    this.map.addImage("edit-lock", lock(INK), { pixelRatio: 2 });
    this.map.addImage("edit-warning", warning(STRAY_COLOR), { pixelRatio: 2 });
    for (const id of [UNITS, BORDERS, BARRIERS, LABELS, MARKS]) {
      this.map.addSource(id, { type: "geojson", data: EMPTY as never, maxzoom: 16, tolerance: 0.3 });
    }
    this.addLayers();
    this.listen();
    this.show(model);
  }

  /** Show a model from the start, another version of the plan for instance. */
  show(model: EditModel): void {
    this.model = model;
    this.tints = new Tints(model);
    this.selected = new Set();
    this.drawnUnits = [];
    this.map.removeFeatureState({ source: UNITS });
    this.map.removeFeatureState({ source: BORDERS });
    const { units, barriers } = model.payload;
    this.source(UNITS).setData({
      type: "FeatureCollection",
      features: units.lot.map((lot, id) => ({ type: "Feature", id, geometry: lotGeometry(lot), properties: {} })),
    });
    this.borders = findBorders(units.lot);
    this.drawnBorders = new Uint8Array(this.borders.features.length);
    this.source(BORDERS).setData({
      type: "FeatureCollection",
      features: this.borders.features.map((border, id) => {
        const [a, b] = [this.borders.a[id]!, this.borders.b[id]!];
        const wasBorder = b < 0 || model.today[a] !== model.today[b];
        return { ...border, properties: { wasBorder } };
      }),
    });
    this.source(BARRIERS).setData(barriers);
    const all = Array.from({ length: model.size }, (_, unit) => unit);
    this.paint(all);
    this.source(LABELS).setData({
      type: "FeatureCollection",
      features: model.liveGrids().map((grid) => this.label(grid)),
    });
    this.drawMarks();
  }

  /** Bring the map up to date with a step: its units, the others of the touched grids, the lines between them. */
  apply(delta: Delta): void {
    const units = new Set<number>(Array.from(delta.units));
    for (const grid of delta.grids) for (const unit of this.model.unitsOf(grid)) units.add(unit);
    this.paint(units);
    this.relabel(delta.grids);
    this.drawMarks();
  }

  select(units: readonly number[]): void {
    const touched = new Set([...this.selected, ...units]);
    this.selected = new Set(units);
    this.paintUnits(touched);
  }

  setColoring(coloring: Coloring): void {
    this.coloring = coloring;
    this.paintUnits(this.model.grid.keys());
    this.map.setPaintProperty(`${UNITS}-fill`, "fill-opacity", coloring === "band" ? 0.5 : 0.62);
  }

  showToday(isShown: boolean): void {
    this.map.setLayoutProperty(`${BORDERS}-today`, "visibility", isShown ? "visible" : "none");
  }
  showBarriers(isShown: boolean): void {
    for (const id of [`${BARRIERS}-line`, `${BARRIERS}-fill`]) {
      this.map.setLayoutProperty(id, "visibility", isShown ? "visible" : "none");
    }
  }

  fitUnits(units: readonly number[]): void {
    const box: Bbox = [Infinity, Infinity, -Infinity, -Infinity];
    for (const unit of units) {
      for (const [lon, lat] of ringsOf(this.model.payload.units.lot[unit]!).flat() as [number, number][]) {
        box[0] = Math.min(box[0], lon);
        box[1] = Math.min(box[1], lat);
        box[2] = Math.max(box[2], lon);
        box[3] = Math.max(box[3], lat);
      }
    }
    if (units.length) this.handle.fit(box, 90);
  }

  // ------------------------------------------------------------------ drawing

  private paint(units: Iterable<number>): void {
    const list = [...units];
    this.paintUnits(list);
    for (const unit of list) for (const border of this.borders.ofUnit[unit]!) this.paintBorder(border);
  }

  private paintUnits(units: Iterable<number>): void {
    for (const id of units) {
      const fill = this.tints.color(this.model.grid[id]!, this.coloring);
      const state = { fill, selected: this.selected.has(id), moved: this.model.isMoved(id) };
      const drawn = `${fill}${state.selected}${state.moved}`;
      if (this.drawnUnits[id] === drawn) continue;
      this.drawnUnits[id] = drawn;
      this.map.setFeatureState({ source: UNITS, id }, state);
    }
  }

  private paintBorder(id: number): void {
    const [a, b] = [this.borders.a[id]!, this.borders.b[id]!];
    const cut = b < 0 || this.model.grid[a] !== this.model.grid[b];
    if (this.drawnBorders[id] === (cut ? 2 : 1)) return;
    this.drawnBorders[id] = cut ? 2 : 1;
    this.map.setFeatureState({ source: BORDERS, id }, { cut });
  }

  /** A grid's number and households, at the unit nearest to its middle. */
  private label(grid: number): Feature<Point> {
    const { grids, totals, band } = this.model;
    const units = this.model.unitsOf(grid);
    const points = units.map((unit) => this.model.pointOf(unit));
    const middle = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length);
    const distance = (point: [number, number]): number => Math.hypot(point[0] - middle[0]!, point[1] - middle[1]!);
    const at = points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
    const { households } = totals[grid]!;
    return {
      type: "Feature",
      id: grid,
      geometry: { type: "Point", coordinates: at },
      properties: {
        code: grids[grid]!.code,
        number: grids[grid]!.code.slice(-3),
        label: bandLabel(households, band),
        state: bandState(households, band),
        isLocked: this.model.gridLocked[grid] === true,
      },
    };
  }

  private relabel(grids: readonly number[]): void {
    const diff: GeoJSONSourceDiff = { remove: [...grids], add: [] };
    for (const grid of grids) if (this.model.totals[grid]!.units > 0) diff.add!.push(this.label(grid));
    void this.source(LABELS).updateData(diff);
  }

  private drawMarks(): void {
    const features: Feature<Point>[] = [];
    for (let unit = 0; unit < this.model.size; unit++) {
      const mark = this.model.isStray[unit] ? "edit-warning" : this.model.unitLocked[unit] ? "edit-lock" : null;
      if (!mark) continue;
      const coordinates = this.model.pointOf(unit);
      features.push({ type: "Feature", geometry: { type: "Point", coordinates }, properties: { mark } });
    }
    this.source(MARKS).setData({ type: "FeatureCollection", features });
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id) as GeoJSONSource;
  }

  // ------------------------------------------------------------------ set-up

  private listen(): void {
    let waiting = false;
    this.map.on("click", (event) => this.events.click(this.unitAt(event), event.originalEvent));
    this.map.on("mousemove", (event) => {
      if (waiting || this.map.isMoving()) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.events.hover(this.unitAt(event));
      });
    });
    this.map.on("mouseout", () => this.events.hover(null));
  }

  private unitAt(event: MapMouseEvent): number | null {
    const [found] = this.map.queryRenderedFeatures(event.point, { layers: [`${UNITS}-fill`] });
    return found?.id === undefined ? null : Number(found.id);
  }

  private addLayers(): void {
    // Ground under the style's buildings and labels, lines and words over them.
    const layers = this.map.getStyle().layers;
    const firstRoad = layers.find((layer) => "source" in layer && layer.source === "road")?.id;
    const firstLabel = layers.find((layer) => layer.type === "symbol")?.id;
    const under = (layer: LayerSpecification): void => void this.map.addLayer(layer, firstRoad ?? firstLabel);
    const over = (layer: LayerSpecification): void => void this.map.addLayer(layer, firstLabel);
    under({
      id: `${UNITS}-fill`,
      type: "fill",
      source: UNITS,
      paint: {
        "fill-color": ["case", IS_SELECTED, SELECTED_COLOR, ["to-color", ["feature-state", "fill"], UNASSIGNED]],
        "fill-opacity": 0.5,
        "fill-antialias": false,
      },
    });
    over({
      id: `${UNITS}-line`,
      type: "line",
      source: UNITS,
      minzoom: 13,
      paint: {
        "line-color": ["case", IS_SELECTED, INK, IS_MOVED, MOVED_COLOR, "rgba(23,32,29,0.3)"],
        "line-width": byZoom(13, ["case", IS_SELECTED, 0.6, IS_MOVED, 1, 0.2], 16, ["case", IS_SELECTED, 1.4, IS_MOVED, 2.5, 0.8]),
        "line-offset": ["case", IS_SELECTED, 0, IS_MOVED, 2, 0],
      },
    });
    over({
      id: `${BARRIERS}-fill`,
      type: "fill",
      source: BARRIERS,
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": BARRIER_COLOR, "fill-opacity": 0.18 },
    });
    over({
      id: `${BARRIERS}-line`,
      type: "line",
      source: BARRIERS,
      paint: { "line-color": BARRIER_COLOR, "line-width": byZoom(11, 1, 16, 4), "line-dasharray": [1.5, 1], "line-opacity": 0.85 },
    });
    over({
      id: `${BORDERS}-today`,
      type: "line",
      source: BORDERS,
      filter: ["==", ["get", "wasBorder"], true],
      layout: { "line-join": "round" },
      paint: { "line-color": TODAY_COLOR, "line-width": byZoom(11, 0.8, 16, 2.5), "line-dasharray": [3, 2] },
    });
    over({
      id: `${BORDERS}-now`,
      type: "line",
      source: BORDERS,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": INK, "line-width": byZoom(11, ["case", IS_CUT, 0.8, 0], 16, ["case", IS_CUT, 3.2, 0]) },
    });
    this.map.addLayer({
      id: `${MARKS}-icon`,
      type: "symbol",
      source: MARKS,
      minzoom: 13,
      layout: { "icon-image": ["get", "mark"], "icon-padding": 1, "icon-size": byZoom(13, 0.55, 17, 1.1) },
    });
    this.map.addLayer({
      id: `${LABELS}-text`,
      type: "symbol",
      source: LABELS,
      layout: {
        "text-field": ["case", ["get", "isLocked"], ["concat", ["get", "number"], " 锁\n", ["get", "label"]], ["concat", ["get", "number"], "\n", ["get", "label"]]],
        "text-font": FONT,
        "text-size": byZoom(11, 10, 15, 16),
        "text-line-height": 1.1,
        "text-padding": 1,
        "symbol-sort-key": ["match", ["get", "state"], "in", 1, 0],
      },
      paint: {
        "text-color": ["match", ["get", "state"], "below", BAND_INK.below, "above", BAND_INK.above, BAND_INK.in],
        "text-halo-color": "#fff",
        "text-halo-width": 2,
      },
    });
  }
}
