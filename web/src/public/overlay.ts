/** What the residents' map shows over the style: the chosen place, the way to it, where it delivers, and the origin (never sent). */
import type { FilterSpecification, GeoJSONSource } from "maplibre-gl";
import { extraId, type MapHandle } from "../shared/map";
import { dataLayerOf, type StyleLayer } from "../shared/style";
import type { LonLat } from "../shared/types";
import { DELIVERS_COLOR, ROUTE_COLOR } from "./colours";

const CHOSEN = extraId("chosen");
const ORIGIN = extraId("origin");
const ROUTE = extraId("route");
const ROUTE_RIM = extraId("route-rim");
const DELIVERS = extraId("delivers");
const DELIVERS_RIM = extraId("delivers-rim");
const REACH_PX = 10;

function featuresOf(geometry: GeoJSON.Geometry | null): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = geometry ? [{ type: "Feature", properties: {}, geometry }] : [];
  return { type: "FeatureCollection", features };
}

function among(codes: readonly string[]): FilterSpecification {
  return ["in", ["get", "code"], ["literal", [...codes]]];
}

export interface Overlay {
  showChosen(at: LonLat | null): void;
  showOrigin(at: LonLat | null): void;
  /** The line that is walked. */
  showRoute(line: LonLat[] | null): void;
  /** The communities that a canteen delivers to. */
  showDelivers(communities: readonly string[]): void;
}

function addDelivers({ map }: MapHandle, beforeId: string | undefined): void {
  if (!map.getSource("community")) return;
  const source = { source: "community", "source-layer": "community", filter: among([]) };
  map.addLayer({ id: DELIVERS, type: "fill", ...source, paint: { "fill-color": DELIVERS_COLOR, "fill-opacity": 0.16 } }, beforeId);
  map.addLayer(
    { id: DELIVERS_RIM, type: "line", ...source, paint: { "line-color": DELIVERS_COLOR, "line-width": 2.5, "line-dasharray": [3, 2] } },
    beforeId,
  );
}

function addRoute({ map }: MapHandle, scale: number, beforeId: string | undefined): void {
  const layout = { "line-cap": "round", "line-join": "round" } as const;
  map.addSource(ROUTE, { type: "geojson", data: featuresOf(null) });
  map.addLayer({ id: ROUTE_RIM, type: "line", source: ROUTE, layout, paint: { "line-color": "#ffffff", "line-width": 9 * scale } }, beforeId);
  map.addLayer({ id: ROUTE, type: "line", source: ROUTE, layout, paint: { "line-color": ROUTE_COLOR, "line-width": 5 * scale } }, beforeId);
}

export function addOverlay(handle: MapHandle, scale: number): Overlay {
  const { map } = handle;
  // Under the places and all labels: a way that hides its own goal helps nobody.
  const firstPlace = map.getStyle().layers.find(({ type }) => type === "circle" || type === "symbol")?.id;
  addDelivers(handle, firstPlace);
  addRoute(handle, scale, firstPlace);
  for (const id of [CHOSEN, ORIGIN]) map.addSource(id, { type: "geojson", data: featuresOf(null) });
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
    paint: { "circle-radius": 7 * scale, "circle-color": ROUTE_COLOR, "circle-stroke-color": "#ffffff", "circle-stroke-width": 3 },
  });
  const put = (id: string, geometry: GeoJSON.Geometry | null): void =>
    void (map.getSource(id) as GeoJSONSource).setData(featuresOf(geometry));
  const point = (at: LonLat | null): GeoJSON.Point | null => at && { type: "Point", coordinates: at };
  return {
    showChosen: (at) => put(CHOSEN, point(at)),
    showOrigin: (at) => put(ORIGIN, point(at)),
    showRoute: (line) => put(ROUTE, line && { type: "LineString", coordinates: line }),
    showDelivers: (communities) => {
      for (const id of [DELIVERS, DELIVERS_RIM]) if (map.getLayer(id)) map.setFilter(id, among(communities));
    },
  };
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
