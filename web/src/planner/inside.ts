/** A point for a label: inside the shape, near the middle of its largest part. */
import type { MultiPolygon, Polygon, Position } from "geojson";

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

/** The middle of the widest stretch on the widest of a few horizontal lines through the largest part. */
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
