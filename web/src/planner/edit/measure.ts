/** Metric size of lots on a local plane. */
import type { Position } from "geojson";
import { lotGeometry, type Lot } from "./payload";

const METRES_PER_DEGREE = (Math.PI / 180) * 6_371_008.8;

export interface LotSizes {
  area_m2: Float64Array;
  perimeter_m: Float64Array;
}

export function measureLots(lots: Lot[]): LotSizes {
  const sizes = {
    area_m2: new Float64Array(lots.length),
    perimeter_m: new Float64Array(lots.length),
  };
  lots.forEach((lot, unit) => {
    const shape = lotGeometry(lot);
    for (const polygon of shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates) {
      polygon.forEach((ring, index) => {
        const { area, length } = measureRing(ring);
        sizes.area_m2[unit]! += index === 0 ? area : -area;
        sizes.perimeter_m[unit]! += length;
      });
    }
  });
  return sizes;
}

/** Area and length of a closed ring. */
function measureRing(ring: Position[]): { area: number; length: number } {
  const [lon0, lat0] = ring[0] as [number, number];
  const east = METRES_PER_DEGREE * Math.cos((lat0 * Math.PI) / 180);
  let doubled = 0;
  let length = 0;
  let x0 = 0;
  let y0 = 0;
  for (let i = 1; i < ring.length; i++) {
    const x1 = (ring[i]![0]! - lon0) * east;
    const y1 = (ring[i]![1]! - lat0) * METRES_PER_DEGREE;
    doubled += x0 * y1 - x1 * y0;
    length += Math.hypot(x1 - x0, y1 - y0);
    x0 = x1;
    y0 = y1;
  }
  return { area: Math.abs(doubled) / 2, length };
}
