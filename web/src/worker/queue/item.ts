/** What a worker has written: a report, a move of one with photos, or an entry of a round; and how far it has come. */
import { uuid7 } from "../../shared/uuid7";

export interface Place {
  lon: number;
  lat: number;
  /** Browsers report WGS84, and the map and the buildings are drawn in it. */
  datum: "wgs84";
  /** Radius of the device's position; null where a person chose the place. */
  accuracy_m: number | null;
  source: "device" | "map" | "building";
  /** Name of the building chosen. */
  name?: string;
}

/** draft: being written. waiting: to be sent, nothing changes any more. received: the server has the words. */
export type ItemState = "draft" | "waiting" | "received" | "failed";
export type PhotoState = "waiting" | "received" | "failed";

/** Why the server refused something. */
export interface Refusal {
  code: string;
  detail: string;
}

export interface PhotoNote {
  id: string;
  width: number;
  height: number;
  size: number;
  /** How many bytes the server had when the link broke; only of a photo whose sending has begun. */
  sent?: number;
  state: PhotoState;
  refusal: Refusal | null;
}

export interface Receipt {
  code: string;
  due_at: string | null;
  grid: string | null;
  /** By the server's clock. */
  received_at: string;
}

interface Common {
  /** Made once and sent with every try, so that a repeated try is the same one. */
  id: string;
  /** Whose it is: nobody else sees it or can send it. */
  account: string;
  state: ItemState;
  words: string;
  photos: PhotoNote[];
  /** When it was handed over for sending, by the clock of the device. */
  made_at: string | null;
  /** How far the server's clock was ahead of the device's then, as known then. */
  clock_ahead_ms: number | null;
  /** `made_at` by the server's clock; settled before the first try and the same in every later one. */
  occurred_at: string | null;
  /** Device's time of the first try: from then on it can't be taken back. */
  tried_at: string | null;
  tries: number;
  refusal: Refusal | null;
  receipt: Receipt | null;
}

export interface ReportItem extends Common {
  kind: "report";
  category: string;
  category_name: string;
  place: Place | null;
  /** The item of a round whose finding it tells. */
  round_item?: { code: string; name: string; grid: string; shift_id: string | null };
}

/** `extended` asks for more time, `seconded` says that one has seen the same thing: neither changes the status. */
export type MoveTo = "in_progress" | "resolved" | "returned" | "paused" | "verified" | "reopened" | "extended" | "seconded";

export interface MoveItem extends Common {
  kind: "move";
  incident: string;
  incident_code: string;
  title: string;
  to: MoveTo;
  /** Of more time, in the unit of the incident's limit. */
  amount?: number;
  /** The category wants a photo of what was done. */
  needs_photo?: boolean;
}

export type RecordKind = "mark" | "visit" | "shift" | "shift_end" | "points";

/** An entry made with one tap: it is never a draft, and goes to one address under its own id. */
export interface RecordItem extends Common {
  kind: "record";
  what: RecordKind;
  title: string;
  path: string;
  body: Record<string, unknown>;
  /** The member of the body that gets the time; null where the body has its times. */
  time: "at" | "started_at" | "ended_at" | null;
}

export type Item = ReportItem | MoveItem | RecordItem;
/** What may change while an item is a draft. */
export type Change = Partial<Pick<ReportItem, "category" | "category_name" | "place" | "words"> & Pick<MoveItem, "amount">>;

function common(account: string): Common {
  return {
    id: uuid7(),
    account,
    state: "draft",
    words: "",
    photos: [],
    made_at: null,
    clock_ahead_ms: null,
    occurred_at: null,
    tried_at: null,
    tries: 0,
    refusal: null,
    receipt: null,
  };
}

export function newReport(account: string): ReportItem {
  return { ...common(account), kind: "report", category: "", category_name: "", place: null };
}

export interface Subject {
  incident: string;
  incident_code: string;
  title: string;
}

export function newMove(account: string, subject: Subject, to: MoveTo): MoveItem {
  return { ...common(account), kind: "move", ...subject, to };
}

/** An entry, ready to be sent: `path` has `{id}` where the entry's own id goes. */
export function newRecord(account: string, entry: Pick<RecordItem, "what" | "title" | "path" | "body" | "time">): RecordItem {
  const made = common(account);
  return { ...made, kind: "record", ...entry, path: entry.path.replace("{id}", made.id) };
}

