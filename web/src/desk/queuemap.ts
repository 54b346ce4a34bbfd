/** The queue on the map: each case as the shape of its urgency, the opened one ringed; a click chooses. */
import type { GeoJSONSource, Map as GLMap } from "maplibre-gl";
import { extraId } from "../shared/map";
import { diamond, dot, triangle } from "../shared/marks";
import type { Incident } from "../shared/types";
import { COLORS, urgencyOf, type Urgency } from "./urgency";
import { idOf } from "./useQueue";

const CASES = extraId("cases");
const CHOSEN = extraId("chosen");
const DRAWN: Record<Urgency, (color: string) => ImageData> = { over: triangle, soon: diamond, fine: dot, still: dot, none: dot, done: dot };
/** What is drawn on top where cases meet. */
const RANK: Record<Urgency, number> = { over: 3, soon: 2, fine: 1, still: 0, none: 0, done: 0 };
const RING = "#17201d";

function pointsOf(incidents: Incident[], now: number): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: incidents.map((one) => {
      const urgency = urgencyOf(one.properties, now);
      return { type: "Feature", geometry: one.geometry, properties: { id: idOf(one), urgency, rank: RANK[urgency] } };
    }),
  };
}

export class QueueMap {
  constructor(
    private readonly map: GLMap,
    onChoose: (id: string) => void,
  ) {
    for (const [urgency, draw] of Object.entries(DRAWN)) map.addImage(extraId(urgency), draw(COLORS[urgency as Urgency]), { pixelRatio: 2 });
    map.addSource(CASES, { type: "geojson", data: pointsOf([], 0) });
    map.addSource(CHOSEN, { type: "geojson", data: pointsOf([], 0) });
    map.addLayer({
      id: CHOSEN, type: "circle", source: CHOSEN,
      paint: { "circle-radius": 15, "circle-color": "#ffffff", "circle-opacity": 0.85, "circle-stroke-color": RING, "circle-stroke-width": 3 },
    });
    map.addLayer({
      id: CASES, type: "symbol", source: CASES,
      layout: {
        "icon-image": ["concat", extraId(""), ["get", "urgency"]],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.75, 15, 1.15],
        "icon-allow-overlap": true, "icon-ignore-placement": true, "symbol-sort-key": ["get", "rank"],
      },
    });
    map.on("click", CASES, (event) => {
      const id: unknown = event.features?.at(-1)?.properties["id"];
      if (typeof id === "string") onChoose(id);
    });
    map.on("mouseenter", CASES, () => void (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", CASES, () => void (map.getCanvas().style.cursor = ""));
  }

  show(incidents: Incident[], now: number): void {
    this.fill(CASES, pointsOf(incidents, now));
  }
  choose(incident: Incident | null): void {
    this.fill(CHOSEN, pointsOf(incident ? [incident] : [], 0));
  }
  private fill(source: string, data: GeoJSON.FeatureCollection): void {
    (this.map.getSource(source) as GeoJSONSource).setData(data);
  }
}
