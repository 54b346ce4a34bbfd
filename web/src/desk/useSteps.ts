/** Steps taken with cases from the list, the sheet or the keyboard, and what came of them. */
import { nextTick, ref, watch } from "vue";
import { ApiError } from "../shared/api";
import { forgetSession } from "../shared/session";
import type { Incident } from "../shared/types";
import { t } from "./messages";
import { AT_ONCE, EMPTY, newKey, refusalOf, statusWords, take, type Step } from "./moves";
import type { OpenedCase } from "./useCase";
import { idOf, type Queue } from "./useQueue";

/** `begin` opens the form of a step in the sheet of the opened case. */
export function useSteps(queue: Queue, opened: OpenedCase, begin: (step: Step) => void) {
  /** What was done last, for those who listen. */
  const said = ref("");
  const refusal = ref("");
  const isBusy = ref(false);
  watch(opened.id, () => (refusal.value = ""));

  /** Say what was done, and show it at once; the live stream says it to everybody else. */
  function moved(incident: Incident, words: string): void {
    said.value = words;
    refusal.value = "";
    queue.renew(incident);
    void opened.read();
  }
  async function takeAtOnce(step: Step, incident: Incident): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    refusal.value = "";
    try {
      const after = await take(idOf(incident), step, EMPTY, newKey());
      moved(after, t("moved", { code: after.properties.code, status: statusWords(after.properties.status) }));
    } catch (reason) {
      if (reason instanceof ApiError && reason.code === "not_signed_in") return forgetSession();
      said.value = refusal.value = await refusalOf(reason, incident);
      queue.lookAgain();
      void opened.read();
    } finally {
      isBusy.value = false;
    }
  }
  /** Take a step that needs no words; any other opens its form. */
  async function takeStep(step: Step): Promise<void> {
    if (!AT_ONCE.has(step)) return begin(step);
    if (opened.file.value) await takeAtOnce(step, opened.file.value.incident);
  }
  /** A step by its key: of the opened case, or of the row that the keyboard is on, which is opened where the step has a form. */
  async function takeByKey(step: Step, row: Incident | null): Promise<void> {
    if (!row) return;
    if (AT_ONCE.has(step)) return takeAtOnce(step, row);
    opened.open(idOf(row));
    // The row may have heard of a step from the stream before whoever took it had the answer.
    if (opened.file.value && opened.file.value.incident.properties.status !== row.properties.status) void opened.read();
    await opened.settle();
    await nextTick();
    begin(step);
  }
  return { said, refusal, isBusy, moved, takeStep, takeByKey };
}
