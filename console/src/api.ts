// The public API as the pages see it: typed by what the program says of itself (described.d.ts is made by
// the build), the session's cookie stands for a token, and what changes something carries the session's
// CSRF value.
import type { components, paths } from './described';

/** A type of the API by the name that its description gives it. */
export type Schema<N extends keyof components['schemas']> = components['schemas'][N];

export type Profile = Schema<'Profile'>;
export type Identifier = Schema<'Identifier'>;

export interface Who {
  name: string;
  /** Signed in by name and password. */
  user: boolean;
  role?: string;
  scopes: string[];
  rights: string[];
  /** What is shown of people. */
  sight: 'nothing' | 'masked' | 'clear';
  csrf: string;
}

/** An answer other than 2xx: what happened, and what to do about it. */
export class Problem extends Error {
  /** status is that of HTTP, or 0 where no answer came. */
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

let csrf = '';

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  if (method !== 'GET') headers['X-Clientele-CSRF'] = csrf;
  const raw = typeof body === 'string' || body instanceof Blob;
  if (body !== undefined) headers['Content-Type'] ??= 'application/json';
  const answer = await fetch(path, {
    method,
    headers,
    body: body === undefined || raw ? (body as BodyInit | undefined) : JSON.stringify(body),
    signal,
  }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'The server does not answer', 'It may be starting again; the page tries once more by itself.');
  });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, told.detail ?? answer.statusText, told.hint, told.code);
  }
  return answer;
}

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const answer = await send(method, path, body, {}, signal);
  return answer.status === 204 ? (undefined as T) : answer.json();
}

type Method = 'get' | 'post' | 'put' | 'delete';
/** The paths that have a method. */
type Having<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];
type Answered<O> = O extends { responses: { 200: { content: { 'application/json': infer T } } } } ? T : undefined;
type Sent<O> = O extends { requestBody?: { content: { 'application/json': infer B } } } ? B : never;
type Params<O, K extends 'path' | 'query'> = O extends { parameters: { [k in K]?: infer V } } ? V : never;

/** What goes with a request: the values in the path, after the question mark, the body, and what calls it off. */
interface With<O> {
  path?: Params<O, 'path'>;
  query?: Params<O, 'query'>;
  body?: Sent<O>;
  signal?: AbortSignal;
}

/** The address of a request: every value is encoded, so that it may hold anything. */
export function addressed(path: string, values: Record<string, unknown> = {}, query: Record<string, unknown> = {}) {
  const filled = path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(String(values[key])));
  const asked = Object.entries(query).filter(([, v]) => v !== undefined && v !== '');
  const search = new URLSearchParams(asked.map(([k, v]) => [k, String(v)])).toString();
  return search ? `${filled}?${search}` : filled;
}

function caller<M extends Method>(method: M) {
  return <P extends Having<M>>(path: P, w: With<paths[P][M]> = {}): Promise<Answered<paths[P][M]>> =>
    ask(
      method.toUpperCase(),
      addressed(path, w.path as Record<string, unknown>, w.query as Record<string, unknown>),
      w.body,
      w.signal,
    );
}

async function session(method: string, body?: unknown): Promise<Who> {
  const who = await ask<Who>(method, '/console/session', body);
  csrf = who.csrf;
  return who;
}

export const api = {
  get: caller('get'),
  post: caller('post'),
  put: caller('put'),
  delete: caller('delete'),
  /** A body or an answer that is not JSON: a file of identifiers, a table as CSV. */
  send,
  who: () => session('GET'),
  signIn: (by: { token: string } | { user: string; password: string }) => session('POST', by),
  signOut: () => ask<void>('DELETE', '/console/session'),
};
