/**
 * Open incidents over the map, on a canvas of their own: one that comes costs a few circles and no frame of the map
 * (0.15 s of CPU where WebGL has no graphics card, which is usual behind a wall).
 */
import type { Map as GLMap } from "maplibre-gl";
import type { LonLat } from "../shared/types";
import { FRESH_COLOR, GROUND, OPEN_COLOR, OVERDUE_COLOR, OVERDUE_RIM } from "./colours";

/** An incident as the map shows it. */
export interface Spot {
  code: string;
  at: LonLat;
  isOverdue: boolean;
  /** Whether it has just come. */
  isFresh: boolean;
}

declare global {
  interface Window {
    /** What is painted over the wall's map, for tests and for a look from the console. */
    __spots?: readonly Spot[];
  }
}

/** Zoom and radius, pixels; between them a straight line. */
const RADII: readonly (readonly [zoom: number, radius: number])[] = [[10, 2.5], [13, 4.5], [16, 7]];
const RIM = 1.5;
const RING_RADIUS = 18;
const RING_WIDTH = 2.5;
const RING_OPACITY = 0.15;

export function radiusAt(zoom: number): number {
  const [first, last] = [RADII[0]!, RADII[RADII.length - 1]!];
  if (zoom <= first[0]) return first[1];
  for (let n = 1; n < RADII.length; n++) {
    const [[z0, r0], [z1, r1]] = [RADII[n - 1]!, RADII[n]!];
    if (zoom <= z1) return r0 + ((r1 - r0) * (zoom - z0)) / (z1 - z0);
  }
  return last[1];
}

/** Late ones over the others, so that none hides under one that has time. */
export function inPaintingOrder(spots: readonly Spot[]): Spot[] {
  return [...spots.filter((one) => !one.isOverdue), ...spots.filter((one) => one.isOverdue)];
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function paintSpot(context: CanvasRenderingContext2D, x: number, y: number, { isOverdue }: Spot, radius: number, scale: number): void {
  circle(context, x, y, radius + (RIM * scale) / 2);
  context.fillStyle = isOverdue ? OVERDUE_COLOR : OPEN_COLOR;
  context.strokeStyle = isOverdue ? OVERDUE_RIM : GROUND;
  context.lineWidth = RIM * scale;
  context.fill();
  context.stroke();
}

function paintRing(context: CanvasRenderingContext2D, x: number, y: number, scale: number): void {
  circle(context, x, y, (RING_RADIUS + RING_WIDTH / 2) * scale);
  context.fillStyle = context.strokeStyle = FRESH_COLOR;
  context.lineWidth = RING_WIDTH * scale;
  context.globalAlpha = RING_OPACITY;
  context.fill();
  context.globalAlpha = 1;
  context.stroke();
}

/** Give the canvas the size of the map. */
function fitTo(map: GLMap, canvas: HTMLCanvasElement): void {
  const { width, height } = map.getCanvas();
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** Put the canvas over a map; gives what shows other spots on it. `scale` is how much larger a wall is than a desk's screen. */
export function addSpots(map: GLMap, scale: number): (spots: readonly Spot[]) => void {
  const canvas = document.createElement("canvas");
  canvas.className = "spots";
  canvas.setAttribute("aria-hidden", "true");
  map.getCanvasContainer().append(canvas);
  const context = canvas.getContext("2d");
  let shown: readonly Spot[] = [];
  let content = "";

  function paint(): void {
    if (!context) return;
    fitTo(map, canvas);
    const ratio = map.getPixelRatio();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const radius = radiusAt(map.getZoom()) * scale;
    const places = inPaintingOrder(shown).map((spot) => ({ spot, point: map.project(spot.at) }));
    for (const { spot, point } of places) paintSpot(context, point.x, point.y, spot, radius, scale);
    for (const { spot, point } of places) if (spot.isFresh) paintRing(context, point.x, point.y, scale);
    window.__spots = shown;
    canvas.dataset["count"] = String(shown.length);
  }

  map.on("render", paint); // in the same frame as the map, when it moves or grows
  map.once("remove", () => delete window.__spots);
  return (spots) => {
    // they are looked at every second, for what has become late
    const next = spots.map(({ code, at, isOverdue, isFresh }) => [code, ...at, isOverdue, isFresh].join(" ")).join("\n");
    if (next === content) return;
    [shown, content] = [spots, next];
    paint();
  };
}
