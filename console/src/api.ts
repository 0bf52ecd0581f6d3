// The public API as the pages see it: the session's cookie stands for a token, and what changes something
// carries the session's CSRF value.

export interface Who {
  name: string;
  scopes: string[];
  csrf: string;
}

export interface Identifier {
  namespace: string;
  value: string;
}

export interface ProfileIdentifier extends Identifier {
  source: string;
  verified: boolean;
  blocked?: boolean;
  first_seen: string;
  last_seen: string;
}

export interface Profile {
  id: string;
  identifiers: ProfileIdentifier[];
  traits: Record<string, unknown>;
  computed: Record<string, unknown>;
  audiences: string[];
  lifecycle?: { stage: string };
  consent: { purpose: string; channel?: string; granted: boolean; at: string; source?: string }[];
  first_seen: string;
  last_seen: string;
  events: number;
  provenance?: Record<string, { source: string; event: string; at: string; rule: string }>;
}

export interface TimelineEvent {
  event_id: string;
  type: string;
  name: string;
  ts: string;
  source: string;
  properties: unknown;
}

export interface Page<T> {
  items: T[];
  next: string;
}

/** An answer other than 2xx: what happened, and what to do about it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

let csrf = '';

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (method !== 'GET') headers['X-Clientele-CSRF'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, told.detail ?? answer.statusText, told.hint);
  }
  return answer.status === 204 ? (undefined as T) : answer.json();
}

async function session(method: string, body?: unknown): Promise<Who> {
  const who = await ask<Who>(method, '/console/session', body);
  csrf = who.csrf;
  return who;
}

/** The person at an address of the API: encoded, so that a value may hold anything. */
export function personPath(id: Identifier): string {
  return `/api/v1/profiles/${encodeURIComponent(id.namespace)}/${encodeURIComponent(id.value)}`;
}

export const api = {
  who: () => session('GET'),
  signIn: (token: string) => session('POST', { token }),
  signOut: () => ask<void>('DELETE', '/console/session'),
  search: (q: string, cursor: string) =>
    ask<Page<Profile>>('GET', `/api/v1/profiles?${new URLSearchParams({ q, limit: '25', cursor })}`),
  profile: (id: Identifier) => ask<Profile>('GET', `${personPath(id)}?explain=true`),
  events: (id: Identifier, cursor: string) =>
    ask<Page<TimelineEvent>>('GET', `${personPath(id)}/events?${new URLSearchParams({ limit: '50', cursor })}`),
};
