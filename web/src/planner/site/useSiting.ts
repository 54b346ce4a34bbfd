/** A siting question being put together, and the answer that is open. */
import { computed, reactive, ref, shallowRef } from "vue";
import type { Job } from "../../shared/types";
import { defaultForm, loadAnswer, type Candidate, type SitingAnswer } from "./siting";

export type Siting = ReturnType<typeof useSiting>;

/** What the map draws of it. */
export interface SitingView {
  candidates: Candidate[];
  answer: SitingAnswer | null;
  isDrawing: boolean;
}

export function useSiting(fail: (reason: unknown) => void) {
  const form = reactive(defaultForm());
  const candidates = shallowRef<Candidate[]>([]);
  const isDrawing = ref(false);
  const answer = shallowRef<SitingAnswer | null>(null);
  let turn = 0;

  async function open(job: Job): Promise<void> {
    const mine = ++turn;
    isDrawing.value = false;
    try {
      const found = await loadAnswer(job.id);
      if (mine === turn) answer.value = found;
    } catch (reason) {
      if (mine === turn) fail(reason);
    }
  }
  function close(): void {
    turn++;
    answer.value = null;
  }
  const view = computed<SitingView>(() => ({
    candidates: candidates.value, answer: answer.value, isDrawing: isDrawing.value && !answer.value,
  }));
  return {
    form, candidates, isDrawing, answer, view, open, close,
    add(more: Candidate[]): void {
      candidates.value = [...candidates.value, ...more];
    },
    remove(at: number): void {
      candidates.value = candidates.value.filter((_, i) => i !== at);
    },
    clear(): void {
      candidates.value = [];
    },
  };
}
