/** The draft of the signed-in worker, saved on the device a moment after every change. */
import { onMounted, onScopeDispose, ref, shallowRef, type Ref } from "vue";
import { type Draft, DraftStore, emptyDraft, isBlank } from "./draft";

const QUIET_MS = 300;

export interface DraftState {
  draft: Ref<Draft>;
  /** False until the stored draft, if any, has been read. */
  isLoaded: Ref<boolean>;
  isSaved: Ref<boolean>;
  /** The browser keeps nothing: the page must say so. */
  isBroken: Ref<boolean>;
  patch(change: Partial<Draft>): void;
  /** Replace and save at once. */
  keep(next: Draft): Promise<void>;
  clear(): Promise<void>;
}

export function useDraft(account: string): DraftState {
  const draft = shallowRef<Draft>(emptyDraft(account));
  const isLoaded = ref(false);
  const isSaved = ref(false);
  const isBroken = ref(false);
  let store: DraftStore | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const save = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (!store) return;
    try {
      if (isBlank(draft.value)) await store.clear(account);
      else await store.save(draft.value);
      isSaved.value = !isBlank(draft.value);
    } catch {
      isBroken.value = true;
    }
  };
  const saveNow = (): void => {
    if (timer !== undefined) void save();
  };
  onMounted(async () => {
    try {
      store = await DraftStore.open();
      const stored = await store.load(account);
      // What was typed while the store was opening wins.
      if (isBlank(draft.value)) draft.value = stored;
      isSaved.value = !isBlank(stored);
    } catch {
      isBroken.value = true;
    }
    isLoaded.value = true;
  });
  window.addEventListener("pagehide", saveNow);
  document.addEventListener("visibilitychange", saveNow);
  onScopeDispose(() => {
    window.removeEventListener("pagehide", saveNow);
    document.removeEventListener("visibilitychange", saveNow);
    void save().finally(() => store?.close());
  });

  return {
    draft,
    isLoaded,
    isSaved,
    isBroken,
    patch(change) {
      draft.value = { ...draft.value, ...change };
      isSaved.value = false;
      clearTimeout(timer);
      timer = setTimeout(() => void save(), QUIET_MS);
    },
    async keep(next) {
      draft.value = next;
      await save();
    },
    async clear() {
      draft.value = emptyDraft(account);
      await save();
    },
  };
}
