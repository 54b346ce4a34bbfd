/** Candidates, chosen and existing sites, and who is served, on the planner's map; candidates are picked with terra-draw. */
import type { GeoJSONSource, Map as GLMap } from "maplibre-gl";
import { TerraDraw, TerraDrawPointMode } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { INK } from "../colors";
import { CANDIDATE_COLOR, EXISTING_COLOR, SITE_COLOR, STATE_COLORS } from "./colors";
import type { SitingView } from "./useSiting";

const UNITS = "planner-site-units";
const PLACES = "planner-site-places";
const SITES = "planner-sites";
const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
type Feature = { type: "Feature"; geometry: { type: "Point"; coordinates: [number, number] }; properties: Record<string, unknown> };
const spot = (lon: number, lat: number, properties: Record<string, unknown>): Feature => ({
  type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties,
});

export class SiteMap {
  private readonly draw: TerraDraw;

  constructor(
    private readonly map: GLMap,
    onPick: (lon: number, lat: number) => void,
  ) {
    for (const id of [UNITS, PLACES, SITES]) map.addSource(id, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    this.addPlaces();
    map.addLayer({
      id: `${UNITS}-dot`, type: "circle", source: UNITS,
      layout: { "circle-sort-key": ["get", "order"] },
      paint: {
        "circle-color": ["get", "color"],
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, ["get", "size"], 15, ["*", 2.2, ["get", "size"]]],
        "circle-stroke-color": "#fff", "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 12, 0, 14, 0.8],
      },
    });
    map.addLayer({
      id: `${SITES}-dot`, type: "circle", source: SITES,
      paint: {
        "circle-color": ["case", ["get", "is_new"], SITE_COLOR, "#fff"], "circle-radius": ["case", ["get", "is_new"], 13, 6],
        "circle-stroke-color": ["case", ["get", "is_new"], "#fff", EXISTING_COLOR], "circle-stroke-width": 3,
      },
    });
    map.addLayer({
      id: `${SITES}-label`, type: "symbol", source: SITES,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 14, "text-allow-overlap": true },
      paint: { "text-color": ["case", ["get", "is_new"], "#fff", INK] },
    });
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 7 }),
      modes: [new TerraDrawPointMode({ styles: { pointColor: CANDIDATE_COLOR, pointWidth: 6 } })],
    });
    this.draw.on("finish", (id) => {
      const geometry = this.draw.getSnapshotFeature(id)?.geometry;
      // terra-draw writes the finished point once more after this event: clear behind it.
      queueMicrotask(() => this.draw.enabled && this.draw.clear());
      if (geometry?.type === "Point") onPick(geometry.coordinates[0]!, geometry.coordinates[1]!);
    });
  }

  /** Show what is asked, or the answer; null takes it away. */
  show(view: SitingView | null): void {
    const answer = view?.answer ?? null;
    this.data(UNITS, (answer?.units ?? []).map(([lon, lat, , state]) =>
      spot(lon, lat, { color: STATE_COLORS[state], size: state === "before" ? 1.5 : 2.4, order: { before: 0, unknown: 1, new: 2, left: 3 }[state] }),
    ));
    this.data(PLACES, [
      ...(answer?.places ?? []).map(([lon, lat]) => spot(lon, lat, { is_given: false })),
      ...(answer ? [] : (view?.candidates ?? []).map((one) => spot(one.lon, one.lat, { is_given: true }))),
    ]);
    this.data(SITES, [
      ...(answer?.existing ?? []).map((one) => spot(one.lon, one.lat, { is_new: false, label: "" })),
      ...(answer?.sites ?? []).map((one) => spot(one.lon, one.lat, { is_new: true, label: String(one.rank) })),
    ]);
    this.pick(view?.isDrawing ?? false);
  }

  /** Candidates of the form; those of an answer, often thousands, from near by and under all else. */
  private addPlaces(): void {
    for (const [name, isGiven, minzoom] of [["weighed", false, 13.5], ["given", true, 0]] as const) {
      this.map.addLayer({
        id: `${PLACES}-${name}`, type: "circle", source: PLACES, minzoom, filter: ["==", ["get", "is_given"], isGiven],
        paint: {
          "circle-color": "#fff", "circle-radius": isGiven ? 6 : ["interpolate", ["linear"], ["zoom"], 13, 2, 17, 6],
          "circle-stroke-color": CANDIDATE_COLOR, "circle-stroke-width": isGiven ? 3 : 1.2,
        },
      });
    }
  }

  private pick(isOn: boolean): void {
    if (isOn === this.draw.enabled) return;
    if (!isOn) return this.draw.stop();
    this.draw.start();
    this.draw.setMode("point");
  }

  private data(id: string, features: Feature[]): void {
    void (this.map.getSource(id) as GeoJSONSource).setData({ type: "FeatureCollection", features } as never);
  }
}
