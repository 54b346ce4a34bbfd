import { describe, expect, it } from "vitest";
import type { Incident } from "../shared/types";
import { type Draft, emptyDraft, type IncidentBody, type Photo } from "./draft";
import { sendDraft, type Transport } from "./send";

const NOW = new Date("2026-11-22T08:00:00Z");

function photo(id: string): Photo {
  return { id, blob: new Blob(["jpeg"]), width: 4, height: 3, is_sent: false };
}
function draftWith(...photos: Photo[]): Draft {
  const place = { lon: 114.98, lat: 30.2, datum: "wgs84", accuracy_m: null, source: "manual" } as const;
  return { ...emptyDraft("worker"), category: "0201", title: "井盖", place, photos };
}

/** A server in memory that keeps incidents by id, and breaks the connection at the calls it is told to. */
class Server implements Transport {
  readonly incidents = new Map<string, IncidentBody>();
  readonly photos: string[] = [];
  calls = 0;
  constructor(private readonly broken: number[] = []) {}
  private arrive(): void {
    this.calls += 1;
    if (this.broken.includes(this.calls)) throw new Error("broken off");
  }
  postIncident(body: IncidentBody): Promise<Incident> {
    this.incidents.set(body.id, body);
    return new Promise((resolve) => {
      this.arrive();
      const properties = { code: "XL1", grid: "G1", due_at: "2026-11-22T12:00:00Z" };
      resolve({
        type: "Feature",
        id: "XL1",
        geometry: { type: "Point", coordinates: [0, 0] },
        properties,
      } as unknown as Incident);
    });
  }
  async putPhoto(_incident: string, { id }: Photo): Promise<void> {
    await Promise.resolve();
    this.arrive();
    this.photos.push(id);
  }
}

async function send(draft: Draft, server: Server): Promise<{ kept: Draft; error: unknown; code: string | null }> {
  let kept = draft;
  try {
    const received = await sendDraft(draft, async (next) => void (kept = next), { transport: server, now: () => NOW });
    return { kept, error: null, code: received.code };
  } catch (error) {
    return { kept, error, code: null };
  }
}

describe("sendDraft", () => {
  it("sends the incident, then its photos in order, and answers the receipt", async () => {
    const server = new Server();
    const { code, kept } = await send(draftWith(photo("a"), photo("b")), server);
    expect(code).toBe("XL1");
    expect(server.photos).toEqual(["a", "b"]);
    expect(kept.received).toEqual({ code: "XL1", due_at: "2026-11-22T12:00:00Z", grid: "G1" });
  });
  it("keeps id and time over a lost reply, so that the second try is the same incident", async () => {
    const server = new Server([1]);
    const draft = draftWith();
    const first = await send(draft, server);
    expect(first.error).toBeInstanceOf(Error);
    const sent = server.incidents.get(draft.id);
    const second = await send(first.kept, server);
    expect(second.code).toBe("XL1");
    expect(server.incidents.size).toBe(1);
    expect(server.incidents.get(draft.id)).toEqual(sent);
    expect(sent?.reported_at).toBe("2026-11-22T08:00:00.000Z");
  });
  it("goes on with the photo that failed and sends none twice", async () => {
    // Calls: 1 incident, 2 photo a, 3 photo b (breaks), then 4 photo b, 5 photo c.
    const server = new Server([3]);
    const first = await send(draftWith(photo("a"), photo("b"), photo("c")), server);
    expect(first.kept.received?.code).toBe("XL1");
    expect(first.kept.photos.map((one) => one.is_sent)).toEqual([true, false, false]);
    await send(first.kept, server);
    expect(server.photos).toEqual(["a", "b", "c"]);
    expect(server.calls).toBe(5);
  });
});
