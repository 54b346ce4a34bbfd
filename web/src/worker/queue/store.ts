/**
 * The worker's items on the device, in IndexedDB: items and photos apart, so that no photo stands in the way of words.
 * Every change reads and writes in one transaction and only where the item's state allows it: two tabs, a double tap
 * and the service worker can't overwrite each other.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { NewPhoto } from "../../shared/photo";
import { uuid7 } from "../../shared/uuid7";
import {
  type Change,
  isPending,
  type Item,
  type MoveItem,
  newMove,
  newReport,
  type PhotoNote,
  type Place,
  type RecordItem,
  type Receipt,
  type Refusal,
  serverTime,
  type Subject,
} from "./item";

interface Schema extends DBSchema {
  item: { key: string; value: Item; indexes: { account: string } };
  photo: { key: string; value: { id: string; item: string; blob: Blob }; indexes: { item: string } };
}

const NAME = "yiwangtu-worker";
const VERSION = 2;
const DURABLE = { durability: "strict" } as const;
/** How long what has arrived is still listed. */
export const KEPT_DAYS = 14;

/** The browser has no room left for what should be kept. */
export class NoRoomError extends Error {}

function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

/** The draft as the first version of the page kept it, one an account. */
interface FirstDraft {
  account: string;
  id: string;
  category: string;
  title: string;
  description: string;
  place: (Omit<Place, "source"> & { source: "device" | "manual" }) | null;
  photos: (NewPhoto & { is_sent: boolean })[];
  reported_at: string | null;
  received: { code: string; due_at: string | null; grid: string | null } | null;
}

/** Carry a draft of the first version over; one whose sending had begun may have arrived, so it keeps its id and waits. */
export function fromFirst(old: FirstDraft): { item: Item; photos: NewPhoto[] } {
  const photos = old.photos.filter((photo) => !photo.is_sent);
  const words = [old.title, old.description].map((text) => text.trim()).filter(Boolean);
  const item: Item = {
    ...newReport(old.account),
    id: old.id,
    category: old.category,
    place: old.place && { ...old.place, source: old.place.source === "manual" ? "map" : "device" },
    words: words.join("\n"),
    photos: photos.map((photo) => noteOf(photo)),
    ...(old.reported_at && {
      state: old.received ? ("received" as const) : ("waiting" as const),
      made_at: old.reported_at,
      occurred_at: old.reported_at,
      tried_at: old.reported_at,
      receipt: old.received && { ...old.received, received_at: old.reported_at },
    }),
  };
  return { item, photos };
}

function noteOf({ id, blob, width, height }: NewPhoto): PhotoNote {
  return { id, width, height, size: blob.size, state: "waiting", refusal: null };
}

