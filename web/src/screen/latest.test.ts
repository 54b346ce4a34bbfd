import { expect, it } from "vitest";
import { ApiError } from "../shared/api";
import { MOST_KEYS, useLatest } from "./latest";

const refused = (status: number) => async (): Promise<string> => {
  throw new ApiError(status, "unavailable", "no");
};

it("keeps the last good value of each key when reading fails, and says why it failed", async () => {
  const latest = useLatest<string>(() => undefined);
  await latest.load("a", async () => "a1");
  await latest.load("b", async () => "b1");
  await latest.load("a", refused(503));
  expect([latest.value.value, latest.fault.value?.status]).toEqual(["a1", 503]);
  await latest.load("c", refused(503));
  expect([latest.value.value, latest.readAt.value]).toEqual([null, null]);
  await latest.load("a", async () => "a2");
  expect([latest.value.value, latest.fault.value]).toEqual(["a2", null]);
});

it("drops the answer of a call that a newer one replaced", async () => {
  const latest = useLatest<string>(() => undefined);
  let answer: (text: string) => void = () => undefined;
  const slow = latest.load("a", () => new Promise<string>((resolve) => (answer = resolve)));
  await latest.load("b", async () => "b");
  answer("a");
  await slow;
  expect(latest.value.value).toBe("b");
});

it("tells of a lost session", async () => {
  let count = 0;
  const latest = useLatest<string>(() => count++);
  await latest.load("a", refused(401));
  expect(count).toBe(1);
});

it("takes in what came between two readings, and the next reading replaces it", async () => {
  const latest = useLatest<string>(() => undefined);
  latest.amend((text) => `${text}!`);
  expect(latest.value.value).toBeNull();
  await latest.load("a", async () => "a1");
  latest.amend((text) => `${text}!`);
  expect(latest.value.value).toBe("a1!");
  await latest.load("a", async () => "a2");
  expect(latest.value.value).toBe("a2");
});

it("forgets the keys that it saw longest ago", async () => {
  const latest = useLatest<string>(() => undefined);
  for (let n = 0; n <= MOST_KEYS; n++) await latest.load(String(n), async () => "x");
  await latest.load("1", refused(503));
  expect(latest.value.value).toBe("x");
  await latest.load("0", refused(503));
  expect(latest.value.value).toBeNull();
});
