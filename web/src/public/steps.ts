/** A walk told in words: how far in which direction, and where it turns. */
import type { LonLat } from "../shared/types";
import { metresOfDegree } from "./walks";

export type Turn = "start" | "left" | "right" | "back";

export interface Step {
  turn: Turn;
  /** Eighth of the compass, 0 = north, clockwise. */
  compass: number;
  metres: number;
}

/** Bends less than this are still the same street. */
const BEND_DEG = 35;
/** Corners nearer than this to the straight line are drawing detail, not corners. */
const DETAIL_M = 6;

type Point = [x: number, y: number];

function inMetres(line: LonLat[]): Point[] {
  const [lon0, lat0] = line[0]!;
  const [east, north] = metresOfDegree(lat0);
  return line.map(([lon, lat]) => [(lon - lon0) * east, (lat - lat0) * north]);
}

function awayFrom([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const share = square > 0 ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / square, 0), 1) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** Keep the ends and the corners that matter (Douglas and Peucker): their indices. */
function corners(points: Point[]): number[] {
  const kept = new Set([0, points.length - 1]);
  const open: [number, number][] = [[0, points.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [first, last] = span;
    let [farthest, most] = [-1, DETAIL_M];
    for (let at = first + 1; at < last; at++) {
      const away = awayFrom(points[at]!, points[first]!, points[last]!);
      if (away > most) [farthest, most] = [at, away];
    }
    if (farthest < 0) continue;
    kept.add(farthest);
    open.push([first, farthest], [farthest, last]);
  }
  return [...kept].sort((a, b) => a - b);
}

/** Degrees clockwise from north. */
function bearing([ax, ay]: Point, [bx, by]: Point): number {
  return ((Math.atan2(bx - ax, by - ay) * 180) / Math.PI + 360) % 360;
}

function turnOf(before: number, after: number): Turn | null {
  const bend = ((after - before + 540) % 360) - 180;
  if (Math.abs(bend) < BEND_DEG) return null;
  if (Math.abs(bend) > 150) return "back";
  return bend < 0 ? "left" : "right";
}

/** The steps of a line; their metres add up to its length. */
export function stepsOf(line: LonLat[]): Step[] {
  if (line.length < 2) return [];
  const points = inMetres(line);
  const gone = [0];
  for (let at = 1; at < points.length; at++) {
    gone.push(gone[at - 1]! + Math.hypot(points[at]![0] - points[at - 1]![0], points[at]![1] - points[at - 1]![1]));
  }
  const steps: Step[] = [];
  let last = 0;
  const kept = corners(points);
  for (let at = 1; at < kept.length; at++) {
    const [from, to] = [kept[at - 1]!, kept[at]!];
    const towards = bearing(points[from]!, points[to]!);
    const metres = gone[to]! - gone[from]!;
    const turn = steps.length === 0 ? "start" : turnOf(last, towards);
    if (turn === null) steps.at(-1)!.metres += metres;
    else steps.push({ turn, compass: Math.round(towards / 45) % 8, metres });
    last = towards;
  }
  return steps;
}
