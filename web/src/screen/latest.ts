/** Values read from the server again and again, by key: the last good one stays, with its age and the last fault. */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError } from "../shared/api";

/** A wall that walks through a city for weeks forgets what it saw longest ago. */
export const MOST_KEYS = 40;

export interface Latest<T> {
  value: ShallowRef<T | null>;
  /** When the value was read, ms; null before the first. */
  readAt: Ref<number | null>;
  /** Why the last try failed; null after a good one. */
  fault: ShallowRef<ApiError | null>;
  /**
   * Show what is known of `key` and read it anew. A newer call makes an older one's answer void;
   * when reading fails, the last good value of the key stays.
   */
  load(key: string, read: (signal: AbortSignal) => Promise<T>): Promise<void>;
  /** Change the value that is shown by what came meanwhile; nothing before the first. */
  amend(change: (value: T) => T): void;
}

export function useLatest<T>(onSignedOut: () => void): Latest<T> {
  const value = shallowRef<T | null>(null);
  const readAt = ref<number | null>(null);
  const fault = shallowRef<ApiError | null>(null);
  const known = new Map<string, { value: T; readAt: number }>();
  let current: AbortController | null = null;
  let shown = "";

  function show(key: string): void {
    shown = key;
    value.value = known.get(key)?.value ?? null;
    readAt.value = known.get(key)?.readAt ?? null;
  }

  function keep(key: string, entry: { value: T; readAt: number }): void {
    known.delete(key); // the newest comes last
    known.set(key, entry);
    const [oldest] = known.keys();
    if (known.size > MOST_KEYS && oldest !== undefined) known.delete(oldest);
  }

  async function load(key: string, read: (signal: AbortSignal) => Promise<T>): Promise<void> {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    show(key);
    try {
      const answer = await read(mine.signal);
      if (mine.signal.aborted) return;
      keep(key, { value: answer, readAt: Date.now() });
      show(key);
      fault.value = null;
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      fault.value = error;
      if (error.status === 401) onSignedOut();
    }
  }

  function amend(change: (value: T) => T): void {
    const entry = known.get(shown);
    if (!entry) return;
    known.set(shown, { ...entry, value: change(entry.value) });
    show(shown);
  }

  return { value, readAt, fault, load, amend };
}
