/** The ground that places are found by on the desk's maps. */
import type { MapHandle } from "../shared/map";
import { dataLayerOf, type StyleLayer } from "../shared/style";

/** Facilities and the tiles' own incidents would only hide the cases. */
const GROUND = ["district", "street", "community", "grid", "road", "barrier", "unit", "compound"];
const GRID_EDGE = "#7c857f";

/** Show the ground alone; grids are outlines here: their colours tell of households, which is another desk's matter. */
export function showGround(handle: MapHandle): void {
  const { map } = handle;
  handle.setVisible(handle.layers.filter((name) => GROUND.includes(name)));
  for (const layer of map.getStyle().layers) {
    if (dataLayerOf(layer as StyleLayer) !== "grid") continue;
    if (layer.type === "fill") map.setPaintProperty(layer.id, "fill-opacity", 0);
    if (layer.type === "line") map.setPaintProperty(layer.id, "line-color", GRID_EDGE);
    if (layer.type === "symbol") map.setLayoutProperty(layer.id, "visibility", "none");
  }
}
