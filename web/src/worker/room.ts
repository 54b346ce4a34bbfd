/** Room on the device: what can be read again gives way to what cannot be written again. */
import { forgetKept } from "./kept";
import { NoRoomError, type QueueStore } from "./queue/store";
import { forgetTiles } from "./tiles";

const FAR_FUTURE = "9999";

async function makeRoom(store: QueueStore): Promise<void> {
  await forgetTiles();
  await forgetKept();
  await store.prune(FAR_FUTURE).catch(() => undefined);
}

/** Write; where there is no room, make some and write again. Raises NoRoomError when that was not enough. */
export async function withRoom<T>(store: QueueStore, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof NoRoomError)) throw error;
    await makeRoom(store);
    return write();
  }
}

/** Bytes that are still free; null where the browser does not tell. */
export async function freeBytes(): Promise<number | null> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
}
