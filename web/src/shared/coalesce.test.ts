import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { coalesce } from "./coalesce";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("runs at once, then only the last of a burst, at the pace given", () => {
  const seen: number[] = [];
  const call = coalesce((value: number) => seen.push(value), 1000);
  [1, 2, 3].forEach(call);
  expect(seen).toEqual([1]);
  vi.advanceTimersByTime(1000);
  expect(seen).toEqual([1, 3]);
  call(4);
  expect(seen).toEqual([1, 3]);
  vi.advanceTimersByTime(1000);
  expect(seen).toEqual([1, 3, 4]);
  vi.advanceTimersByTime(1000);
  call(5);
  expect(seen).toEqual([1, 3, 4, 5]);
});
