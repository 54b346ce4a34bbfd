/** What the residents' map shows over the style: the chosen place and where distances are measured from (never sent). */
import type { GeoJSONSource } from "maplibre-gl";
import { extraId, type MapHandle } from "../shared/map";
import { dataLayerOf, type StyleLayer } from "../shared/style";
import type { LonLat } from "../shared/types";

const CHOSEN = extraId("chosen");
const ORIGIN = extraId("origin");
const REACH_PX = 10;

function pointOrNothing(at: LonLat | null): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = at ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } }] : [];
  return { type: "FeatureCollection", features };
}

export interface Overlay {
  showChosen(at: LonLat | null): void;
  showOrigin(at: LonLat | null): void;
}

export function addOverlay(handle: MapHandle, scale: number): Overlay {
  const { map } = handle;
  for (const id of [CHOSEN, ORIGIN]) map.addSource(id, { type: "geojson", data: pointOrNothing(null) });
  map.addLayer({
    id: CHOSEN,
    type: "circle",
    source: CHOSEN,
    paint: { "circle-radius": 15 * scale, "circle-color": "#0f5d5a", "circle-opacity": 0.16, "circle-stroke-color": "#0f5d5a", "circle-stroke-width": 3 },
  });
  map.addLayer({
    id: ORIGIN,
    type: "circle",
    source: ORIGIN,
    paint: { "circle-radius": 7 * scale, "circle-color": "#1d5fd0", "circle-stroke-color": "#ffffff", "circle-stroke-width": 3 },
  });
  const setter = (id: string) => (at: LonLat | null) => void (map.getSource(id) as GeoJSONSource).setData(pointOrNothing(at));
  return { showChosen: setter(CHOSEN), showOrigin: setter(ORIGIN) };
}

/** The facility under a click, as its layer and code. */
export function facilityAt(handle: MapHandle, x: number, y: number, kinds: readonly string[]): [string, string] | null {
  const box: [[number, number], [number, number]] = [[x - REACH_PX, y - REACH_PX], [x + REACH_PX, y + REACH_PX]];
  for (const feature of handle.map.queryRenderedFeatures(box)) {
    const layer = dataLayerOf(feature.layer as StyleLayer);
    if (layer && kinds.includes(layer)) return [layer, String(feature.properties["code"])];
  }
  return null;
}