export class QueueStore {
  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  static async open(name = NAME): Promise<QueueStore> {
    const database = await openDB<Schema>(name, VERSION, {
      upgrade: async (made, from, _to, transaction) => {
        const items = made.createObjectStore("item", { keyPath: "id" });
        items.createIndex("account", "account");
        const blobs = made.createObjectStore("photo", { keyPath: "id" });
        blobs.createIndex("item", "item");
        if (from !== 1) return;
        const first = transaction as unknown as { objectStore(name: string): { getAll(): Promise<FirstDraft[]> } };
        for (const old of await first.objectStore("draft").getAll()) {
          const { item, photos } = fromFirst(old);
          await items.put(item);
          for (const { id, blob } of photos) await blobs.put({ id, item: item.id, blob });
        }
        (made as unknown as IDBDatabase).deleteObjectStore("draft");
      },
      // A new version of the page in another tab must not wait for this one.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
    return new QueueStore(database);
  }

  close(): void {
    this.database.close();
  }

  /** An account's items, the newest first. */
  async items(account: string): Promise<Item[]> {
    const found = await this.database.getAllFromIndex("item", "account", account);
    return found.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  get(id: string): Promise<Item | undefined> {
    return this.database.get("item", id);
  }

  /** How many items of each account wait to be sent. */
  async waiting(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const item of await this.database.getAll("item")) {
      if (isPending(item)) counts.set(item.account, (counts.get(item.account) ?? 0) + 1);
    }
    return counts;
  }

  async blob(photo: string): Promise<Blob | undefined> {
    return (await this.database.get("photo", photo))?.blob;
  }

  /** Begin a draft. Raises NoRoomError. */
  create(item: Item): Promise<void> {
    return this.guarded(async () => void (await this.database.put("item", item)));
  }

  /** Write what was typed; null where it is no draft any more. Raises NoRoomError. */
  write(id: string, change: Change): Promise<Item | null> {
    return this.guarded(() => this.change(id, (item) => (item.state === "draft" ? ({ ...item, ...change } as Item) : null)));
  }

  /** Add a photo to a draft. Raises NoRoomError, and then nothing has changed. */
  addPhoto(id: string, photo: NewPhoto): Promise<Item | null> {
    return this.guarded(async () => {
      const transaction = this.database.transaction(["item", "photo"], "readwrite");
      const done = transaction.done;
      done.catch(() => undefined);
      const item = await transaction.objectStore("item").get(id);
      if (item?.state !== "draft") return null;
      const next = { ...item, photos: [...item.photos, noteOf(photo)] };
      await transaction.objectStore("photo").put({ id: photo.id, item: id, blob: photo.blob });
      await transaction.objectStore("item").put(next);
      await done;
      return next;
    });
  }

  async removePhoto(id: string, photo: string): Promise<Item | null> {
    const next = await this.change(id, (item) =>
      item.state === "draft" ? { ...item, photos: item.photos.filter((one) => one.id !== photo) } : null,
    );
    if (next) await this.database.delete("photo", photo);
    return next;
  }

  /** Hand a draft over for sending; null where that has happened already. Raises NoRoomError. */
  submit(id: string, made_at: string, clock_ahead_ms: number | null): Promise<Item | null> {
    return this.guarded(() =>
      this.change(id, (item) => (item.state === "draft" ? { ...item, state: "waiting", made_at, clock_ahead_ms } : null)),
    );
  }

  /** Take back what nobody has tried to send yet; null where it is too late. */
  withdraw(id: string): Promise<Item | null> {
    return this.change(id, (item) =>
      item.state === "waiting" && item.tried_at === null ? { ...item, state: "draft", made_at: null, clock_ahead_ms: null } : null,
    );
  }

  /** Note that a try begins, and settle its time by the server's clock; null where there is nothing to try. */
  freeze(id: string, tried_at: string, ahead_ms: number): Promise<Item | null> {
    return this.change(id, (item) => {
      if (item.state !== "waiting" || !item.made_at) return null;
      const occurred_at = item.occurred_at ?? serverTime(item.made_at, item.clock_ahead_ms ?? ahead_ms);
      return { ...item, occurred_at, tried_at: item.tried_at ?? tried_at, tries: item.tries + 1 };
    });
  }

  received(id: string, receipt: Receipt): Promise<Item | null> {
    return this.change(id, (item) => ({ ...item, state: "received", receipt, refusal: null }));
  }

  refused(id: string, refusal: Refusal): Promise<Item | null> {
    return this.change(id, (item) => (item.state === "waiting" ? { ...item, state: "failed", refusal } : null));
  }

  /** Keep an entry that is ready to be sent. Raises NoRoomError. */
  enter(item: RecordItem, made_at: string, clock_ahead_ms: number | null): Promise<void> {
    return this.create({ ...item, state: "waiting", made_at, clock_ahead_ms });
  }

  /** Settle the time of what waits, so that whoever enters it from a file enters the same as the device sends later. */
  settle(id: string, ahead_ms: number): Promise<Item | null> {
    return this.change(id, (item) => {
      if (item.state !== "waiting" || !item.made_at || item.occurred_at) return null;
      return { ...item, occurred_at: serverTime(item.made_at, item.clock_ahead_ms ?? ahead_ms) };
    });
  }

  /** Drop what has arrived and is nothing to look at. */
  async forget(id: string): Promise<void> {
    await this.database.delete("item", id);
  }

  /** Note how much of a photo has arrived. */
  async photoSent(id: string, photo: string, sent: number): Promise<void> {
    await this.changePhoto(id, photo, { sent });
  }

  /** Note that a photo arrived; the device needs its bytes no longer. */
  async photoReceived(id: string, photo: string): Promise<void> {
    await this.changePhoto(id, photo, { state: "received", refusal: null });
    await this.database.delete("photo", photo);
  }

  async photoRefused(id: string, photo: string, refusal: Refusal): Promise<void> {
    await this.changePhoto(id, photo, { state: "failed", refusal });
  }

  /** Try again what was refused: the words, or the photos. */
  retry(id: string): Promise<Item | null> {
    return this.change(id, (item) => {
      if (item.state === "draft") return null;
      const photos = item.photos.map((one): PhotoNote => (one.state === "failed" ? { ...one, state: "waiting", refusal: null } : one));
      return { ...item, photos, ...(item.state === "failed" && { state: "waiting" as const, refusal: null }) };
    });
  }

  /** Make a draft of what was refused, under a new id: the server never took the old one. Answers the draft. */
  async revise(id: string): Promise<Item | null> {
    const transaction = this.database.transaction(["item", "photo"], "readwrite", DURABLE);
    const items = transaction.objectStore("item");
    const old = await items.get(id);
    if (old?.state !== "failed") return null;
    const draft: Item = {
      ...old,
      id: uuid7(),
      state: "draft",
      made_at: null,
      clock_ahead_ms: null,
      occurred_at: null,
      tried_at: null,
      tries: 0,
      refusal: null,
    };
    await items.put(draft);
    await items.delete(id);
    const photos = transaction.objectStore("photo");
    for (const photo of await photos.index("item").getAll(id)) await photos.put({ ...photo, item: draft.id });
    await transaction.done;
    return draft;
  }

  /** Turn the draft of a report into a line under another one, with its words and photos; answers the draft of that. */
  async second(id: string, subject: Subject): Promise<MoveItem | null> {
    const transaction = this.database.transaction(["item", "photo"], "readwrite", DURABLE);
    const items = transaction.objectStore("item");
    const report = await items.get(id);
    if (report?.kind !== "report" || report.state !== "draft") return null;
    const move: MoveItem = { ...newMove(report.account, subject, "seconded"), words: report.words, photos: report.photos };
    await items.put(move);
    await items.delete(id);
    const photos = transaction.objectStore("photo");
    for (const photo of await photos.index("item").getAll(id)) await photos.put({ ...photo, item: move.id });
    await transaction.done;
    return move;
  }

  /** Delete a draft; anything else stays. */
  async deleteDraft(id: string): Promise<boolean> {
    const transaction = this.database.transaction(["item", "photo"], "readwrite", DURABLE);
    const item = await transaction.objectStore("item").get(id);
    if (item?.state !== "draft") return false;
    await transaction.objectStore("item").delete(id);
    const photos = transaction.objectStore("photo");
    for (const key of await photos.index("item").getAllKeys(id)) await photos.delete(key);
    await transaction.done;
    return true;
  }

  /** Drop from the list what arrived whole before `before` (server's time). */
  async prune(before: string): Promise<void> {
    const transaction = this.database.transaction("item", "readwrite");
    for (let cursor = await transaction.store.openCursor(); cursor; cursor = await cursor.continue()) {
      const { state, receipt, photos } = cursor.value;
      const isWhole = state === "received" && photos.every((photo) => photo.state === "received");
      if (isWhole && receipt && receipt.received_at < before) await cursor.delete();
    }
    await transaction.done;
  }

  private changePhoto(id: string, photo: string, change: Partial<PhotoNote>): Promise<Item | null> {
    return this.change(id, (item) => ({
      ...item,
      photos: item.photos.map((one) => (one.id === photo ? { ...one, ...change } : one)),
    }));
  }

  /** Read, change and write one item in one durable transaction; null where it is gone or the change does not apply. */
  private async change(id: string, apply: (item: Item) => Item | null): Promise<Item | null> {
    const transaction = this.database.transaction("item", "readwrite", DURABLE);
    const done = transaction.done;
    done.catch(() => undefined);
    const item = await transaction.store.get(id);
    const next = item ? apply(item) : null;
    if (next) await transaction.store.put(next);
    await done;
    return next;
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw isQuota(error) ? new NoRoomError("no room on this device", { cause: error }) : error;
    }
  }
}
