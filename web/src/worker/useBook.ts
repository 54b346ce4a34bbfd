/** The grid's book of rounds and visits: read when there is a network, kept for when there is none. */
import { computed, onMounted, ref, shallowRef, type ComputedRef, type Ref } from "vue";
import { ApiError, get } from "../shared/api";
import { aheadMs } from "./clock";
import { keep, readKept } from "./kept";
import { t } from "./messages";
import { newRecord, type RecordItem } from "./queue/item";
import { changed, openStore, queue, wake } from "./queue/queue";
import { type Book, withEntries } from "./rounds";
import { withRoom } from "./room";

export interface BookState {
  book: ComputedRef<Book | null>;
  error: Ref<string>;
  load(): Promise<void>;
}

export function useBook(grid: () => string): BookState {
  const read = shallowRef<Book | null>(null);
  const error = ref("");
  const load = async (): Promise<void> => {
    const code = grid();
    error.value = "";
    const key = `book:${code}`;
    if (read.value?.grid !== code) read.value = (await readKept<Book>(key)) ?? null;
    try {
      const found = await get<Book>("/api/rounds", { within: code });
      if (code !== grid()) return;
      read.value = found;
      await keep(key, found);
    } catch (reason) {
      error.value = reason instanceof ApiError && reason.code === "offline" ? t("no_network") : String((reason as Error).message);
    }
  };
  onMounted(load);
  return { book: computed(() => (read.value ? withEntries(read.value, queue.items.value) : null)), error, load };
}

export type Entry = Pick<RecordItem, "what" | "title" | "path" | "body" | "time">;

/** Enter something with one tap: it is on the device before this answers, and sent when there is a chance. Raises NoRoomError. */
export async function enter(login: string, entry: Entry): Promise<RecordItem> {
  const store = await openStore();
  const item = newRecord(login, entry);
  await withRoom(store, () => store.enter(item, new Date().toISOString(), aheadMs.value));
  await changed();
  wake();
  return item;
}
