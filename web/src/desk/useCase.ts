/** The opened case: its file, photos and possible duplicates, read again whenever it changes. */
import { onScopeDispose, ref, shallowRef } from "vue";
import { ApiError, get } from "../shared/api";
import { coalesce } from "../shared/coalesce";
import type { Incident } from "../shared/types";
import type { CaseFile, Photo, Suggestion } from "./types";
import { wordsOf } from "./useQueue";

const AGAIN_MS = 500;

export function useCase(onSignedOut: () => void) {
  const id = ref<string | null>(null);
  const file = shallowRef<CaseFile | null>(null);
  const photos = shallowRef<Photo[]>([]);
  /** Null until they are read, and where they could not be. */
  const suggestions = shallowRef<Suggestion[] | null>(null);
  const error = ref("");
  let turn = new AbortController();

  let reading: Promise<void> = Promise.resolve();

  function read(): Promise<void> {
    reading = readFile();
    return reading;
  }
  /** Wait until the file is what the server has. */
  async function settle(): Promise<void> {
    for (let last: Promise<void> | null = null; last !== reading; ) await (last = reading);
  }

  async function readFile(): Promise<void> {
    if (!id.value) return;
    turn.abort();
    const mine = (turn = new AbortController());
    const path = `/api/incidents/${id.value}`;
    try {
      const [found, { photos: pictures }] = await Promise.all([
        get<CaseFile>(path, {}, mine.signal),
        get<{ photos: Photo[] }>(`${path}/photos`, {}, mine.signal),
      ]);
      if (turn !== mine) return;
      [file.value, photos.value, error.value] = [found, pictures, ""];
    } catch (reason) {
      if (mine.signal.aborted) return;
      if (reason instanceof ApiError && reason.code === "not_signed_in") return onSignedOut();
      error.value = wordsOf(reason);
      return;
    }
    void readSuggestions(path, mine);
  }

  async function readSuggestions(path: string, mine: AbortController): Promise<void> {
    try {
      const found = await get<{ suggestions: Suggestion[] }>(`${path}/duplicates`, {}, mine.signal);
      if (turn === mine) suggestions.value = found.suggestions;
    } catch {
      if (turn === mine) suggestions.value = null;
    }
  }

  const readAgain = coalesce(() => void read(), AGAIN_MS);

  function open(next: string): void {
    if (next === id.value) return;
    id.value = next;
    [file.value, photos.value, suggestions.value, error.value] = [null, [], null, ""];
    void read();
  }
  function close(): void {
    turn.abort();
    id.value = null;
    file.value = null;
  }
  /** An incident changed somewhere: read the file again if it is this one's, or one that was joined into it. */
  function heard(incident: Incident): void {
    const other = incident.properties.id;
    if (!id.value) return;
    if (other === id.value || file.value?.joined.some((one) => one.id === other)) readAgain();
  }
  onScopeDispose(() => turn.abort());

  return { id, file, photos, suggestions, error, open, close, read, settle, heard };
}

export type OpenedCase = ReturnType<typeof useCase>;
