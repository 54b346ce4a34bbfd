/** Small, pure changes to the server's map style: addresses, language, text size. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Language } from "./i18n";

export type StyleLayer = LayerSpecification & { metadata?: { layer?: string; group?: string } };

/** The data layer that a style layer draws; its source where the style does not say. */
export function dataLayerOf(layer: StyleLayer): string | null {
  return layer.metadata?.layer ?? ("source" in layer ? layer.source : null) ?? null;
}

/** Make `/tiles/…` absolute, as MapLibre's worker needs it. */
export function absolute(url: string, origin: string): string {
  return url.startsWith("/") ? origin + url : url;
}

/** Make every address of a style absolute (a copy; the original stays). */
export function withAbsoluteAddresses(style: StyleSpecification, origin: string): StyleSpecification {
  const copy = structuredClone(style);
  for (const source of Object.values(copy.sources)) {
    if ("tiles" in source && source.tiles) source.tiles = source.tiles.map((url) => absolute(url, origin));
    if ("url" in source && source.url) source.url = absolute(source.url, origin);
  }
  return copy;
}

function isGetName(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value[0] === "get" && value[1] === "name";
}

/** Show `name_en` (or else `name`) wherever a label's expression reads `name`. */
export function localized(textField: unknown, language: Language): unknown {
  if (language === "zh") return textField;
  if (isGetName(textField)) return ["coalesce", ["get", "name_en"], ["get", "name"]];
  if (textField === "{name}") return ["coalesce", ["get", "name_en"], ["get", "name"]];
  return Array.isArray(textField) ? textField.map((part) => localized(part, language)) : textField;
}

/** Multiply a text size that may be a number, or a zoom curve, which has to stay outermost. */
export function scaledSize(size: unknown, factor: number): number | ExpressionSpecification {
  if (size === undefined || size === null) return 16 * factor;
  if (typeof size === "number") return size * factor;
  if (!Array.isArray(size)) throw new TypeError(`text-size is neither a number nor an expression: ${String(size)}`);
  const firstOutput = size[0] === "interpolate" ? 4 : size[0] === "step" ? 2 : null;
  if (firstOutput === null) return ["*", factor, size as ExpressionSpecification];
  const scaled = size.map((part: unknown, index) =>
    index >= firstOutput && (index - firstOutput) % 2 === 0 ? scaledSize(part, factor) : part,
  );
  return scaled as unknown as ExpressionSpecification;
}
