/** Boxes, lassos and cutting lines, drawn with terra-draw and gone when they are finished. */
import type { Map as GLMap } from "maplibre-gl";
import type { Polygon, Position } from "geojson";
import { INK, SELECTED_COLOR, STRAY_COLOR } from "./colors";
import { TerraDraw, TerraDrawFreehandMode, TerraDrawLineStringMode, TerraDrawRectangleMode } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";

export type DrawTool = "box" | "lasso" | "line";
export interface DrawEvents {
  shape(shape: Polygon): void;
  line(line: Position[]): void;
}

const POLYGON = { fillColor: SELECTED_COLOR, fillOpacity: 0.15, outlineColor: INK, outlineWidth: 2 } as const;
const MODE = { box: "rectangle", lasso: "freehand", line: "linestring" } as const;

export class Drawing {
  private readonly draw: TerraDraw;

  constructor(map: GLMap, events: DrawEvents) {
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 7 }),
      modes: [
        new TerraDrawRectangleMode({ drawInteraction: "click-move-or-drag", styles: POLYGON }),
        new TerraDrawFreehandMode({ drawInteraction: "click-move-or-drag", styles: POLYGON, minDistance: 6 }),
        new TerraDrawLineStringMode({ styles: { lineStringColor: STRAY_COLOR, lineStringWidth: 3, closingPointColor: STRAY_COLOR } }),
      ],
    });
    this.draw.on("finish", (id) => {
      const geometry = this.draw.getSnapshotFeature(id)?.geometry;
      // terra-draw writes the finished shape once more after this event: clear behind it.
      queueMicrotask(() => this.draw.enabled && this.draw.clear());
      if (geometry?.type === "Polygon") events.shape(geometry);
      else if (geometry?.type === "LineString") events.line(geometry.coordinates);
    });
  }

  use(tool: DrawTool | null): void {
    if (this.draw.enabled) this.draw.stop();
    if (!tool) return;
    this.draw.start();
    this.draw.setMode(MODE[tool]);
  }

  destroy(): void {
    if (this.draw.enabled) this.draw.stop();
  }
}
