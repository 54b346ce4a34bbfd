/**
 * The phone's maps read their tiles through the page, which has those of the own grid on the device. The map's own worker
 * can't: its script lies outside `/worker/`, so the service worker never sees its requests.
 */
import { addProtocol, type MapOptions } from "maplibre-gl";
import { tileBytes } from "./tiles";

const SCHEME = "kept";

addProtocol(SCHEME, async ({ url }, { signal }) => ({ data: await tileBytes(url.replace(`${SCHEME}:`, location.protocol), signal) }));

export const KEPT_TILES: Partial<MapOptions> = {
  transformRequest: (url) => (url.startsWith(`${location.origin}/tiles/`) ? { url: url.replace(/^https?:/, `${SCHEME}:`) } : undefined),
};
