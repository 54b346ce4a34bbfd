import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../../shared/api";
import { flush, type Outcome } from "./flush";
import { type Item, newMove, newRecord, newReport, type PhotoNote, reportBody, type ReportBody, type ReportItem } from "./item";
import { QueueStore } from "./store";
import { aheadOf, type Answer, type Contact, type Transport } from "./transport";

const AT = "2026-11-22T08:00:00.000Z";
const OFFLINE = new ApiError(0, "offline", "gone");

/** A server that keeps what it was sent; each call may be answered by an error, before or after it was kept. */
class Server implements Transport {
  readonly incidents = new Map<string, ReportBody>();
  readonly moves: string[] = [];
  readonly photos: string[] = [];
  readonly calls: string[] = [];
  login: string | null = "worker";
  /** Call number (from 1, contacts not counted) -> what happens instead of its answer. */
  readonly faults = new Map<number, { error: ApiError; isKept: boolean }>();

  async contact(): Promise<Contact> {
    await Promise.resolve();
    return { login: this.login, ahead_ms: 0 };
  }
  private async answer(name: string, store: () => void): Promise<void> {
    await Promise.resolve();
    this.calls.push(name);
    const fault = this.faults.get(this.calls.length);
    if (!fault || fault.isKept) store();
    if (fault) throw fault.error;
  }
  async send(item: Item): Promise<Answer> {
    await this.answer(item.id, () => {
      if (item.kind === "report") {
        const known = this.incidents.get(item.id);
        if (known && JSON.stringify(known) !== JSON.stringify(reportBody(item))) throw new ApiError(409, "conflict", "differs");
        this.incidents.set(item.id, reportBody(item));
      } else if (!this.moves.includes(item.id)) this.moves.push(item.id);
    });
    return { code: `XL-${item.id.slice(-4)}`, due_at: null, grid: "G1" };
  }
  async sendPhoto(_item: Item, photo: PhotoNote): Promise<void> {
    await this.answer(photo.id, () => {
      if (!this.photos.includes(photo.id)) this.photos.push(photo.id);
    });
  }
}

