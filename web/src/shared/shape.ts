/** Plane geometry of GeoJSON shapes: enough for labels, boxes and "is it in my grid". */
import type { MultiPolygon, Polygon, Position } from "geojson";
import type { Bbox } from "./types";

function signedArea(ring: Position[]): number {
  let doubled = 0;
  for (let i = 1; i < ring.length; i++) {
    doubled += ring[i - 1]![0]! * ring[i]![1]! - ring[i]![0]! * ring[i - 1]![1]!;
  }
  return doubled / 2;
}

/** Where a horizontal line meets the rings, as sorted longitudes. */
function crossings(rings: Position[][], lat: number): number[] {
  const found: number[] = [];
  for (const ring of rings) {
    for (let i = 1; i < ring.length; i++) {
      const [x0, y0] = ring[i - 1] as [number, number];
      const [x1, y1] = ring[i] as [number, number];
      if (y0 > lat !== y1 > lat) found.push(x0 + ((lat - y0) / (y1 - y0)) * (x1 - x0));
    }
  }
  return found.sort((a, b) => a - b);
}

/** A point for a label: the middle of the widest stretch on a few horizontal lines through the largest part. */
export function insidePoint(shape: Polygon | MultiPolygon): Position {
  const parts = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
  const rings = parts.reduce((best, part) =>
    Math.abs(signedArea(part[0]!)) > Math.abs(signedArea(best[0]!)) ? part : best,
  );
  const lats = rings[0]!.map((point) => point[1]!);
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  let best: { point: Position; score: number } = { point: rings[0]![0]!, score: -1 };
  for (const share of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74]) {
    const lat = south + (north - south) * share;
    const meets = crossings(rings, lat);
    for (let i = 1; i < meets.length; i += 2) {
      const width = meets[i]! - meets[i - 1]!;
      // Lines near the middle win unless another is clearly wider.
      const score = width * (1 - Math.abs(share - 0.5));
      if (score > best.score) best = { point: [(meets[i]! + meets[i - 1]!) / 2, lat], score };
    }
  }
  return best.point;
}

/** Whether a point lies in a shape (even-odd rule over all its rings). */
export function isInside([lon, lat]: Position, shape: Polygon | MultiPolygon): boolean {
  const polygons = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
  let isIn = false;
  for (const ring of polygons.flat()) {
    for (let i = 1; i < ring.length; i++) {
      const [x0, y0] = ring[i - 1] as [number, number];
      const [x1, y1] = ring[i] as [number, number];
      if (y0 > lat! !== y1 > lat! && lon! < x0 + ((lat! - y0) / (y1 - y0)) * (x1 - x0)) isIn = !isIn;
    }
  }
  return isIn;
}

/** The box around all geometries; null when there are none. */
export function bboxOf(features: { geometry: GeoJSON.Geometry }[]): Bbox | null {
  const box: Bbox = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") {
      const [lon, lat] = part as [number, number];
      box[0] = Math.min(box[0], lon);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lon);
      box[3] = Math.max(box[3], lat);
    } else part.forEach(visit);
  };
  for (const { geometry } of features) if ("coordinates" in geometry) visit(geometry.coordinates);
  return box[0] <= box[2] ? box : null;
}
