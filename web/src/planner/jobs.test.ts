import { describe, expect, it } from "vitest";
import type { Job, JobStatus } from "../shared/types";
import { withJob } from "./jobs";

function job(id: string, status: JobStatus, minute: number): Job {
  return {
    id,
    kind: "rebalance",
    within: "A",
    status,
    progress_ratio: 0,
    message: null,
    parameters: {},
    result: null,
    created_at: `2026-11-22T08:0${minute}:00Z`,
    started_at: null,
    finished_at: null,
  };
}

describe("withJob", () => {
  it("puts the newest first", () => {
    const list = withJob([job("a", "succeeded", 1)], job("b", "queued", 2));
    expect(list.map((one) => one.id)).toEqual(["b", "a"]);
  });
  it("replaces what it knew of a job", () => {
    const list = withJob([job("a", "queued", 1)], job("a", "running", 1));
    expect(list.map((one) => one.status)).toEqual(["running"]);
  });
  it("does not let a late progress event reopen a finished job", () => {
    const list = withJob([job("a", "succeeded", 1)], job("a", "running", 1));
    expect(list.map((one) => one.status)).toEqual(["succeeded"]);
  });
});
