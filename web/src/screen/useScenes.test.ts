import { afterEach, expect, it, vi } from "vitest";
import { useScenes, type Scene } from "./useScenes";

const scene = (name: string, path: string | null = "X"): Scene => ({
  name, code: "X", bounds: null, layers: [], figures: [], dwell_s: 20, path,
});

async function withScenes(scenes: Scene[]): Promise<ReturnType<typeof useScenes>> {
  const answer = JSON.stringify({ within: "X", version: "1", may_edit: true, scenes });
  vi.stubGlobal("fetch", async () => new Response(answer));
  const made = useScenes();
  await made.read("X");
  return made;
}

afterEach(() => vi.unstubAllGlobals());

it("goes round and round, past those whose place is gone", async () => {
  const scenes = await withScenes([scene("a"), scene("gone", null), scene("b")]);
  expect([1, 1, 1, -1, -1].map((step) => scenes.move(step)?.name)).toEqual(["a", "b", "a", "b", "a"]);
  expect([scenes.shown.value?.name, scenes.count.value]).toEqual(["a", 2]);
  scenes.leave();
  expect([scenes.shown.value, scenes.move(-1)?.name]).toEqual([null, "b"]);
});

it("has nothing to show where nothing can be shown", async () => {
  expect((await withScenes([scene("gone", null)])).move(1)).toBeNull();
  expect((await withScenes([])).move(1)).toBeNull();
});
