/** Problems that come back, on the planner's map: hexagons that are hot or cold, and clusters as circles with their number. */
import type { GeoJSONSource, Map as GLMap, MapMouseEvent } from "maplibre-gl";
import { insidePoint } from "../../shared/shape";
import { INK } from "../colors";
import { CELL_COLORS, CLUSTER_COLOR } from "./colors";
import type { CasesView } from "./useCases";

const CELLS = "planner-hotspots";
const WORDS = "planner-hotspot-words";
const CLUSTERS = "planner-clusters";
const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
const EMPTY = { type: "FeatureCollection", features: [] } as const;

export class CaseMap {
  constructor(
    private readonly map: GLMap,
    onChoose: (rank: number) => void,
  ) {
    for (const id of [CELLS, WORDS, CLUSTERS]) map.addSource(id, { type: "geojson", data: EMPTY as never });
    const firstLabel = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
    map.addLayer(
      {
        id: `${CELLS}-fill`, type: "fill", source: CELLS,
        paint: { "fill-color": ["get", "color"], "fill-opacity": ["case", ["==", ["get", "kind"], ""], 0.06, 0.5], "fill-outline-color": "#ffffff" },
      },
      firstLabel,
    );
    map.addLayer({
      id: `${WORDS}-text`, type: "symbol", source: WORDS, minzoom: 12.5,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12 },
      paint: { "text-color": INK, "text-halo-color": "#fff", "text-halo-width": 1.6 },
    });
    map.addLayer({
      id: `${CLUSTERS}-circle`, type: "circle", source: CLUSTERS,
      layout: { "circle-sort-key": ["-", 0, ["get", "rank"]] },
      paint: {
        "circle-color": CLUSTER_COLOR, "circle-opacity": 0.86, "circle-radius": ["get", "size"],
        "circle-stroke-color": ["case", ["get", "is_chosen"], "#111827", "#ffffff"], "circle-stroke-width": ["case", ["get", "is_chosen"], 4, 1.5],
      },
    });
    map.addLayer({
      id: `${CLUSTERS}-label`, type: "symbol", source: CLUSTERS,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12, "symbol-sort-key": ["get", "rank"] },
      paint: { "text-color": "#fff" },
    });
    map.on("click", `${CLUSTERS}-circle`, (event: MapMouseEvent & { features?: { properties: unknown }[] }) => {
      const chosen = event.features?.[0]?.properties as { rank?: number } | undefined;
      if (chosen?.rank) onChoose(chosen.rank);
    });
    map.on("mouseenter", `${CLUSTERS}-circle`, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", `${CLUSTERS}-circle`, () => (map.getCanvas().style.cursor = ""));
  }

  /** Show what was found; null takes it away. `word` names a kind of cell. */
  show(view: CasesView | null, word: (kind: "hot" | "cold") => string): void {
    const cells = view?.cells ?? [];
    this.data(CELLS, cells.map((cell) => ({ ...cell, properties: { kind: cell.properties.kind, color: CELL_COLORS[cell.properties.kind] } })));
    this.data(WORDS, cells.flatMap(({ geometry, properties: { kind, n } }) =>
      kind ? [{ type: "Feature", geometry: { type: "Point", coordinates: insidePoint(geometry) }, properties: { label: `${word(kind)} ${n}` } }] : [],
    ));
    this.data(CLUSTERS, (view?.clusters ?? []).map((one) => {
      const { rank, n } = one.properties;
      return { ...one, properties: { rank, label: String(n), size: Math.min(7 + 1.6 * Math.sqrt(n), 26), is_chosen: rank === view?.chosen } };
    }));
  }

  private data(id: string, features: unknown[]): void {
    void (this.map.getSource(id) as GeoJSONSource).setData({ type: "FeatureCollection", features } as never);
  }
}
