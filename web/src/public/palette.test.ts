import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours `#rrggbb` as WCAG 2.2 computes it: 1 (none) to 21. */
function contrastOf(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const folder = `${import.meta.dirname}/..`;

/** The custom properties of a rule, as `name -> #rrggbb`. */
function colours(file: string, selector: string): Map<string, string> {
  const sheet = readFileSync(`${folder}/${file}`, "utf-8");
  const start = sheet.indexOf(`${selector} {`);
  const rule = sheet.slice(start, sheet.indexOf("}", start));
  return new Map([...rule.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]));
}

const STANDARD = colours("shared/base.css", ":root");
const ELDER = new Map([...STANDARD, ...colours("public/elder.css", ":root.elder")]);
/** What is written on what. */
const WRITTEN = [
  ...["ink", "ink-2", "ink-3", "accent", "good", "warn", "bad", "info"].flatMap((ink) => ["surface", "ground"].map((ground) => [ink, ground])),
  ...["ink", "ink-2", "ink-3", "accent", "good", "warn", "bad"].map((ink) => [ink, "surface-2"]),
  ...["good", "warn", "bad", "info", "accent"].map((ink) => [ink, `${ink}-soft`]),
  ...["warn-soft", "bad-soft", "accent-soft"].map((ground) => ["ink", ground]),
  ["accent-ink", "accent"],
] as [string, string][];

describe("contrast", () => {
  it("is computed as WCAG says", () => {
    expect(contrastOf("#000000", "#ffffff")).toBeCloseTo(21, 6);
    expect(contrastOf("#ffffff", "#ffffff")).toBe(1);
    expect(contrastOf("#777777", "#ffffff")).toBeCloseTo(4.48, 2); // the well-known grey that just fails
  });

  it.each(WRITTEN)("of %s on %s is at least 4.5, and 7 in 长者版", (ink, ground) => {
    expect(contrastOf(STANDARD.get(ink)!, STANDARD.get(ground)!)).toBeGreaterThanOrEqual(4.5);
    expect(contrastOf(ELDER.get(ink)!, ELDER.get(ground)!)).toBeGreaterThanOrEqual(7);
  });

  it("of the edges of fields and buttons is at least 3", () => {
    for (const palette of [STANDARD, ELDER]) {
      for (const ground of ["surface", "ground"]) expect(contrastOf(palette.get("line-strong")!, palette.get(ground)!)).toBeGreaterThanOrEqual(3);
    }
  });
});
