import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bodyOf, type Draft, DraftStore, emptyDraft, isBlank, missingOf, type Place } from "./draft";

const PLACE: Place = { lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: 12, source: "device" };

function full(account = "worker"): Draft {
  return {
    ...emptyDraft(account),
    category: "0201",
    title: " 井盖破损 ",
    place: PLACE,
    reported_at: "2026-11-22T08:00:00.000Z",
  };
}

describe("a draft", () => {
  it("starts blank and says what is missing in the order of the form", () => {
    const draft = emptyDraft("worker");
    expect(isBlank(draft)).toBe(true);
    expect(missingOf(draft)).toEqual(["category", "title", "place"]);
  });
  it("takes a title of spaces as missing", () => {
    expect(missingOf({ ...full(), title: "  " })).toEqual(["title"]);
  });
  it("gives the body of the contract, trimmed, without empty fields", () => {
    const draft = full();
    expect(bodyOf(draft)).toEqual({
      id: draft.id,
      category: "0201",
      title: "井盖破损",
      lon: 114.98,
      lat: 30.2,
      datum: "wgs84",
      accuracy_m: 12,
      reported_at: "2026-11-22T08:00:00.000Z",
    });
    expect(bodyOf({ ...draft, place: { ...PLACE, accuracy_m: null, source: "manual" } })).not.toHaveProperty(
      "accuracy_m",
    );
  });
  it("gives the same body for the same draft, so that a repeated try is the same incident", () => {
    const draft = full();
    expect(JSON.stringify(bodyOf(draft))).toBe(JSON.stringify(bodyOf(structuredClone(draft))));
  });
  it("is not sent without a place", () => {
    expect(() => bodyOf({ ...full(), place: null })).toThrow("place");
  });
});

describe("DraftStore", () => {
  let store: DraftStore;
  let count = 0;
  beforeEach(async () => {
    store = await DraftStore.open(`test-${++count}`);
  });
  afterEach(() => store.close());

  it("gives back what was saved", async () => {
    const draft = full();
    await store.save(draft);
    expect(await store.load("worker")).toEqual(draft);
  });
  it("keeps the drafts of two accounts on one phone apart", async () => {
    await store.save(full("first"));
    expect(isBlank(await store.load("second"))).toBe(true);
  });
  it("holds one draft an account: a later save replaces the former", async () => {
    const draft = full();
    await store.save(draft);
    await store.save({ ...draft, title: "改过" });
    expect((await store.load("worker")).title).toBe("改过");
  });
  it("is blank with a new id after clearing", async () => {
    const draft = full();
    await store.save(draft);
    await store.clear("worker");
    const next = await store.load("worker");
    expect(isBlank(next)).toBe(true);
    expect(next.id).not.toBe(draft.id);
  });
  it("outlives the connection", async () => {
    await store.save(full());
    store.close();
    store = await DraftStore.open(`test-${count}`);
    expect((await store.load("worker")).category).toBe("0201");
  });
});
