/** Keep the map of the own grid on the device: its tiles at the zooms where places are picked, within a fixed size. */
import type { Bbox } from "../shared/types";
import { DATA_CACHE, TILE_CACHE } from "./queue/signs";

/** What the phone's maps draw. */
export const CONTEXT = ["district", "street", "community", "compound", "unit", "road", "barrier", "station", "canteen", "parking"];
/** The nearest first: should the bounds be met, the far ones are left out. */
const ZOOMS = [16, 15, 14];
export const MOST_TILES = 400;
export const MOST_BYTES = 8_000_000;
const STYLE = "/api/styles/light.json";
const AT_ONCE = 2;
const PATIENCE_MS = 4_000;

export interface TileAddress {
  z: number;
  x: number;
  y: number;
}

/** Tiles of a zoom that a box touches (Web Mercator, y from the north). */
export function tilesIn([west, south, east, north]: Bbox, z: number): TileAddress[] {
  const count = 2 ** z;
  const column = (lon: number): number => Math.floor(((lon + 180) / 360) * count);
  const row = (lat: number): number => {
    const rad = (lat * Math.PI) / 180;
    return Math.floor(((1 - Math.asinh(Math.tan(rad)) / Math.PI) / 2) * count);
  };
  const found: TileAddress[] = [];
  for (let x = column(west); x <= column(east); x++) {
    for (let y = row(north); y <= row(south); y++) found.push({ z, x, y });
  }
  return found;
}

/** A source of the style. */
interface TileInfo {
  tiles: string[];
  minzoom?: number;
  maxzoom?: number;
}

/** A layer's tiles in a box; beyond its last zoom the map enlarges that one's. */
function addresses(info: TileInfo, bbox: Bbox, wanted: number): string[] {
  const zoom = Math.min(wanted, info.maxzoom ?? wanted);
  if (zoom < (info.minzoom ?? 0)) return [];
  return tilesIn(bbox, zoom)
    .map(({ z, x, y }) => info.tiles[0]!.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y)))
    .map((url) => new URL(url, location.origin).pathname);
}

/** Read the style and keep it where the service worker looks: at the first visit the page is not yet the service worker's. */
async function keepStyle(signal: AbortSignal): Promise<{ sources: Record<string, TileInfo> }> {
  const response = await fetch(STYLE, { signal });
  if (!response.ok) throw new Error(`${STYLE}: ${response.status}`);
  await (await caches.open(DATA_CACHE)).put(STYLE, response.clone());
  return (await response.json()) as { sources: Record<string, TileInfo> };
}

/** Fetch what is not kept yet, and drop what is not of these grids; the bounds hold over all of them. */
export async function keepTiles(boxes: Bbox[], signal: AbortSignal): Promise<void> {
  if (!("caches" in window)) return;
  const { sources } = await keepStyle(signal);
  const layers = CONTEXT.flatMap((layer) => sources[layer] ?? []);
  const wanted = ZOOMS.flatMap((zoom) => layers.flatMap((info) => boxes.flatMap((bbox) => addresses(info, bbox, zoom))));
  const paths = [...new Set(wanted)].slice(0, MOST_TILES);
  const cache = await caches.open(TILE_CACHE);
  const kept = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
  for (const path of kept) if (!paths.includes(path)) await cache.delete(path);
  let bytes = 0;
  const next = async (): Promise<void> => {
    for (let path = paths.shift(); path && bytes < MOST_BYTES; path = paths.shift()) {
      const response = await fetch(path, { signal });
      if (!response.ok) continue;
      const body = await response.blob();
      bytes += body.size;
      const headers = { "Content-Type": response.headers.get("Content-Type") ?? "application/vnd.mapbox-vector-tile" };
      await cache.put(path, new Response(body, { headers }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** The network's tile, else the one that is kept; a network that gives no answer is not waited for long. Else nothing. */
export async function tileBytes(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
  const path = new URL(url).pathname;
  const kept = "caches" in window ? await (await caches.open(TILE_CACHE)).match(path) : undefined;
  if (kept && !navigator.onLine) return kept.arrayBuffer();
  try {
    const limit = kept ? AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) : signal;
    const response = await fetch(url, { signal: limit });
    if (response.ok) return await response.arrayBuffer();
  } catch (error) {
    if (signal.aborted) throw error;
  }
  return kept ? kept.arrayBuffer() : new ArrayBuffer(0);
}

export async function forgetTiles(): Promise<void> {
  if ("caches" in window) await caches.delete(TILE_CACHE);
}
