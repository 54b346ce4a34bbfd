import { describe, expect, it } from "vitest";
import type { StyleSpecification } from "maplibre-gl";
import { dataLayerOf, localized, scaledSize, withAbsoluteAddresses, type StyleLayer } from "./style";

describe("withAbsoluteAddresses", () => {
  it("completes our own addresses and leaves the given style as it was", () => {
    const style: StyleSpecification = {
      version: 8,
      sources: {
        grid: { type: "vector", tiles: ["/tiles/grid/{z}/{x}/{y}.mvt"] },
        road: { type: "vector", url: "/tiles/road.json" },
      },
      layers: [],
    };
    expect(withAbsoluteAddresses(style, "http://a.example:8000").sources).toEqual({
      grid: { type: "vector", tiles: ["http://a.example:8000/tiles/grid/{z}/{x}/{y}.mvt"] },
      road: { type: "vector", url: "http://a.example:8000/tiles/road.json" },
    });
    expect(style.sources["road"]).toEqual({ type: "vector", url: "/tiles/road.json" });
  });
});

describe("localized", () => {
  const english = ["coalesce", ["get", "name_en"], ["get", "name"]];

  it("prefers the English name at any depth", () => {
    expect(localized(["get", "name"], "en")).toEqual(english);
    expect(localized(["concat", ["get", "name"], " ", ["get", "code"]], "en")).toEqual(["concat", english, " ", ["get", "code"]]);
  });

  it("leaves Chinese labels and other fields alone", () => {
    expect(localized(["get", "name"], "zh")).toEqual(["get", "name"]);
    expect(localized(["get", "households"], "en")).toEqual(["get", "households"]);
  });
});

describe("scaledSize", () => {
  it("multiplies numbers, curves and data expressions, and MapLibre's default of 16", () => {
    expect(scaledSize(12, 1.5)).toBe(18);
    expect(scaledSize(undefined, 1.5)).toBe(24);
    expect(scaledSize(["interpolate", ["linear"], ["zoom"], 10, 12, 16, 20], 2)).toEqual(
      ["interpolate", ["linear"], ["zoom"], 10, 24, 16, 40],
    );
    expect(scaledSize(["step", ["zoom"], 10, 14, 12], 2)).toEqual(["step", ["zoom"], 20, 14, 24]);
    expect(scaledSize(["get", "size"], 2)).toEqual(["*", 2, ["get", "size"]]);
  });
});

describe("dataLayerOf", () => {
  it("takes the metadata's word, else the source's name", () => {
    const line = { id: "a", type: "line", source: "road" } as StyleLayer;
    expect(dataLayerOf(line)).toBe("road");
    expect(dataLayerOf({ ...line, metadata: { layer: "street" } } as StyleLayer)).toBe("street");
    expect(dataLayerOf({ id: "bg", type: "background" } as StyleLayer)).toBeNull();
  });
});
