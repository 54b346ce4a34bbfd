/** The steps that a desk may take with a case: their keys, what they need, and how the server is told. */
import { ApiError, get, request } from "../shared/api";
import { listOf } from "../shared/i18n";
import type { Incident, IncidentStatus } from "../shared/types";
import { uuid7 } from "../shared/uuid7";
import { t, type MessageKey } from "./messages";
import type { CaseFile, RequestKind } from "./types";

export type Step = Exclude<IncidentStatus, "reported" | "merged"> | "extension";

/** In the order in which they are offered; the first that is legal is the likely one. */
export const STEPS: readonly Step[] = [
  "accepted", "assigned", "in_progress", "resolved", "verified", "closed", "rated", "reopened", "extension", "paused", "returned", "rejected",
];
export const KEYS: Partial<Record<Step, string>> = {
  accepted: "a", assigned: "d", in_progress: "s", resolved: "f", verified: "v", closed: "c", reopened: "b", rejected: "n", extension: "t",
};
/** Taken at once, without a word to add. */
export const AT_ONCE: ReadonlySet<Step> = new Set(["accepted", "in_progress"]);
const ASKED: Partial<Record<Step, RequestKind>> = { paused: "pause", returned: "return", extension: "extension" };
const NOTED: ReadonlySet<Step> = new Set(["rejected", "reopened", "paused", "returned", "extension"]);
export const MOST_REASON = 100;
export const MOST_NOTE = 2000;

export function isAsked(step: Step): boolean {
  return ASKED[step] !== undefined;
}
export function needsNote(step: Step): boolean {
  return NOTED.has(step);
}

/** What may be done with a case now, as the server says it. */
export function stepsOf(file: CaseFile): Step[] {
  const waits = file.requests.some((one) => one.decided_at === null);
  const asks = waits ? [] : file.may_ask;
  // More time is for those who could resolve it, while its clock runs.
  const extension = !waits && file.moves.includes("resolved") && file.deadline !== null && file.deadline.stopped_at === null;
  const legal = new Set<Step>([...(file.moves as Step[]), ...(asks as Step[]), ...(extension ? (["extension"] as const) : [])]);
  return STEPS.filter((step) => legal.has(step));
}

export interface Filled {
  note: string;
  amount: number | null;
  rating: number | null;
  department: string | null;
}

export const EMPTY: Filled = { note: "", amount: null, rating: null, department: null };

/** A key under which a change happens once, however often it is sent. */
export function newKey(): string {
  return uuid7();
}

async function post<T>(path: string, json: unknown, key: string): Promise<T> {
  return request<T>("POST", `/api/incidents/${path}`, { json, headers: { "Idempotency-Key": key } });
}

/** Take a step; answers the incident as it is after it. */
export async function take(id: string, step: Step, filled: Filled, key: string): Promise<Incident> {
  const note = filled.note.trim();
  const kind = ASKED[step];
  if (kind) {
    const json = { kind, reason: note, ...(step === "extension" ? { amount: filled.amount } : {}) };
    return (await post<CaseFile>(`${id}/requests`, json, key)).incident;
  }
  const { rating, department } = filled;
  const json = { to: step, ...(note ? { note } : {}), ...(rating ? { rating } : {}), ...(department ? { department } : {}) };
  return post<Incident>(`${id}/events`, json, key);
}

export function decide(id: string, requestId: number, isGranted: boolean, note: string, key: string): Promise<CaseFile> {
  return post(`${id}/requests/${requestId}/decision`, { is_granted: isGranted, ...(note.trim() ? { note: note.trim() } : {}) }, key);
}

export function join(gone: string, into: string, key: string): Promise<CaseFile> {
  return post(`${gone}/merge`, { into }, key);
}

export function part(id: string, note: string, key: string): Promise<CaseFile> {
  return post(`${id}/unmerge`, { note: note.trim() }, key);
}

/** Whether an answer settles the matter, so that another try is another request with another key. */
export function isSettled(reason: unknown): boolean {
  return reason instanceof ApiError && reason.status >= 400 && reason.status < 500 && reason.status !== 401 && reason.status !== 429;
}

export function statusWords(status: IncidentStatus): string {
  return t(`status_${status}`);
}
export function stepWords(step: Step): string {
  return t(`move_${step}` as MessageKey);
}

/** Why a step was refused, in one sentence; after a conflict, with how the case stands and what can follow now. */
export async function refusalOf(reason: unknown, incident: Incident, step?: Step): Promise<string> {
  if (!(reason instanceof ApiError)) return t("refused_other", { reason: String(reason) });
  if (reason.code === "offline") return t("refused_offline");
  if (reason.status === 403) return t("refused_forbidden");
  if (reason.status === 404) return t("refused_missing");
  if (reason.status !== 409) return t("refused_other", { reason: reason.message });
  try {
    const file = await get<CaseFile>(`/api/incidents/${incident.properties.id}`);
    const { code, status } = file.incident.properties;
    if (step === "verified" && file.needs_after_photo && file.moves.includes(step)) return t("refused_photo", { code });
    const legal = listOf(stepsOf(file).map(stepWords)) || t("refused_nothing");
    return t("refused_conflict", { code, status: statusWords(status), legal });
  } catch {
    return t("refused_other", { reason: reason.message });
  }
}
