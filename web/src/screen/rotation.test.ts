import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, ref, type EffectScope } from "vue";
import { useRotation, type Rotation } from "./rotation";

let scope: EffectScope;
let stops = 0;

beforeEach(() => {
  vi.useFakeTimers();
  stops = 0;
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
});

function start(startsOn: boolean): Rotation {
  return scope.run(() => useRotation(() => stops++, ref(10), startsOn, 60))!;
}

it("moves on after every dwell", () => {
  const rotation = start(true);
  vi.advanceTimersByTime(5_000);
  expect([stops, rotation.progress.value]).toEqual([0, 0.5]);
  vi.advanceTimersByTime(15_000);
  expect(stops).toBe(2);
});

it("waits after an input until nobody has touched it for a minute", () => {
  const rotation = start(true);
  vi.advanceTimersByTime(9_000);
  rotation.hold();
  expect(rotation.heldS.value).toBe(60);
  vi.advanceTimersByTime(60_000);
  expect([stops, rotation.heldS.value]).toEqual([0, 0]);
  vi.advanceTimersByTime(1_000);
  expect(stops).toBe(1);
});

it("stays paused when paused on purpose, and starts when asked", () => {
  const rotation = start(true);
  rotation.toggle();
  rotation.hold();
  vi.advanceTimersByTime(600_000);
  expect([stops, rotation.heldS.value]).toEqual([0, 0]);
  rotation.toggle();
  vi.advanceTimersByTime(10_000);
  expect(stops).toBe(1);
});
