/** What the wall draws over the server's style: the area in view lifted out of the rest, and over it the live incidents. */
import type { GeoJSONSource, Map as GLMap } from "maplibre-gl";
import { extraId, type MapHandle } from "../shared/map";
import { scaledSize, type StyleLayer } from "../shared/style";
import { EDGE, GROUND } from "./colours";
import { addSpots, type Spot } from "./spots";

const AREA = extraId("area");
const WORLD: GeoJSON.Position[] = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]];
const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

const DENSITY_UNTIL_ZOOM = 11;
const FACILITY_SCALE = 0.7;

/** Labels in full ink, for eight metres; facilities step back behind incidents, and the density where those can be told apart.
 * `scale` is how much larger than a desk's screen everything on the wall is. */
export function fitStyleToWall(map: GLMap, scale: number): void {
  for (const layer of map.getStyle().layers) {
    if (layer.type === "symbol") map.setPaintProperty(layer.id, "text-color", EDGE);
    if (layer.type === "circle" && (layer as StyleLayer).metadata?.group === "facility") {
      map.setPaintProperty(layer.id, "circle-radius", scaledSize(layer.paint?.["circle-radius"] ?? 5, FACILITY_SCALE * scale));
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
  showOpen(spots: readonly Spot[]): void;
}

export function addOverlay(handle: MapHandle, scale: number): Overlay {
  const { map } = handle;
  map.addSource(AREA, { type: "geojson", data: NOTHING });
  const firstSign = map.getStyle().layers.find((layer) => layer.type === "circle" || layer.type === "symbol")?.id;
  map.addLayer(
    { id: `${AREA}-mask`, type: "fill", source: AREA, filter: ["==", ["get", "part"], "mask"], paint: { "fill-color": GROUND, "fill-opacity": 0.62 } },
    firstSign,
  );
  map.addLayer(
    { id: `${AREA}-edge`, type: "line", source: AREA, filter: ["==", ["get", "part"], "edge"], paint: { "line-color": EDGE, "line-width": 2.5 * scale } },
    firstSign,
  );
  const area = map.getSource(AREA) as GeoJSONSource;
  return { showArea: (geometry) => void area.setData(maskOf(geometry)), showOpen: addSpots(map, scale) };
}
