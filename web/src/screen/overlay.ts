/** What the wall draws over the server's style: the area in view lifted out of the rest, and rings round fresh incidents. */
import type { GeoJSONSource } from "maplibre-gl";
import { extraId, type MapHandle } from "../shared/map";
import type { Incident } from "../shared/types";

const AREA = extraId("area");
const FRESH = extraId("fresh");
const WORLD: GeoJSON.Position[] = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]];
const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

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
  showFresh(incidents: Incident[]): void;
}

export function addOverlay(handle: MapHandle): Overlay {
  const { map } = handle;
  map.addSource(AREA, { type: "geojson", data: NOTHING });
  map.addSource(FRESH, { type: "geojson", data: NOTHING });
  const firstSign = map.getStyle().layers.find((layer) => layer.type === "circle" || layer.type === "symbol")?.id;
  map.addLayer(
    { id: `${AREA}-mask`, type: "fill", source: AREA, filter: ["==", ["get", "part"], "mask"], paint: { "fill-color": "#0a0f13", "fill-opacity": 0.62 } },
    firstSign,
  );
  map.addLayer(
    { id: `${AREA}-edge`, type: "line", source: AREA, filter: ["==", ["get", "part"], "edge"], paint: { "line-color": "#e9eff1", "line-width": 2.5 } },
    firstSign,
  );
  map.addLayer({
    id: `${FRESH}-ring`,
    type: "circle",
    source: FRESH,
    paint: { "circle-radius": 16, "circle-color": "#ffd479", "circle-opacity": 0.15, "circle-stroke-color": "#ffd479", "circle-stroke-width": 2.5 },
  });
  return {
    showArea: (geometry) => void (map.getSource(AREA) as GeoJSONSource).setData(maskOf(geometry)),
    showFresh: (incidents) =>
      void (map.getSource(FRESH) as GeoJSONSource).setData({
        type: "FeatureCollection",
        features: incidents.map(({ geometry }) => ({ type: "Feature", properties: {}, geometry })),
      }),
  };
}
