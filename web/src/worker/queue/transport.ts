/** The calls that carry a worker's items to the server. Every one may be repeated: the server does it once. */
import { ApiError, request, setCsrfToken } from "../../shared/api";
import type { Incident, Session } from "../../shared/types";
import { type Item, moveCall, type MoveItem, photoPath, type PhotoNote, type Receipt, recordBody, type RecordItem, reportBody } from "./item";

/** Who the server takes us for, and its clock. */
export interface Contact {
  login: string | null;
  /** How far the server's clock is ahead of the device's. */
  ahead_ms: number;
}

export type Answer = Omit<Receipt, "received_at">;

export interface Transport {
  contact(): Promise<Contact>;
  send(item: Item): Promise<Answer>;
  /** Send a photo, from where it was left; `came` hears how many bytes have arrived. */
  sendPhoto(item: Item, photo: PhotoNote, blob: Blob, came: (sent: number) => Promise<void>): Promise<void>;
}

const CONTACT_MS = 15_000;
const WORDS_MS = 30_000;
const PART_MS = 90_000;
/** A part that a poor link carries in a minute; what is no larger goes in one. */
export const PART_BYTES = 262_144;

/** A request that ends in time: one that hangs would keep all that follow. */
async function timely<T>(limit_ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(limit_ms);
  try {
    return await work(signal);
  } catch (error) {
    throw signal.aborted ? new ApiError(0, "offline", "no answer in time") : error;
  }
}

/** The server's clock at the middle of the exchange; its header has whole seconds. */
export function aheadOf(date: string | null, sent_ms: number, answered_ms: number): number {
  const server = Date.parse(date ?? "");
  return Number.isNaN(server) ? 0 : server + 500 - (sent_ms + answered_ms) / 2;
}

async function contact(): Promise<Contact> {
  const sent_ms = Date.now();
  const response = await fetch("/api/session", {
    headers: { Accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(CONTACT_MS),
  }).catch((error: unknown) => {
    throw new ApiError(0, "offline", String(error));
  });
  if (!response.ok) throw new ApiError(response.status, "unavailable", response.statusText);
  const ahead_ms = aheadOf(response.headers.get("Date"), sent_ms, Date.now());
  const session = (await response.json()) as Session;
  // The token belongs to this session: should another account sign in meanwhile, the server refuses what follows.
  setCsrfToken(session.csrf_token);
  return { login: session.account?.login ?? null, ahead_ms };
}

async function sendMove(item: MoveItem, signal: AbortSignal): Promise<Incident> {
  const { path, body } = moveCall(item);
  const answer = await request<Incident | { incident: Incident }>("POST", path, {
    json: body,
    headers: { "Idempotency-Key": item.id },
    signal,
  });
  return "incident" in answer ? answer.incident : answer;
}

async function sendRecord(item: RecordItem, signal: AbortSignal): Promise<Answer> {
  await request<unknown>("PUT", item.path, { json: recordBody(item), signal });
  return { code: "", due_at: null, grid: null };
}

async function send(item: Item): Promise<Answer> {
  if (item.kind === "record") return timely(WORDS_MS, (signal) => sendRecord(item, signal));
  const { properties } = await timely(WORDS_MS, (signal) =>
    item.kind === "report"
      ? request<Incident>("PUT", `/api/incidents/${item.id}`, { json: reportBody(item), signal })
      : sendMove(item, signal),
  );
  return { code: properties.code, due_at: properties.due_at ?? null, grid: properties.grid ?? null };
}

/** How much of a photo the server has; null where it has it whole. */
async function offsetOf(path: string, signal: AbortSignal): Promise<number | null> {
  const response = await fetch(path, { method: "HEAD", cache: "no-store", signal }).catch((error: unknown) => {
    throw new ApiError(0, "offline", String(error));
  });
  // An answer to HEAD has no words: the part that follows gets them.
  if (!response.ok) return 0;
  return response.headers.get("Upload-Complete") === "?1" ? null : Number(response.headers.get("Upload-Offset"));
}

/** `Repr-Digest` (RFC 9530): what the server compares the whole photo with. */
async function digestOf(blob: Blob): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return `sha-256=:${btoa(String.fromCharCode(...hash))}:`;
}

async function sendPhoto(item: Item, photo: PhotoNote, blob: Blob, came: (sent: number) => Promise<void>): Promise<void> {
  const path = photoPath(item, photo.id);
  if (blob.size <= PART_BYTES) {
    await timely(PART_MS, (signal) => request<unknown>("PUT", path, { body: blob, signal }));
    return;
  }
  let offset = photo.sent === undefined ? 0 : await timely(CONTACT_MS, (signal) => offsetOf(path, signal));
  if (offset === null) return;
  await came(offset);
  const headers = { "Upload-Length": String(blob.size), "Repr-Digest": await digestOf(blob) };
  while (offset < blob.size) {
    const at: number = offset;
    const part = blob.slice(at, at + PART_BYTES, "application/partial-upload");
    await timely(PART_MS, (signal) =>
      request<unknown>("PATCH", path, { body: part, headers: { ...headers, "Upload-Offset": String(at) }, signal }),
    );
    offset = Math.min(blob.size, at + PART_BYTES);
    await came(offset);
  }
}

export const HTTP: Transport = { contact, send, sendPhoto };
