/** One change at a time, sent under a key until the server has settled it, so that sent twice it happens once. */
import { ref } from "vue";
import { isSettled, newKey } from "./moves";

export function useSubmit(explain: (reason: unknown) => string | Promise<string>) {
  const error = ref("");
  const isBusy = ref(false);
  let key = newKey();
  let last = "";

  /** `what` tells one change from another; answers null where it was refused, and `error` says why. */
  async function send<T>(what: string, work: (key: string) => Promise<T>): Promise<T | null> {
    if (isBusy.value) return null;
    if (what !== last) [key, last] = [newKey(), what];
    isBusy.value = true;
    error.value = "";
    try {
      const answer = await work(key);
      last = "";
      return answer;
    } catch (reason) {
      if (isSettled(reason)) last = "";
      error.value = await explain(reason);
      return null;
    } finally {
      isBusy.value = false;
    }
  }
  return { error, isBusy, send };
}
