/** Whistles (吹哨报到): read, made and moved on. */
import { ApiError, get, request } from "../shared/api";
import { t, type MessageKey } from "./messages";
import type { Call, Whistle, WhistleForm, WhistleMove, WhistleStatus } from "./types";
import { wordsOf } from "./useQueue";

export const NEEDS_NOTE: ReadonlySet<WhistleMove> = new Set(["refuse", "withdraw", "resolve", "reopen"]);

/** What a whistle is about: an incident, or a place. */
export type About = { incident_id: string } | { lon: number; lat: number; datum: "wgs84"; place?: string };
export type NewWhistle = { reason: string; words: string; departments: string[] } & About;
export interface FilledMove {
  note: string;
  department: string | null;
  ratings: Record<string, number>;
}

export function readForm(): Promise<WhistleForm> {
  return get("/api/whistles/form");
}
export function readWhistles(): Promise<{ whistles: Whistle[]; waiting_count: number }> {
  return get("/api/whistles", { limit: 100 });
}
export function make(whistle: NewWhistle, key: string): Promise<Whistle> {
  return request("POST", "/api/whistles", { json: whistle, headers: { "Idempotency-Key": key } });
}
export function moveOn(id: number, move: WhistleMove, { note, department, ratings }: FilledMove, key: string): Promise<Whistle> {
  const json = {
    move,
    ...(note.trim() ? { note: note.trim() } : {}),
    ...(department ? { department } : {}),
    ...(move === "rate" ? { ratings } : {}),
  };
  return request("POST", `/api/whistles/${id}/moves`, { json, headers: { "Idempotency-Key": key } });
}

/** When a department answered or came, or until when it is to. */
function when({ at, due, isLate }: { at: string | null; due: string | null; isLate: boolean | null }, time: (at: string) => string): string {
  if (at) return isLate ? t("whistle_late", { time: time(at) }) : time(at);
  return due ? t("whistle_until", { time: time(due) }) : "—";
}
export function responseOf(one: Call, time: (at: string) => string): string {
  return when({ at: one.responded_at, due: one.respond_due_at, isLate: one.is_response_late }, time);
}
export function arrivalOf(one: Call, time: (at: string) => string): string {
  return when({ at: one.arrived_at, due: one.arrive_due_at, isLate: one.is_arrival_late }, time);
}
export function ratingOf(one: Call): string {
  return one.rating ? t("rating_of", { n: one.rating }) : "—";
}

export function statusWords(status: WhistleStatus): string {
  return t((status === "resolved" ? "whistle_status_resolved" : `whistle_${status}`) as MessageKey);
}
export function toneOf(status: WhistleStatus): string {
  return { waiting: "warn", called: "info", resolved: "good", rated: "good", refused: "bad", withdrawn: "" }[status];
}
export function refusalOf(reason: unknown): string {
  if (reason instanceof ApiError) {
    if (reason.code === "offline") return t("refused_offline");
    if (reason.status === 403) return t("refused_forbidden");
    if (reason.status === 409) return t("refused_whistle");
  }
  return t("refused_other", { reason: wordsOf(reason) });
}
