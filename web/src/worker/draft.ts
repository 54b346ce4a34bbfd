/** The one report a worker is writing, kept on the device until the server has all of it. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { uuid7 } from "./uuid7";

export interface Place {
  lon: number;
  lat: number;
  /** The map is drawn in WGS84 and browsers report WGS84, so both kinds of place carry it. */
  datum: "wgs84";
  accuracy_m: number | null;
  source: "device" | "manual";
}

export interface Photo {
  id: string;
  blob: Blob;
  width: number;
  height: number;
  /** True once the server has acknowledged it. */
  is_sent: boolean;
}

/** The server's receipt. */
export interface Received {
  code: string;
  due_at: string | null;
  grid: string | null;
}

export interface Draft {
  /** The owner: on a shared phone each account sees its own draft only. */
  account: string;
  /** Made once and sent with every try, so that a repeated try is the same incident. */
  id: string;
  category: string;
  title: string;
  description: string;
  place: Place | null;
  photos: Photo[];
  /** Time of the first try; the same in every later one. */
  reported_at: string | null;
  /** What the server answered, once the incident itself has arrived and photos are still to go. */
  received: Received | null;
}

export function emptyDraft(account: string): Draft {
  return {
    account,
    id: uuid7(),
    category: "",
    title: "",
    description: "",
    place: null,
    photos: [],
    reported_at: null,
    received: null,
  };
}

export function isBlank(draft: Draft): boolean {
  return !draft.category && !draft.title && !draft.description && !draft.place && draft.photos.length === 0;
}

export type Missing = "category" | "title" | "place";

/** What a report still needs before it can be sent, in the order of the form. */
export function missingOf(draft: Draft): Missing[] {
  const missing: Missing[] = [];
  if (!draft.category) missing.push("category");
  if (!draft.title.trim()) missing.push("title");
  if (!draft.place) missing.push("place");
  return missing;
}

export interface IncidentBody {
  id: string;
  category: string;
  title: string;
  description?: string;
  lon: number;
  lat: number;
  datum: "wgs84";
  accuracy_m?: number;
  reported_at: string;
}

/** The body of POST /api/incidents; equal for equal drafts. */
export function bodyOf(draft: Draft): IncidentBody {
  const { place, reported_at } = draft;
  if (!place || !reported_at) throw new Error("a draft is sent with a place and a time");
  const description = draft.description.trim();
  return {
    id: draft.id,
    category: draft.category,
    title: draft.title.trim(),
    ...(description && { description }),
    lon: place.lon,
    lat: place.lat,
    datum: place.datum,
    ...(place.accuracy_m !== null && { accuracy_m: place.accuracy_m }),
    reported_at,
  };
}

interface DraftSchema extends DBSchema {
  draft: { key: string; value: Draft };
}

export class DraftStore {
  private constructor(private readonly database: IDBPDatabase<DraftSchema>) {}

  static async open(name = "yiwangtu-worker"): Promise<DraftStore> {
    return new DraftStore(
      await openDB<DraftSchema>(name, 1, {
        upgrade: (database) => void database.createObjectStore("draft", { keyPath: "account" }),
      }),
    );
  }

  async load(account: string): Promise<Draft> {
    return (await this.database.get("draft", account)) ?? emptyDraft(account);
  }

  async save(draft: Draft): Promise<void> {
    await this.database.put("draft", draft);
  }

  async clear(account: string): Promise<void> {
    await this.database.delete("draft", account);
  }

  close(): void {
    this.database.close();
  }
}
