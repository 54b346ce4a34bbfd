import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBlank, isPending, missingOf, moveCall, newMove, newRecord, newReport, type Place, recordBody, type RecordItem, reportBody, type ReportItem, standingOf } from "./item";
import { QueueStore } from "./store";

const PLACE: Place = { lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: 12, source: "device" };
const AT = "2026-11-22T08:00:00.000Z";
const RECEIPT = { code: "XL1", due_at: null, grid: "G1", received_at: "2026-11-22T08:00:05.000Z" };

function full(account = "worker"): ReportItem {
  return { ...newReport(account), category: "E01-01", category_name: "私搭乱建", words: " 楼顶 ", place: PLACE };
}
function photo(id: string): { id: string; blob: Blob; width: number; height: number } {
  return { id, blob: new Blob([id], { type: "image/jpeg" }), width: 4, height: 3 };
}

describe("an item", () => {
  it("starts blank, also with a place that the device found by itself", () => {
    expect(isBlank(newReport("worker"))).toBe(true);
    expect(isBlank({ ...newReport("worker"), place: PLACE })).toBe(true);
    expect(isBlank({ ...newReport("worker"), place: { ...PLACE, source: "map" } })).toBe(false);
    expect(isBlank({ ...newReport("worker"), words: "x" })).toBe(false);
  });
  it("says what is missing in the order of the form; some moves need words", () => {
    expect(missingOf(newReport("worker"))).toEqual(["place", "category"]);
    const subject = { incident: "i", incident_code: "XL1", title: "t" };
    expect(missingOf(newMove("worker", subject, "returned"))).toEqual(["words"]);
    expect(missingOf(newMove("worker", subject, "resolved"))).toEqual([]);
  });
  it("makes a move, or asks for what another person has to grant", () => {
    const subject = { incident: "i", incident_code: "XL1", title: "t" };
    const words = " 等配件 ";
    expect(moveCall({ ...newMove("w", subject, "resolved"), words: " " })).toEqual({ path: "/api/incidents/i/events", body: { to: "resolved" } });
    expect(moveCall({ ...newMove("w", subject, "reopened"), words }).body).toEqual({ to: "reopened", note: "等配件" });
    expect(moveCall({ ...newMove("w", subject, "paused"), words })).toEqual({
      path: "/api/incidents/i/requests", body: { kind: "pause", reason: "等配件" },
    });
  });
  it("gives the body of the contract, trimmed, without what is not known", () => {
    expect(reportBody({ ...full(), occurred_at: AT })).toEqual({
      category: "E01-01", description: "楼顶", lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: 12, occurred_at: AT,
    });
    const chosen = { ...full(), words: " ", occurred_at: AT, place: { ...PLACE, accuracy_m: null, source: "map" as const } };
    expect(reportBody(chosen)).toEqual({ category: "E01-01", lon: 114.98, lat: 30.2, datum: "wgs84", occurred_at: AT });
  });
});

