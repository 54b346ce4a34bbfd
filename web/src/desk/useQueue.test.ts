import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, reactive, ref } from "vue";
import type { Incident, IncidentStatus } from "../shared/types";
import { noFilters } from "./address";
import { useQueue, type Queue } from "./useQueue";

const incident = (id: string, status: IncidentStatus): Incident => ({
  type: "Feature", id, geometry: { type: "Point", coordinates: [0, 0] },
  properties: { code: id, id, category: "c", title: id, status, reported_at: "2026-01-01T00:00:00Z" },
});
const statuses = (queue: Queue): string[] => queue.rows.value.map((row) => row.properties.status);

/** The list requests that wait for their answer, oldest first. */
let asked: ((features: Incident[]) => void)[] = [];
let scope = effectScope();

async function withQueue(features: Incident[]): Promise<Queue> {
  const queue = scope.run(() => useQueue("leader", ref("intake"), reactive(noFilters()), (reason) => expect.unreachable(String(reason))))!;
  const loading = queue.load();
  await answer(features);
  await loading;
  return queue;
}
/** Answer the oldest list request. */
async function answer(features: Incident[]): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  asked.shift()!(features);
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  scope = effectScope();
  vi.stubGlobal("fetch", (url: string | URL | Request) => {
    if (String(url).includes("/counts")) return new Promise<Response>(() => undefined);
    return new Promise<Response>((resolve) =>
      asked.push((features) => resolve(new Response(JSON.stringify({ type: "FeatureCollection", features, next_cursor: null })))),
    );
  });
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("keeps what came of a step over a list that was asked for before it", async () => {
  const queue = await withQueue([incident("a", "reported"), incident("b", "reported")]);
  queue.lookAgain();
  queue.renew(incident("a", "accepted"));
  await answer([incident("a", "reported"), incident("b", "reported")]);
  expect(statuses(queue)).toEqual(["accepted", "reported"]);
  await vi.advanceTimersByTimeAsync(1_000); // and looks again, when it has left the list
  await answer([incident("b", "reported")]);
  expect(statuses(queue)).toEqual(["accepted", "reported"]);
  expect([...queue.gone.value]).toEqual(["a"]);
});

it("does not go back to an older list whose answer comes last", async () => {
  const queue = await withQueue([incident("a", "reported")]);
  queue.lookAgain();
  queue.lookAgain();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(2);
  const [older, newer] = asked.splice(0) as [(typeof asked)[0], (typeof asked)[0]];
  newer([incident("a", "accepted")]);
  await vi.advanceTimersByTimeAsync(0);
  older([incident("a", "reported")]);
  await vi.advanceTimersByTimeAsync(0);
  expect(statuses(queue)).toEqual(["accepted"]);
});

it("shows a list read anew as it is after what happened while it was read", async () => {
  const queue = await withQueue([incident("a", "reported")]);
  const loading = queue.load();
  queue.renew(incident("b", "accepted"));
  await answer([incident("a", "reported"), incident("b", "reported")]);
  await loading;
  expect(statuses(queue)).toEqual(["reported", "accepted"]);
});
