/** Who is signed in, shared by every component of a page. */
import { computed, shallowRef } from "vue";
import { get, request, setCsrfToken } from "./api";
import type { Account, Role, Session } from "./types";

const session = shallowRef<Session | null>(null);

/** The signed-in account; null when nobody is. */
export const account = computed<Account | null>(() => session.value?.account ?? null);
/** False until the first answer of the server. */
export const isSessionKnown = computed(() => session.value !== null);

function keep(next: Session): Session {
  session.value = next;
  setCsrfToken(next.csrf_token);
  return next;
}

export async function loadSession(): Promise<Session> {
  return keep(await get<Session>("/api/session"));
}

export async function signIn(login: string, password: string): Promise<Session> {
  return keep(await request<Session>("POST", "/api/session", { json: { login, password } }));
}

export async function signInKiosk(token: string): Promise<Session> {
  return keep(await request<Session>("POST", "/api/session/kiosk", { json: { token } }));
}

export async function signOut(): Promise<void> {
  await request<void>("DELETE", "/api/session");
  keep({ account: null, csrf_token: null });
}

/** Forget a session that the server no longer knows (after a 401), so that the page asks again. */
export function forgetSession(): void {
  keep({ account: null, csrf_token: null });
}

/** Whether the account holds one of the roles anywhere. */
export function hasRole(...roles: Role[]): boolean {
  return account.value?.memberships.some((membership) => roles.includes(membership.role)) ?? false;
}
