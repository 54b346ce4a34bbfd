/** Which units a drawn shape means: inside a box or lasso, or beyond a line. */
import type { Polygon, Position } from "geojson";
import { isInside } from "../../shared/shape";
import type { EditModel } from "./model";

/** Units whose building lies in the shape. */
export function unitsInside(model: EditModel, shape: Polygon): number[] {
  const ring = shape.coordinates[0] ?? [];
  const lons = ring.map((point) => point[0]!);
  const lats = ring.map((point) => point[1]!);
  const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
  const found: number[] = [];
  for (let unit = 0; unit < model.size; unit++) {
    const [lon, lat] = model.pointOf(unit);
    if (lon < west || lon > east || lat < south || lat > north) continue;
    if (isInside([lon, lat], shape)) found.push(unit);
  }
  return found;
}

/** The units with the rest of their compounds. */
export function withCompounds(model: EditModel, units: readonly number[]): number[] {
  return [...new Set(units.flatMap((unit) => model.compoundOf(unit)))];
}

export interface LineCut {
  grid: number;
  /** The side with fewer households. */
  units: number[];
}

/**
 * Cut a grid along a drawn line: `grid` where it is given, else the one that the line divides most evenly.
 * Null when the line divides none.
 */
export function cutByLine(model: EditModel, line: Position[], grid: number | null): LineCut | null {
  if (line.length < 2) return null;
  const candidates = grid === null ? model.liveGrids() : [grid];
  let best: (LineCut & { households: number }) | null = null;
  for (const candidate of candidates) {
    const units = model.unitsOf(candidate);
    if (grid === null && !isNear(model, units, line)) continue;
    const left = units.filter((unit) => sideOf(model.pointOf(unit), line) > 0);
    if (left.length === 0 || left.length === units.length) continue;
    const sum = (list: number[]): number => list.reduce((total, unit) => total + model.households[unit]!, 0);
    const isLeftSmall = 2 * sum(left) <= sum(units);
    const small = isLeftSmall ? left : units.filter((unit) => !left.includes(unit));
    const households = sum(small);
    if (!best || households > best.households) best = { grid: candidate, units: small, households };
  }
  return best && { grid: best.grid, units: best.units };
}

/** Whether the line passes through the box around the units' buildings. */
function isNear(model: EditModel, units: number[], line: Position[]): boolean {
  const points = units.map((unit) => model.pointOf(unit));
  const [west, east] = [Math.min(...points.map((p) => p[0]!)), Math.max(...points.map((p) => p[0]!))];
  const [south, north] = [Math.min(...points.map((p) => p[1]!)), Math.max(...points.map((p) => p[1]!))];
  return line.slice(1).some((end, i) => {
    const start = line[i]!;
    // Eight steps a stretch are close enough for boxes of grids.
    return Array.from({ length: 9 }, (_, step) => step / 8).some((share) => {
      const lon = start[0]! + (end[0]! - start[0]!) * share;
      const lat = start[1]! + (end[1]! - start[1]!) * share;
      return lon >= west && lon <= east && lat >= south && lat <= north;
    });
  });
}

/** Positive left of the line, negative right of it; the first and last stretch go on without end. */
export function sideOf([lon, lat]: Position, line: Position[]): number {
  let best = { distance: Infinity, side: 0, slant: 0 };
  for (let i = 1; i < line.length; i++) {
    const [x0, y0] = line[i - 1] as [number, number];
    const [x1, y1] = line[i] as [number, number];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length2 = dx * dx + dy * dy;
    if (length2 === 0) continue;
    const along = ((lon! - x0) * dx + (lat! - y0) * dy) / length2;
    const clamped = Math.min(i === line.length - 1 ? Infinity : 1, Math.max(i === 1 ? -Infinity : 0, along));
    const distance = Math.hypot(lon! - x0 - clamped * dx, lat! - y0 - clamped * dy);
    const cross = dx * (lat! - y0) - dy * (lon! - x0);
    // At a corner both stretches are equally near: the one that the point faces more squarely decides.
    const slant = Math.abs(cross) / Math.sqrt(length2);
    const isNearer = distance < best.distance - 1e-12;
    if (isNearer || (Math.abs(distance - best.distance) <= 1e-12 && slant > best.slant)) {
      best = { distance, side: Math.sign(cross), slant };
    }
  }
  return best.side;
}
