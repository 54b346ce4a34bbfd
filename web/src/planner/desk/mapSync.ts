/** Two maps move together while a plan is compared side by side. */
import type { Map as GLMap } from "maplibre-gl";
import { syncMaps } from "../gridmap";

export class MapSync {
  private readonly maps: GLMap[] = [];
  private release: (() => void) | null = null;

  add(map: GLMap): void {
    const [first] = this.maps;
    // The newcomer has fitted the area into the part of the page that each has now.
    first?.jumpTo({ center: map.getCenter(), zoom: map.getZoom() });
    this.maps.push(map);
    this.tie();
  }
  remove(map: GLMap): void {
    this.maps.splice(this.maps.indexOf(map), 1);
    this.tie();
  }
  private tie(): void {
    this.release?.();
    this.release = this.maps.length > 1 ? syncMaps(this.maps) : null;
  }
}
