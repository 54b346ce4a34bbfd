/** What a device remembers of its reports: a draft for each place, and the codes that it was given. */

const DRAFTS = "yiwangtu-report:";
const CODES = "yiwangtu-codes";
const MOST_CODES = 20;
const DRAFT_DAYS = 7;

export const KEPT_FIELDS = ["category", "words", "where", "place"] as const;

export interface Draft {
  /** Of the form: the same report sent again is known by it. */
  key: string;
  savedAt: number;
  fields: Partial<Record<(typeof KEPT_FIELDS)[number], string>>;
}

export interface Kept {
  code: string;
  savedAt: number;
}

/** Storage may be full, forbidden or damaged: then nothing is remembered, and the form works all the same. */
function read<T>(name: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") as T | null;
  } catch {
    return null;
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // see `read`
  }
}

export function readDraft(place: string, now: number): Draft | null {
  const draft = read<Draft>(DRAFTS + place);
  if (!draft?.fields || typeof draft.key !== "string") return null;
  return now - draft.savedAt < DRAFT_DAYS * 86_400_000 ? draft : null;
}

export function saveDraft(place: string, draft: Draft): void {
  write(DRAFTS + place, draft);
}

export function dropDraft(place: string): void {
  localStorage.removeItem(DRAFTS + place);
}

/** Forget the draft that was sent, whatever its place, and keep its code. */
export function keepCode(key: string, code: string, now: number): void {
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith(DRAFTS))) {
    if (read<Draft>(name)?.key === key) localStorage.removeItem(name);
  }
  const others = readCodes().filter((one) => one.code !== code);
  write(CODES, [{ code, savedAt: now }, ...others].slice(0, MOST_CODES));
}

export function readCodes(): Kept[] {
  const kept = read<Kept[]>(CODES);
  return Array.isArray(kept) ? kept.filter((one) => typeof one?.code === "string") : [];
}

export function dropCode(code: string): void {
  write(
    CODES,
    readCodes().filter((one) => one.code !== code),
  );
}
