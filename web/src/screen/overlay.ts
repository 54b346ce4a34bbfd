/** What the wall draws over the server's style: the area in view lifted out of the rest, and its live incidents. */
import type { GeoJSONSource, Map as GLMap } from "maplibre-gl";
import { extraId, type MapHandle } from "../shared/map";
import { scaledSize, type StyleLayer } from "../shared/style";
import type { Incident } from "../shared/types";
import { EDGE, FRESH_COLOR, GROUND, OPEN_COLOR, OVERDUE_COLOR, OVERDUE_RIM } from "./colours";

const AREA = extraId("area");
const OPEN = extraId("open");
const FRESH = extraId("fresh");
const WORLD: GeoJSON.Position[] = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]];
const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

const DENSITY_UNTIL_ZOOM = 11;
const FACILITY_SCALE = 0.7;

/** Labels in full ink, for eight metres; facilities step back behind incidents, and the density where those can be told apart. */
export function fitStyleToWall(map: GLMap): void {
  for (const layer of map.getStyle().layers) {
    if (layer.type === "symbol") map.setPaintProperty(layer.id, "text-color", EDGE);
    if (layer.type === "circle" && (layer as StyleLayer).metadata?.group === "facility") {
      map.setPaintProperty(layer.id, "circle-radius", scaledSize(layer.paint?.["circle-radius"] ?? 5, FACILITY_SCALE));
      map.setPaintProperty(layer.id, "circle-opacity", 0.85);
    }
    if (layer.type === "heatmap") map.setLayerZoomRange(layer.id, layer.minzoom ?? 0, DENSITY_UNTIL_ZOOM);
  }
}

function ringsOf(geometry: GeoJSON.Geometry): GeoJSON.Position[][] {
  if (geometry.type === "Polygon") return geometry.coordinates;
  return geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
}

/** The world with the area cut out of it, and the area's own border. */
function maskOf(geometry: GeoJSON.Geometry | null): GeoJSON.FeatureCollection {
  if (!geometry) return NOTHING;
  const mask: GeoJSON.Feature = {
    type: "Feature",
    properties: { part: "mask" },
    geometry: { type: "Polygon", coordinates: [WORLD, ...ringsOf(geometry)] },
  };
  return { type: "FeatureCollection", features: [mask, { type: "Feature", properties: { part: "edge" }, geometry }] };
}

export interface Overlay {
  showArea(geometry: GeoJSON.Geometry | null): void;
  showOpen(incidents: Incident[], now: number): void;
  showFresh(incidents: Incident[]): void;
}

function pointsOf(incidents: Incident[], propertiesOf: (incident: Incident) => GeoJSON.GeoJsonProperties): GeoJSON.FeatureCollection {
  const features = incidents.map((one): GeoJSON.Feature => ({ type: "Feature", properties: propertiesOf(one), geometry: one.geometry }));
  return { type: "FeatureCollection", features };
}

/** Whether the incident's time is over; the wall only asks this of open ones. */
export function isOverdue(incident: Incident, now: number): boolean {
  const { due_at } = incident.properties;
  return !!due_at && Date.parse(due_at) < now;
}

export function addOverlay(handle: MapHandle): Overlay {
  const { map } = handle;
  map.addSource(AREA, { type: "geojson", data: NOTHING });
  map.addSource(OPEN, { type: "geojson", data: NOTHING });
  map.addSource(FRESH, { type: "geojson", data: NOTHING });
  const firstSign = map.getStyle().layers.find((layer) => layer.type === "circle" || layer.type === "symbol")?.id;
  map.addLayer(
    { id: `${AREA}-mask`, type: "fill", source: AREA, filter: ["==", ["get", "part"], "mask"], paint: { "fill-color": GROUND, "fill-opacity": 0.62 } },
    firstSign,
  );
  map.addLayer(
    { id: `${AREA}-edge`, type: "line", source: AREA, filter: ["==", ["get", "part"], "edge"], paint: { "line-color": EDGE, "line-width": 2.5 } },
    firstSign,
  );
  map.addLayer({
    id: `${OPEN}-circle`,
    type: "circle",
    source: OPEN,
    layout: { "circle-sort-key": ["case", ["get", "isOverdue"], 1, 0] },
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 2.5, 13, 4.5, 16, 7],
      "circle-color": ["case", ["get", "isOverdue"], OVERDUE_COLOR, OPEN_COLOR],
      "circle-stroke-color": ["case", ["get", "isOverdue"], OVERDUE_RIM, GROUND],
      "circle-stroke-width": 1.5,
    },
  });
  map.addLayer({
    id: `${FRESH}-ring`,
    type: "circle",
    source: FRESH,
    paint: { "circle-radius": 18, "circle-color": FRESH_COLOR, "circle-opacity": 0.15, "circle-stroke-color": FRESH_COLOR, "circle-stroke-width": 2.5 },
  });
  const fill = (id: string, data: GeoJSON.FeatureCollection): void => void (map.getSource(id) as GeoJSONSource).setData(data);
  return {
    showArea: (geometry) => fill(AREA, maskOf(geometry)),
    showOpen: (incidents, now) => fill(OPEN, pointsOf(incidents, (one) => ({ code: one.properties.code, isOverdue: isOverdue(one, now) }))),
    showFresh: (incidents) => fill(FRESH, pointsOf(incidents, (one) => ({ code: one.properties.code }))),
  };
}
