/** Units whose grid layers disagree, as diamonds on the planner's map; the chosen one has a ring. */
import type { GeoJSONSource, Map as GLMap, MapMouseEvent } from "maplibre-gl";
import { CONFLICT_COLOR, INK } from "../colors";
import { diamond } from "../../shared/marks";
import { markPoint, type ConflictFeature } from "./crosswalk";

const CONFLICTS = "planner-conflicts";

export class ConflictMap {
  constructor(
    private readonly map: GLMap,
    onSelect: (code: string) => void,
  ) {
    map.addImage("conflict", diamond(CONFLICT_COLOR), { pixelRatio: 2 });
    map.addSource(CONFLICTS, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({
      id: `${CONFLICTS}-selected`,
      type: "circle",
      source: CONFLICTS,
      filter: ["==", ["get", "code"], ""],
      paint: { "circle-color": "#fff", "circle-radius": 13, "circle-stroke-color": INK, "circle-stroke-width": 3 },
    });
    map.addLayer({
      id: `${CONFLICTS}-icon`,
      type: "symbol",
      source: CONFLICTS,
      layout: {
        "icon-image": "conflict",
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.35, 14, 0.7, 17, 1.1],
        "icon-allow-overlap": true,
      },
    });
    map.on("click", `${CONFLICTS}-icon`, (event: MapMouseEvent & { features?: { properties: unknown }[] }) => {
      const { code } = (event.features?.[0]?.properties ?? {}) as { code?: string };
      if (code) onSelect(code);
    });
    map.on("mouseenter", `${CONFLICTS}-icon`, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", `${CONFLICTS}-icon`, () => (map.getCanvas().style.cursor = ""));
  }

  show(features: ConflictFeature[]): void {
    void this.map.getSource<GeoJSONSource>(CONFLICTS)!.setData({
      type: "FeatureCollection",
      features: features.map(({ geometry, properties: { code } }) => ({
        type: "Feature",
        geometry: { type: "Point", coordinates: markPoint(geometry) },
        properties: { code },
      })),
    });
  }

  select(code: string | null): void {
    this.map.setFilter(`${CONFLICTS}-selected`, ["==", ["get", "code"], code ?? ""]);
  }
}
