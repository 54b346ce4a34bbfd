/** Names that the page and its service worker agree on. */
export const CHANNEL = "yiwangtu-worker-queue";
export const SYNC_TAG = "yiwangtu-worker-send";
export const TILE_CACHE = "yiwangtu-worker-tiles";
export const DATA_CACHE = "yiwangtu-worker-data";
