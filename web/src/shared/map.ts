/** The map of every page: our style, our tiles, our words; `null` where the browser has no WebGL2. */
import "maplibre-gl/dist/maplibre-gl.css";
import {
  AttributionControl,
  Map as GLMap,
  setWorkerUrl,
  type FilterSpecification,
  type LngLatBoundsLike,
  type MapOptions,
  type StyleSpecification,
  type VectorSourceSpecification,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { get } from "./api";
import type { Language } from "./i18n";
import { wantsLessMotion } from "./motion";
import { dataLayerOf, localized, scaledSize, withAbsoluteAddresses, type StyleLayer } from "./style";
import type { Bbox, LonLat, Theme } from "./types";

setWorkerUrl(workerUrl);

declare global {
  interface Window {
    /** The page's map, for tests and for a look from the console. */
    __map?: GLMap;
  }
}

const LOCALE: Record<Language, Record<string, string>> = {
  zh: { "Map.Title": "地图", "Popup.Close": "关闭", "Marker.Title": "标记", "ScaleControl.Meters": "米", "ScaleControl.Kilometers": "公里" },
  en: {},
};
const MARK = "yiwangtu-extra";

export interface MapSettings {
  container: HTMLElement;
  theme: Theme;
  language: Language;
  /** What the map is called to those who can't see it. */
  label: string;
  bounds?: Bbox | undefined;
  /** Multiplies every label, for elder mode and for a wall without device scaling. */
  textScale?: number | undefined;
  options?: Partial<MapOptions> | undefined;
}

export interface MapHandle {
  readonly map: GLMap;
  /** The data layers drawn, in drawing order. */
  readonly layers: string[];
  setLanguage(language: Language, label: string): void;
  setTextScale(factor: number): void;
  /** Show exactly the named data layers. */
  setVisible(layers: Iterable<string>): void;
  /** Draw only rows that pass, on top of the style's own filters; null takes it away. */
  setFilter(layer: string, filter: FilterSpecification | null): void;
  /** Fetch a layer's tiles again, as of `revision` (a `layer` event of the live stream). */
  refresh(layer: string, revision: number): void;
  /** Move to a box or a point; jumps where the reader wants less motion. */
  fit(bounds: Bbox, padding?: number): void;
  center(at: LonLat, zoom?: number): void;
  destroy(): void;
}

/** The line that every map must show: the approval number where the base map has one, else 示意图. */
export function mapMark(style: StyleSpecification, language: Language): string {
  const approval = (style.metadata as { approval?: string } | undefined)?.approval;
  if (approval) return approval.includes("审图号") ? approval : `审图号：${approval}`;
  return language === "en" ? "示意图 Sketch map: boundaries are not official" : "示意图，界线不作为权属依据";
}

/** Make the map; null (and the page goes on) where WebGL2 is missing. Throws `ApiError` without a style. */
export async function createMap(settings: MapSettings): Promise<MapHandle | null> {
  const style = await withTileAddresses(await get<StyleSpecification>(`/api/styles/${settings.theme}.json`));
  let map: GLMap;
  try {
    map = new GLMap({
      container: settings.container,
      style: withAbsoluteAddresses(style, location.origin),
      attributionControl: false,
      locale: LOCALE[settings.language],
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      fadeDuration: wantsLessMotion() ? 0 : 200,
      ...(settings.bounds ? { bounds: settings.bounds as LngLatBoundsLike, fitBoundsOptions: { padding: 24 } } : {}),
      ...settings.options,
    });
  } catch {
    return null;
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  window.__map = map;
  const handle = new Handle(map, style);
  await new Promise<void>((ready) => map.once("style.load", () => ready()));
  handle.setLanguage(settings.language, settings.label);
  if (settings.textScale && settings.textScale !== 1) handle.setTextScale(settings.textScale);
  return handle;
}

/** Put each source's TileJSON into the style, so that `refresh` can renew its tile addresses. */
async function withTileAddresses(style: StyleSpecification): Promise<StyleSpecification> {
  const entries = await Promise.all(
    Object.entries(style.sources).map(async ([id, source]) => {
      if (source.type !== "vector" || !source.url) return [id, source] as const;
      const { tiles, minzoom, maxzoom, bounds, attribution } = await get<VectorSourceSpecification>(source.url);
      const { url: _, ...rest } = source;
      const read = Object.fromEntries(
        Object.entries({ tiles, minzoom, maxzoom, bounds, attribution }).filter(([, value]) => value !== undefined),
      );
      return [id, { ...read, ...rest }] as const;
    }),
  );
  return { ...style, sources: Object.fromEntries(entries) };
}

class Handle implements MapHandle {
  readonly layers: string[];
  private readonly styleLayers: StyleLayer[];
  private attribution: AttributionControl | null = null;

  constructor(
    readonly map: GLMap,
    private readonly style: StyleSpecification,
  ) {
    this.styleLayers = style.layers as StyleLayer[];
    this.layers = [...new Set(this.styleLayers.map(dataLayerOf).filter((name) => name !== null))];
  }

  setLanguage(language: Language, label: string): void {
    this.map.getCanvas().setAttribute("aria-label", label);
    if (this.attribution) this.map.removeControl(this.attribution);
    this.attribution = new AttributionControl({ compact: false, customAttribution: mapMark(this.style, language) });
    this.map.addControl(this.attribution, "bottom-right");
    for (const layer of this.styleLayers) {
      if (layer.type !== "symbol" || layer.layout?.["text-field"] === undefined) continue;
      this.map.setLayoutProperty(layer.id, "text-field", localized(layer.layout["text-field"], language) as string);
    }
  }

  setTextScale(factor: number): void {
    for (const layer of this.styleLayers) {
      if (layer.type !== "symbol" || layer.layout?.["text-field"] === undefined) continue;
      this.map.setLayoutProperty(layer.id, "text-size", scaledSize(layer.layout["text-size"], factor));
    }
  }

  setVisible(layers: Iterable<string>): void {
    const shown = new Set(layers);
    for (const layer of this.styleLayers) {
      const name = dataLayerOf(layer);
      if (name === null) continue;
      const visibility = shown.has(name) ? (layer.layout?.visibility ?? "visible") : "none";
      this.map.setLayoutProperty(layer.id, "visibility", visibility);
    }
  }

  setFilter(name: string, filter: FilterSpecification | null): void {
    for (const layer of this.styleLayers) {
      if (dataLayerOf(layer) !== name || layer.type === "background") continue;
      const own = "filter" in layer ? layer.filter : undefined;
      const both = own && filter ? (["all", own, filter] as FilterSpecification) : (filter ?? own ?? null);
      this.map.setFilter(layer.id, both);
    }
  }

  refresh(name: string, revision: number): void {
    const sources = new Set<string>();
    for (const layer of this.styleLayers) {
      if (dataLayerOf(layer) === name && "source" in layer && layer.source) sources.add(layer.source);
    }
    for (const id of sources) {
      const source = this.map.getSource(id);
      if (!source || !("tiles" in source) || !("setTiles" in source)) continue;
      const vector = source as unknown as { tiles: string[]; setTiles(tiles: string[]): void };
      vector.setTiles(vector.tiles.map((url) => `${url.split("?")[0]}?r=${revision}`));
    }
  }

  fit(bounds: Bbox, padding = 24): void {
    this.measure();
    this.map.fitBounds(bounds as LngLatBoundsLike, { padding, maxZoom: 17, ...motion() });
  }

  center(at: LonLat, zoom = Math.max(this.map.getZoom(), 15)): void {
    this.measure();
    this.map.easeTo({ center: at, zoom, ...motion() });
  }

  /** The pane may have another size since the last frame: a move begun before the map knows would end beside its goal. */
  private measure(): void {
    const [pane, canvas] = [this.map.getContainer(), this.map.getCanvas()];
    const isHidden = pane.clientWidth === 0;
    if (!isHidden && (pane.clientWidth !== canvas.clientWidth || pane.clientHeight !== canvas.clientHeight)) this.map.resize();
  }

  destroy(): void {
    this.map.remove();
    if (window.__map === this.map) delete window.__map;
  }
}

function motion(): { duration: number; essential?: boolean } {
  return { duration: wantsLessMotion() ? 0 : 900 };
}

/** Layers that a page adds over the style; `id`s are prefixed so that they can't meet the style's own. */
export function extraId(name: string): string {
  return `${MARK}-${name}`;
}