/** The body of an entry's request; equal for equal entries. Times of points are the device's until they are sent. */
export function recordBody(item: RecordItem): Record<string, unknown> {
  const { occurred_at, made_at } = item;
  if (item.what === "points" && occurred_at && made_at) {
    const ahead_ms = Date.parse(occurred_at) - Date.parse(made_at);
    const points = item.body["points"] as { at: string }[];
    return { points: points.map((point) => ({ ...point, at: serverTime(point.at, ahead_ms) })) };
  }
  return item.time ? { ...item.body, [item.time]: item.occurred_at } : item.body;
}

/** Nothing typed, chosen or photographed; a place found by the device alone is no work of anybody. */
export function isBlank(item: Item): boolean {
  if (item.words.trim() || item.photos.length) return false;
  return item.kind !== "report" || (!item.category && (item.place?.source ?? "device") === "device");
}

export type Missing = "category" | "place" | "words" | "amount" | "photo";
const NEEDS_WORDS: ReadonlySet<MoveTo> = new Set(["returned", "paused", "reopened", "extended"]);

/** What is still needed before it can be sent, in the order of the form. */
export function missingOf(item: Item): Missing[] {
  const missing: Missing[] = [];
  if (item.kind === "record") return missing;
  if (item.kind === "move") {
    if (item.to === "extended" && !item.amount) missing.push("amount");
    if (NEEDS_WORDS.has(item.to) && !item.words.trim()) missing.push("words");
    if (item.to === "resolved" && item.needs_photo && item.photos.length === 0) missing.push("photo");
    return missing;
  }
  if (!item.place) missing.push("place");
  if (!item.category) missing.push("category");
  return missing;
}

/** Whether something of it is still to be sent. */
export function isPending(item: Item): boolean {
  return item.state === "waiting" || (item.state === "received" && photosIn(item, "waiting") > 0);
}

export function photosIn(item: Item, state: PhotoState): number {
  return item.photos.filter((photo) => photo.state === state).length;
}

export type Standing = "draft" | "waiting" | "photos_waiting" | "received" | "photos_failed" | "failed";

/** The one word for how far an item has come, its photos included. */
export function standingOf(item: Item): Standing {
  if (item.state !== "received") return item.state;
  if (photosIn(item, "waiting")) return "photos_waiting";
  return photosIn(item, "failed") ? "photos_failed" : "received";
}

/** The server's time of something that the device's clock saw at `at`. */
export function serverTime(at: string, ahead_ms: number): string {
  return new Date(Date.parse(at) + ahead_ms).toISOString();
}

export interface ReportBody {
  category: string;
  description?: string;
  lon: number;
  lat: number;
  datum: "wgs84";
  accuracy_m?: number;
  occurred_at: string;
}

/** The body of PUT /api/incidents/{uuid}; equal for equal items. */
export function reportBody(item: ReportItem): ReportBody {
  const { place, occurred_at } = item;
  if (!place || !occurred_at) throw new Error("a report is sent with a place and a time");
  const description = item.words.trim();
  return {
    category: item.category,
    ...(description && { description }),
    lon: place.lon,
    lat: place.lat,
    datum: place.datum,
    ...(place.accuracy_m !== null && { accuracy_m: place.accuracy_m }),
    occurred_at,
  };
}

/** What somebody else has to grant is asked for, not done. */
const ASKED: Partial<Record<MoveTo, string>> = { paused: "pause", returned: "return", extended: "extension" };
/** The server takes a reason of one line. */
export const MOST_REASON = 100;

export function isAsked(to: MoveTo): boolean {
  return to in ASKED;
}

export interface MoveCall {
  path: string;
  body: Record<string, string | number>;
}

/** The request that makes a move, or asks for it; equal for equal items. */
export function moveCall(item: MoveItem): MoveCall {
  const path = `/api/incidents/${item.incident}`;
  const words = item.words.trim();
  const kind = ASKED[item.to];
  if (kind) return { path: `${path}/requests`, body: { kind, reason: words, ...(item.amount && { amount: item.amount }) } };
  if (item.to === "seconded") return { path: `${path}/seconds`, body: { ...(words && { note: words }) } };
  return { path: `${path}/events`, body: { to: item.to, ...(words && { note: words }) } };
}

/** The incident that an item's photos belong to; an entry has neither. */
export function incidentOf(item: Item): string {
  return item.kind === "move" ? item.incident : item.id;
}

const STAGES: Partial<Record<MoveTo, string>> = { in_progress: "before", resolved: "after" };

/** Where a photo goes: those of a report need no word of their stage. */
export function photoPath(item: Item, photo: string): string {
  const stage = item.kind === "move" ? STAGES[item.to] : undefined;
  return `/api/incidents/${incidentOf(item)}/photos/${photo}${stage ? `?stage=${stage}` : ""}`;
}
