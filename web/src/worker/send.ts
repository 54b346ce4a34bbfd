/** Sending a draft: the incident first, then its photos one by one; every step is repeatable. */
import { request } from "../shared/api";
import type { Incident } from "../shared/types";
import { bodyOf, type Draft, type IncidentBody, type Photo, type Received } from "./draft";

/** The two calls, so that a test can answer them. */
export interface Transport {
  postIncident(body: IncidentBody): Promise<Incident>;
  putPhoto(incident: string, photo: Photo): Promise<void>;
}

export const HTTP: Transport = {
  postIncident: (body) => request<Incident>("POST", "/api/incidents", { json: body }),
  putPhoto: (incident, photo) =>
    request<void>("PUT", `/api/incidents/${incident}/photos/${photo.id}`, { body: photo.blob }),
};

function receivedOf({ properties }: Incident): Received {
  return { code: properties.code, due_at: properties.due_at ?? null, grid: properties.grid ?? null };
}

/**
 * Send what the server does not have yet. `keep` is awaited after each acknowledged step, so that a try broken off
 * anywhere goes on from there; the error of the failed step is passed on.
 */
export async function sendDraft(
  draft: Draft,
  keep: (draft: Draft) => Promise<void>,
  { transport = HTTP, now = () => new Date() }: { transport?: Transport; now?: () => Date } = {},
): Promise<Received> {
  let current = draft;
  const advance = async (change: Partial<Draft>): Promise<void> => {
    current = { ...current, ...change };
    await keep(current);
  };
  if (!current.received) {
    if (!current.reported_at) await advance({ reported_at: now().toISOString() });
    await advance({ received: receivedOf(await transport.postIncident(bodyOf(current))) });
  }
  for (const photo of current.photos.filter((one) => !one.is_sent)) {
    await transport.putPhoto(current.id, photo);
    await advance({ photos: current.photos.map((one) => (one.id === photo.id ? { ...one, is_sent: true } : one)) });
  }
  return current.received!;
}