describe("QueueStore", () => {
  let store: QueueStore;
  let count = 0;
  beforeEach(async () => void (store = await QueueStore.open(`queue-${++count}`)));
  afterEach(() => store.close());

  async function waiting(account = "worker", photos: string[] = []): Promise<string> {
    const item = full(account);
    await store.create(item);
    for (const id of photos) await store.addPhoto(item.id, photo(id));
    await store.submit(item.id, AT, null);
    return item.id;
  }

  it("gives back what was written, and each account its own", async () => {
    const item = full();
    await store.create(item);
    await store.write(item.id, { words: "改了" });
    expect(await store.items("worker")).toEqual([{ ...item, words: "改了" }]);
    expect(await store.items("other")).toEqual([]);
  });
  it("hands a draft over once, and nothing changes it afterwards", async () => {
    const id = await waiting();
    expect(await store.submit(id, AT, null)).toBeNull();
    expect(await store.write(id, { words: "later" })).toBeNull();
    expect(await store.addPhoto(id, photo("late"))).toBeNull();
    expect(await store.blob("late")).toBeUndefined();
    expect(await store.deleteDraft(id)).toBe(false);
    expect((await store.get(id))?.words).toBe(" 楼顶 ");
  });
  it("gives it back as a draft until the first try, not after", async () => {
    const id = await waiting();
    expect((await store.withdraw(id))?.state).toBe("draft");
    await store.submit(id, AT, null);
    await store.freeze(id, AT, 0);
    expect(await store.withdraw(id)).toBeNull();
  });
  it("settles the time at the first try by the server's clock and never again", async () => {
    const id = await waiting();
    // The device is a day slow: the server's clock is 86,400,000 ms ahead.
    expect((await store.freeze(id, AT, 86_400_000))?.occurred_at).toBe("2026-11-23T08:00:00.000Z");
    const second = await store.freeze(id, "2026-11-22T09:00:00.000Z", 0);
    expect([second?.occurred_at, second?.tried_at, second?.tries]).toEqual(["2026-11-23T08:00:00.000Z", AT, 2]);
  });
  it("trusts the clock as it was known when the report was made over what is known when it is sent", async () => {
    const item = full();
    await store.create(item);
    await store.submit(item.id, AT, 3_600_000);
    expect((await store.freeze(item.id, AT, 0))?.occurred_at).toBe("2026-11-22T09:00:00.000Z");
  });
  it("keeps the receipt, then each photo's, and lets their bytes go", async () => {
    const id = await waiting("worker", ["a", "b"]);
    await store.received(id, RECEIPT);
    expect(standingOf((await store.get(id))!)).toBe("photos_waiting");
    await store.photoReceived(id, "a");
    await store.photoRefused(id, "b", { code: "too_large", detail: "9 MB" });
    const item = (await store.get(id))!;
    expect(item.photos.map((one) => one.state)).toEqual(["received", "failed"]);
    expect([standingOf(item), isPending(item)]).toEqual(["photos_failed", false]);
    expect(await store.blob("a")).toBeUndefined();
    expect(await store.blob("b")).toBeDefined();
    expect(isPending((await store.retry(id))!)).toBe(true);
  });
  it("makes a new draft of what was refused: another id, the same words and photos, the old one gone", async () => {
    const id = await waiting("worker", ["a"]);
    await store.freeze(id, AT, 0);
    await store.refused(id, { code: "invalid_input", detail: "lies in no district" });
    const draft = (await store.revise(id))!;
    expect([draft.state, draft.words, draft.refusal, draft.occurred_at]).toEqual(["draft", " 楼顶 ", null, null]);
    expect(draft.id).not.toBe(id);
    expect(await store.get(id)).toBeUndefined();
    expect(await store.deleteDraft(draft.id)).toBe(true);
    expect(await store.blob("a")).toBeUndefined();
  });
  it("refuses to make a draft of what the server has", async () => {
    const id = await waiting();
    await store.received(id, RECEIPT);
    expect(await store.revise(id)).toBeNull();
  });
  it("counts what waits for each account", async () => {
    await waiting("a");
    await waiting("a");
    await store.received(await waiting("b"), RECEIPT);
    await store.create(full("c"));
    expect([...(await store.waiting())]).toEqual([["a", 2]]);
  });
  it("drops from the list only what arrived whole and long ago", async () => {
    const whole = await waiting();
    await store.received(whole, RECEIPT);
    const partly = await waiting("worker", ["a"]);
    await store.received(partly, RECEIPT);
    const draft = full();
    await store.create(draft);
    await store.prune("2026-11-22T08:00:05.000Z");
    expect((await store.items("worker")).length).toBe(3);
    await store.prune("2026-12-22T00:00:00.000Z");
    expect((await store.items("worker")).map((item) => item.id).sort()).toEqual([partly, draft.id].sort());
  });

  it("keeps an entry that was made with one tap, and settles its time once", async () => {
    const body = { grid: "G1", unit: "U1", outcome: "met" };
    const entry = newRecord("worker", { what: "visit", title: "1号楼", path: "/api/visits/{id}", body, time: "at" });
    expect(entry.path).toBe(`/api/visits/${entry.id}`);
    await store.enter(entry, AT, 60_000);
    const settled = await store.settle(entry.id, 0);
    expect(settled?.occurred_at).toBe("2026-11-22T08:01:00.000Z");
    expect((await store.freeze(entry.id, AT, 999_000))?.occurred_at).toBe("2026-11-22T08:01:00.000Z");
    expect(recordBody(settled as RecordItem)).toEqual({ ...body, at: "2026-11-22T08:01:00.000Z" });
  });

  it("moves the times of a track's points by as much as its own", async () => {
    const body = { points: [{ at: "2026-11-22T07:59:00.000Z", lon: 1, lat: 2, accuracy_m: 5 }] };
    const entry = newRecord("worker", { what: "points", title: "", path: "/api/shifts/s/points", body, time: null });
    await store.enter(entry, AT, null);
    const frozen = await store.freeze(entry.id, AT, 60_000);
    expect(recordBody(frozen as RecordItem)).toEqual({ points: [{ ...body.points[0], at: "2026-11-22T08:00:00.000Z" }] });
  });

  it("turns a draft into a line under another report, with words and photos, once", async () => {
    const item = full();
    await store.create(item);
    await store.addPhoto(item.id, photo("p"));
    const subject = { incident: "i", incident_code: "XL1", title: "t" };
    const move = await store.second(item.id, subject);
    expect([move?.to, move?.words, move?.photos.map((one) => one.id)]).toEqual(["seconded", " 楼顶 ", ["p"]]);
    expect(moveCall(move!)).toEqual({ path: "/api/incidents/i/seconds", body: { note: "楼顶" } });
    expect([await store.get(item.id), await store.second(item.id, subject)]).toEqual([undefined, null]);
    await store.deleteDraft(move!.id);
    expect(await store.blob("p")).toBeUndefined();
  });
});

describe("a draft of the first version of the page", () => {
  it("is carried over: written ones as drafts, tried ones under their id as waiting", async () => {
    const first = await openDB("queue-first", 1, {
      upgrade: (made) => void made.createObjectStore("draft", { keyPath: "account" }),
    });
    const common = { category: "E01-01", title: "井盖破损", description: "缺角", received: null };
    const place = { lon: 1, lat: 2, datum: "wgs84", accuracy_m: null, source: "manual" };
    const photos = [
      { id: "p", blob: new Blob(["p"]), width: 1, height: 1, is_sent: false },
      { id: "q", blob: new Blob(["q"]), width: 1, height: 1, is_sent: true },
    ];
    await first.put("draft", { ...common, account: "a", id: "1", place, photos: [], reported_at: null });
    await first.put("draft", { ...common, account: "b", id: "2", place, photos, reported_at: AT });
    first.close();

    const store = await QueueStore.open("queue-first");
    const [written] = await store.items("a");
    expect([written?.state, written?.words]).toEqual(["draft", "井盖破损\n缺角"]);
    expect((written as ReportItem).place?.source).toBe("map");
    const [tried] = await store.items("b");
    expect([tried?.id, tried?.state, tried?.occurred_at]).toEqual(["2", "waiting", AT]);
    expect(tried?.photos.map((one) => one.id)).toEqual(["p"]);
    expect(await store.blob("p")).toBeDefined();
    store.close();
  });
});
