import { describe, expect, it } from "vitest";
import type { Incident, LonLat } from "../shared/types";
import { newMove } from "./queue/item";
import { allowedMoves, brought, byDistance, movesOf, pendingMove, straightMetres } from "./tasks";

function incident(status: string, at: LonLat = [0, 0]): Incident {
  const properties = { code: `XL${at[0]}`, id: "i", category: "E01-01", title: "t", status, reported_at: "" };
  return { type: "Feature", id: "XL", geometry: { type: "Point", coordinates: at }, properties } as Incident;
}

describe("tasks", () => {
  it("are what the worker can move on, not what waits for the office or has ended", () => {
    expect(movesOf(incident("assigned"))).toEqual(["in_progress", "returned"]);
    expect(movesOf(incident("reported"))).toEqual([]);
    expect(movesOf(incident("closed"))).toEqual([]);
  });
  it("follow the server's word on what is allowed, and wait for a decision before anything else is asked for", () => {
    const file = { incident: incident("in_progress"), moves: ["resolved"], may_ask: ["paused", "returned"], deadline: null, needs_after_photo: false, requests: [] };
    expect(allowedMoves(incident("assigned"), file)).toEqual(["resolved", "paused", "returned"]);
    const asked = { id: 1, kind: "pause" as const, reason: "r", decided_at: null };
    expect(allowedMoves(incident("assigned"), { ...file, requests: [asked] })).toEqual(["resolved"]);
    expect(allowedMoves(incident("assigned"), null)).toEqual(["in_progress", "returned"]);
  });
  it("may get more time while their clock runs, from who could do them", () => {
    const deadline = { words: "", words_en: "", unit: "working_day" as const, stopped_at: null };
    const file = { incident: incident("in_progress"), moves: ["resolved"], may_ask: [], deadline, needs_after_photo: false, requests: [] };
    expect(allowedMoves(incident("in_progress"), file)).toEqual(["resolved", "extended"]);
    expect(allowedMoves(incident("in_progress"), { ...file, deadline: { ...deadline, stopped_at: "2026-11-22T00:00:00Z" } })).toEqual(["resolved"]);
    expect(allowedMoves(incident("resolved"), { ...file, incident: incident("resolved"), moves: ["verified"] })).toEqual(["verified"]);
  });
  it("have the moves of what they are now, where the file on the device is older", () => {
    const kept = { incident: incident("assigned"), moves: ["in_progress"], may_ask: [], deadline: null, needs_after_photo: true, requests: [] };
    const now = incident("in_progress");
    expect(brought(kept, incident("assigned"))).toBe(kept);
    expect(allowedMoves(now, brought(kept, now))).toEqual(["resolved", "paused", "returned"]);
    expect(brought(undefined, now)).toBeNull();
  });
  it("know their move that is still on the device, until the server has it", () => {
    const move = { ...newMove("worker", { incident: "i", incident_code: "XL0", title: "t" }, "resolved"), state: "waiting" as const };
    expect(pendingMove(incident("in_progress"), [move])).toBe(move);
    expect(pendingMove(incident("in_progress"), [{ ...move, state: "received" }])).toBeUndefined();
  });
  it("are as far as a degree of the equator is long, the nearest first", () => {
    // 6,371,008.8 m * pi / 180 = 111,195.08 m
    expect(straightMetres([0, 0], [1, 0])).toBeCloseTo(111_195.08, 1);
    const found = [incident("assigned", [3, 0]), incident("assigned", [1, 0]), incident("assigned", [2, 0])].sort(byDistance([0, 0]));
    expect(found.map((one) => one.properties.code)).toEqual(["XL1", "XL2", "XL3"]);
  });
});
