/** The one way to the server: typed JSON, problem-details errors, the CSRF header on every change. */
import type { Feature, FeaturePage, Problem, Properties } from "./types";

export type Params = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
  params?: Params;
  /** A JSON body. */
  json?: unknown;
  /** A raw body, such as a photo; its own type is sent. */
  body?: Blob;
  /** Beside those that every request carries. */
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What the server (status > 0) or the network (status 0, code "offline") refused. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: { field: string; message: string }[] = [],
    readonly retryAfterS: number | null = null,
    /** The whole problem document, for the members that only one route has. */
    readonly problem: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

let csrfToken: string | null = null;

/** Remember the token of the session; `session.ts` calls it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Write an address with its query; null, undefined and "" are left out. */
export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") query.set(key, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(retry) && retry > 0 ? retry : null;
  try {
    const problem = (await response.json()) as Partial<Problem>;
    const message = problem.detail || problem.title || response.statusText;
    return new ApiError(response.status, problem.code ?? "internal", message, problem.errors ?? [], retryAfterS, { ...problem });
  } catch {
    const code = response.status >= 500 ? "unavailable" : "internal";
    return new ApiError(response.status, code, response.statusText || `HTTP ${response.status}`, [], retryAfterS);
  }
}

/** Send one request; answers the parsed JSON (undefined for an empty answer), throws `ApiError`. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers = new Headers({ Accept: "application/json", ...options.headers });
  let body: BodyInit | undefined;
  if (options.json !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(options.json);
  } else if (options.body) {
    headers.set("Content-Type", options.body.type);
    body = options.body;
  }
  if (method !== "GET" && csrfToken) headers.set("X-CSRF-Token", csrfToken);
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) init.body = body;
  if (options.signal) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(address(path, options.params), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "offline", "网络不可用 The network is not available");
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Read JSON. */
export function get<T>(path: string, params?: Params, signal?: AbortSignal): Promise<T> {
  const options: RequestOptions = {};
  if (params) options.params = params;
  if (signal) options.signal = signal;
  return request<T>("GET", path, options);
}

export function itemsPath(layer: string): string {
  return `/api/layers/${encodeURIComponent(layer)}/items`;
}

/** Read a layer's rows page by page, following the cursor to its end. */
export async function* itemPages<P = Properties>(
  layer: string,
  params: Params = {},
  signal?: AbortSignal,
): AsyncGenerator<Feature<P>[]> {
  let cursor: string | null = null;
  do {
    const page: FeaturePage<P> = await get<FeaturePage<P>>(itemsPath(layer), { ...params, cursor }, signal);
    yield page.features;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
