/** The lines between lots, found from the edges that two lots share; a border of grids is a choice among them. */
import type { Feature, MultiLineString, Position } from "geojson";
import { ringsOf, type Lot } from "./payload";

export interface Borders {
  /** One feature a pair of touching lots, or a lot and the outside; `id` is its position. */
  features: Feature<MultiLineString, { isOuter: boolean }>[];
  a: Int32Array;
  /** -1: nobody's lot, or that of another community. */
  b: Int32Array;
  /** Positions of the borders of each unit. */
  ofUnit: number[][];
}

const PER_DEGREE = 1e6;
const NOBODY = -1;

/** Numbers the corners of all lots, so that an edge is a pair of small numbers. */
class Corners {
  private readonly numbers = new Map<number, number>();

  of([lon, lat]: Position): number {
    const key = Math.round((lon! + 180) * PER_DEGREE) * 2 ** 24 + (Math.round((lat! + 90) * PER_DEGREE) % 2 ** 24);
    let number = this.numbers.get(key);
    if (number === undefined) this.numbers.set(key, (number = this.numbers.size));
    return number;
  }
}

function edgeKey(from: number, to: number): number {
  return from < to ? from * 2 ** 26 + to : to * 2 ** 26 + from;
}

export function findBorders(lots: Lot[]): Borders {
  const corners = new Corners();
  const owners = new Map<number, [number, number]>();
  const numbered = lots.map((lot) => ringsOf(lot).map((ring) => ring.map((point) => corners.of(point))));
  numbered.forEach((rings, unit) => {
    for (const ring of rings) {
      for (let i = 1; i < ring.length; i++) {
        const key = edgeKey(ring[i - 1]!, ring[i]!);
        const known = owners.get(key);
        if (known) known[1] = unit;
        else owners.set(key, [unit, NOBODY]);
      }
    }
  });
  const lines = new Map<number, { a: number; b: number; coordinates: Position[][] }>();
  lots.forEach((lot, unit) => {
    ringsOf(lot).forEach((ring, r) => {
      let last: number | null = null;
      for (let i = 1; i < ring.length; i++) {
        const [first, second] = owners.get(edgeKey(numbered[unit]![r]![i - 1]!, numbered[unit]![r]![i]!))!;
        const other = first === unit ? second : first;
        const isMine = other === NOBODY || unit < other;
        if (!isMine || other === unit) {
          last = null;
          continue;
        }
        const key = unit * (lots.length + 1) + other + 1;
        let line = lines.get(key);
        if (!line) lines.set(key, (line = { a: unit, b: other, coordinates: [] }));
        if (last === other) line.coordinates.at(-1)!.push(ring[i]!);
        else line.coordinates.push([ring[i - 1]!, ring[i]!]);
        last = other;
      }
    });
  });
  return collect([...lines.values()], lots.length);
}

function collect(lines: { a: number; b: number; coordinates: Position[][] }[], size: number): Borders {
  const ofUnit: number[][] = Array.from({ length: size }, () => []);
  lines.forEach(({ a, b }, id) => {
    ofUnit[a]!.push(id);
    if (b >= 0) ofUnit[b]!.push(id);
  });
  return {
    features: lines.map(({ b, coordinates }, id) => ({
      type: "Feature",
      id,
      geometry: { type: "MultiLineString", coordinates },
      properties: { isOuter: b < 0 },
    })),
    a: Int32Array.from(lines, (line) => line.a),
    b: Int32Array.from(lines, (line) => line.b),
    ofUnit,
  };
}