describe("flush", () => {
  let store: QueueStore;
  let server: Server;
  let count = 0;
  beforeEach(async () => {
    store = await QueueStore.open(`flush-${++count}`);
    server = new Server();
  });
  afterEach(() => store.close());

  async function waiting(account = "worker", photos: string[] = []): Promise<string> {
    const item: ReportItem = {
      ...newReport(account), category: "E01-01", place: { lon: 1, lat: 2, datum: "wgs84", accuracy_m: 5, source: "device" },
    };
    await store.create(item);
    for (const id of photos) await store.addPhoto(item.id, { id, blob: new Blob([id]), width: 1, height: 1 });
    await store.submit(item.id, AT, null);
    return item.id;
  }
  function run(account: string | null = "worker"): Promise<Outcome> {
    return flush({ account, store, transport: server, now: () => new Date(AT) });
  }
  async function states(): Promise<string[]> {
    return (await store.items("worker")).reverse().map((item) => item.state);
  }

  it("sends words first, then photos in order, report after report", async () => {
    const first = await waiting("worker", ["a", "b"]);
    const second = await waiting();
    expect((await run()).stop).toBeNull();
    expect(server.calls).toEqual([first, "a", "b", second]);
    expect(await states()).toEqual(["received", "received"]);
    expect((await store.get(first))?.receipt?.code).toBe(`XL-${first.slice(-4)}`);
  });
  it("asks nobody when nothing waits", async () => {
    expect(await run()).toEqual({ contact: null, stop: null, retry_after_s: null });
  });
  it("sends the same body again after a lost answer: one incident", async () => {
    const id = await waiting();
    server.faults.set(1, { error: OFFLINE, isKept: true });
    expect((await run()).stop).toBe("offline");
    expect(await states()).toEqual(["waiting"]);
    expect((await run()).stop).toBeNull();
    expect([server.calls.length, server.incidents.size]).toEqual([2, 1]);
    expect((await store.get(id))?.tries).toBe(2);
  });
  it("goes on with the photo that broke off and sends none twice", async () => {
    await waiting("worker", ["a", "b", "c"]);
    server.faults.set(3, { error: OFFLINE, isKept: false });
    await run();
    await run();
    expect(server.calls.slice(1)).toEqual(["a", "b", "b", "c"]);
    expect(server.photos).toEqual(["a", "b", "c"]);
  });
  it("does not let one refused report or photo stand in the way of the others", async () => {
    await waiting();
    const second = await waiting("worker", ["a", "b"]);
    server.faults.set(1, { error: new ApiError(400, "invalid_input", "lies in no district"), isKept: false });
    server.faults.set(3, { error: new ApiError(413, "too_large", "too large"), isKept: false });
    expect((await run()).stop).toBeNull();
    expect(await states()).toEqual(["failed", "received"]);
    expect((await store.get(second))?.photos.map((photo) => photo.state)).toEqual(["failed", "received"]);
  });
  it.each([
    [new ApiError(503, "unavailable", "busy", [], 7), "busy", 7],
    [new ApiError(429, "too_many_requests", "slow", [], 3), "busy", 3],
    [new ApiError(401, "not_signed_in", "who"), "signed_out", null],
    [new ApiError(403, "csrf_failed", "token"), "other_account", null],
  ] as const)("stops at what may pass later and keeps everything waiting: %s", async (error, stop, retry_after_s) => {
    await waiting();
    await waiting();
    server.faults.set(1, { error, isKept: false });
    const outcome = await run();
    expect([outcome.stop, outcome.retry_after_s]).toEqual([stop, retry_after_s]);
    expect(await states()).toEqual(["waiting", "waiting"]);
    expect(server.calls.length).toBe(1);
  });
  it("never sends one account's reports as another, or as nobody", async () => {
    await waiting("worker");
    server.login = "other";
    expect((await run()).stop).toBe("other_account");
    server.login = null;
    expect((await run()).stop).toBe("signed_out");
    expect(server.calls).toEqual([]);
  });
  it("without a page it sends those of whoever is signed in", async () => {
    const mine = await waiting("other");
    await waiting("worker");
    server.login = "other";
    await run(null);
    expect(server.calls).toEqual([mine]);
    expect(await states()).toEqual(["waiting"]);
  });
  it("takes along what is handed over while it is sending", async () => {
    await waiting();
    let late: Promise<string> | undefined;
    await flush({ account: "worker", store, transport: server, changed: () => void (late ??= waiting()) });
    await run();
    expect(server.calls).toContain(await late);
    expect(server.calls.length).toBe(2);
  });
  it("sends a move under its own key", async () => {
    const move = newMove("worker", { incident: "i", incident_code: "XL1", title: "t" }, "resolved");
    await store.create(move);
    await store.addPhoto(move.id, { id: "after", blob: new Blob(["x"]), width: 1, height: 1 });
    await store.submit(move.id, AT, null);
    server.faults.set(1, { error: OFFLINE, isKept: true });
    await run();
    await run();
    expect([server.moves, server.photos]).toEqual([[move.id], ["after"]]);
  });

  it("sends entries in their order, and keeps nothing of a track that has arrived", async () => {
    const entry = async (what: "shift" | "points" | "visit"): Promise<string> => {
      const made = newRecord("worker", { what, title: "", path: "/api/x/{id}", body: { points: [] }, time: null });
      await store.enter(made, AT, null);
      return made.id;
    };
    const [shift, points, visit] = [await entry("shift"), await entry("points"), await entry("visit")];
    server.faults.set(2, { error: OFFLINE, isKept: true });
    expect((await run()).stop).toBe("offline");
    expect((await run()).stop).toBeNull();
    expect(server.calls).toEqual([shift, points, points, visit]);
    expect((await store.items("worker")).map((item) => item.id)).toEqual([visit, shift]);
  });
});

describe("the server's clock", () => {
  it("is read at the middle of the exchange, half a second into its header's second", () => {
    // Header 08:00:10; sent at 08:00:00.000 and answered at 08:00:01.000 by the device: 10.5 - 0.5 = 10 s ahead.
    const device = Date.parse(AT);
    expect(aheadOf("Sun, 22 Nov 2026 08:00:10 GMT", device, device + 1000)).toBe(10_000);
  });
  it("counts as right where there is no header", () => {
    expect(aheadOf(null, 0, 1000)).toBe(0);
  });
});
