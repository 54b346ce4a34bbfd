/** One draft while it is written: saved on the device a moment after every change, photos at once. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { type Change, isBlank, type Item } from "./queue/item";
import { changed, openStore, submit as handOver } from "./queue/queue";
import type { NewPhoto } from "../shared/photo";
import { NoRoomError } from "./queue/store";
import { withRoom } from "./room";

const QUIET_MS = 300;

/** gone: handed over or deleted elsewhere, so that nothing can be written any more. */
export type DraftFault = "no_room" | "broken" | "gone";

export interface DraftState<T extends Item> {
  item: Ref<T>;
  isSaved: Ref<boolean>;
  fault: Ref<DraftFault | null>;
  patch(change: Change): void;
  addPhoto(photo: NewPhoto): Promise<void>;
  removePhoto(id: string): Promise<void>;
  /** Hand it over for sending; false where that could not be. */
  submit(): Promise<boolean>;
  discard(): Promise<void>;
  /** Write what was typed now; false where that could not be. */
  saveNow(): Promise<boolean>;
}

export function useDraft<T extends Item>(initial: T, isStored: boolean): DraftState<T> {
  const item = shallowRef(initial) as ShallowRef<T>;
  const isSaved = ref(isStored);
  const fault = ref<DraftFault | null>(null);
  let waiting: Change = {};
  let hasRow = isStored;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One write after another, so that none overtakes an earlier one. */
  const inTurn = (work: () => Promise<Item | null>): Promise<Item | null> => {
    const turn = last.then(async () => {
      try {
        const next = await withRoom(await openStore(), work);
        fault.value = next ? null : "gone";
        isSaved.value = next !== null;
        if (next) item.value = { ...next, ...waiting } as T;
        return next;
      } catch (error) {
        fault.value = error instanceof NoRoomError ? "no_room" : "broken";
        isSaved.value = false;
        return null;
      }
    });
    last = turn;
    return turn;
  };
  const write = async (): Promise<Item | null> => {
    const store = await openStore();
    const change = waiting;
    if (!hasRow) {
      const row = item.value;
      await store.create(row);
      hasRow = true;
      if (waiting === change) waiting = {};
      return row;
    }
    const next = await store.write(item.value.id, change);
    if (waiting === change) waiting = {};
    return next;
  };
  const save = (): Promise<Item | null> => {
    clearTimeout(timer);
    timer = undefined;
    return inTurn(write);
  };
  const saveNow = (): void => {
    if (timer !== undefined) void save();
  };
  window.addEventListener("pagehide", saveNow);
  document.addEventListener("visibilitychange", saveNow);
  onScopeDispose(() => {
    window.removeEventListener("pagehide", saveNow);
    document.removeEventListener("visibilitychange", saveNow);
    saveNow();
    void last.then(() => changed()).catch(() => undefined);
  });

  return {
    item,
    isSaved,
    fault,
    patch(change) {
      waiting = { ...waiting, ...change };
      item.value = { ...item.value, ...change };
      isSaved.value = false;
      clearTimeout(timer);
      timer = undefined;
      // A place that the device found by itself is not yet a draft of anybody.
      if (hasRow || !isBlank(item.value)) timer = setTimeout(() => void save(), QUIET_MS);
    },
    async addPhoto(photo) {
      if (!hasRow && !(await save())) return;
      await inTurn(async () => (await openStore()).addPhoto(item.value.id, photo));
    },
    async removePhoto(id) {
      await inTurn(async () => (await openStore()).removePhoto(item.value.id, id));
    },
    async submit() {
      if (!(await save())) return false;
      try {
        const store = await openStore();
        const isDone = await withRoom(store, () => handOver(item.value.id));
        if (!isDone) fault.value = "gone"; // another tab handed it over since it was saved
        return isDone;
      } catch (error) {
        fault.value = error instanceof NoRoomError ? "no_room" : "broken";
        return false;
      }
    },
    async saveNow() {
      return (await save()) !== null;
    },
    async discard() {
      clearTimeout(timer);
      timer = undefined;
      await last;
      if (hasRow) await (await openStore()).deleteDraft(item.value.id);
      await changed();
    },
  };
}
