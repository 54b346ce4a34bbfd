/** Runs of the planner: started, watched live, polled when the live stream is silent. */
import { computed, onScopeDispose, shallowRef, type Ref } from "vue";
import { get, request } from "../shared/api";
import { useLive, type LiveState } from "../shared/live";
import type { Job, JobKind, JobStatus } from "../shared/types";

const POLL_MS = 2_000;
/** The stream is open but says nothing about a running job for this long: ask. */
const SILENCE_MS = 4_000;

export function isActive(status: JobStatus): boolean {
  return status === "queued" || status === "running";
}

/** The list with `job` put in its place, newest first; an answer that is older than what is known is dropped. */
export function withJob(jobs: Job[], job: Job): Job[] {
  const known = jobs.find((one) => one.id === job.id);
  if (known && !isActive(known.status) && isActive(job.status)) return jobs;
  return [job, ...jobs.filter((one) => one.id !== job.id)].sort((a, b) => b.created_at.localeCompare(a.created_at));
}

export interface Jobs {
  list: Readonly<Ref<Job[]>>;
  live: Readonly<Ref<LiveState>>;
  load(): Promise<void>;
  start(kind: JobKind, within: string, parameters: Record<string, unknown>): Promise<Job>;
  cancel(job: Job): Promise<void>;
}

/** Follow the jobs until the component goes; `finished` is called once for each job that ends while it is watched. */
export function useJobs(finished: (job: Job) => void, layerChanged: (layer: string) => void): Jobs {
  const list = shallowRef<Job[]>([]);
  const heardAt = new Map<string, number>();

  const take = (job: Job): void => {
    const before = list.value.find((one) => one.id === job.id);
    list.value = withJob(list.value, job);
    if (before && isActive(before.status) && !isActive(job.status)) finished(job);
  };
  const load = async (): Promise<void> => {
    const { jobs } = await get<{ jobs: Job[] }>("/api/jobs");
    for (const job of jobs.toReversed()) take(job);
  };
  const live = useLive({
    job: (job) => {
      heardAt.set(job.id, Date.now());
      take(job);
    },
    layer: ({ layer }) => layerChanged(layer),
    reset: () => void load().catch(() => undefined),
  });

  const poll = async (): Promise<void> => {
    for (const job of list.value.filter((one) => isActive(one.status))) {
      const isSilent = Date.now() - (heardAt.get(job.id) ?? 0) > SILENCE_MS;
      if (live.state.value === "open" && !isSilent) continue;
      // A poll that fails is tried again at the next tick; the stream's own state is what the page shows.
      await get<Job>(`/api/jobs/${job.id}`).then(take, () => undefined);
    }
  };
  const timer = setInterval(() => void poll(), POLL_MS);
  onScopeDispose(() => clearInterval(timer));

  return {
    list: computed(() => list.value),
    live: live.state,
    load,
    async start(kind, within, parameters) {
      const job = await request<Job>("POST", "/api/jobs", { json: { kind, within, parameters } });
      heardAt.set(job.id, Date.now());
      take(job);
      return job;
    },
    async cancel(job) {
      const answer = await request<Job | undefined>("DELETE", `/api/jobs/${job.id}`);
      take(answer ?? (await get<Job>(`/api/jobs/${job.id}`)));
    },
  };
}
