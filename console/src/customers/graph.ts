// Where the picture of an identity graph puts its points, and what hangs on each of its lines.
import type { Schema } from '../api';

export type Evidence = Schema<'Evidence'>;

export interface Point {
  key: string;
  namespace: string;
  value: string;
  source: string;
  x: number;
  y: number;
}

export interface Line {
  a: string;
  b: string;
  /** All that was told of the two. */
  evidence: Evidence[];
  state: string;
}

export const keyOf = (i: { namespace: string; value: string }) => `${i.namespace}:${i.value}`;

const order = ['user_id', 'email', 'phone', 'loyalty_id', 'device_id', 'anonymous_id'];
const rank = (ns: string) => {
  const at = order.indexOf(ns);
  return at < 0 ? order.length / 2 : at;
};

/** Evidence of the same two identifiers is one line; one that joined outdoes one that was refused. */
export function lines(evidence: Evidence[]): Line[] {
  const by = new Map<string, Line>();
  for (const e of evidence) {
    const [a, b] = [keyOf(e.a), keyOf(e.b)].sort();
    const key = `${a} ${b}`;
    const line = by.get(key);
    if (!line) by.set(key, { a, b, evidence: [e], state: e.state });
    else {
      line.evidence.push(e);
      if (e.state === 'joined') line.state = 'joined';
    }
  }
  return [...by.values()];
}

export interface Layout {
  points: Point[];
  lines: Line[];
  width: number;
  height: number;
}

export const box = { width: 158, height: 34 };

/**
 * A picture of what joins a profile: identifiers on an oval, the same kinds beside each other, so that every line
 * between two of them can be seen.
 */
export function layout(identifiers: Schema<'ProfileIdentifier'>[], evidence: Evidence[]): Layout {
  const named = new Map(identifiers.map((i) => [keyOf(i), i]));
  // What was refused leads to identifiers of others, which are shown too.
  for (const e of evidence)
    for (const i of [e.a, e.b]) if (!named.has(keyOf(i))) named.set(keyOf(i), { ...i, source: e.source } as never);
  const keys = [...named.keys()].sort((a, b) => {
    const [x, y] = [named.get(a)?.namespace ?? '', named.get(b)?.namespace ?? ''];
    return rank(x) - rank(y) || x.localeCompare(y) || a.localeCompare(b);
  });
  const [rx, ry] = [330, keys.length < 3 ? 0 : Math.max(100, keys.length * 17)];
  const [width, height] = [2 * rx + box.width + 12, 2 * ry + box.height + 12];
  const points = keys.map((key, n) => {
    // Steps along the oval, not of the angle: at its ends boxes would lie on each other.
    const angle = -Math.PI / 2 + (2 * Math.PI * (n + 0.5)) / keys.length;
    const i = named.get(key) as Schema<'ProfileIdentifier'>;
    const [x, y] = [width / 2 + rx * Math.cos(angle), height / 2 + ry * Math.sin(angle)];
    return { key, namespace: i.namespace, value: i.value, source: i.source, x: Math.round(x), y: Math.round(y) };
  });
  return { points, lines: lines(evidence), width, height };
}

/** Which other identifiers hang on what is left when the evidence is gone: the two parts, the larger first. */
export function parts(keys: string[], all: Line[], without: (l: Line) => boolean): string[][] {
  const left = all.filter((l) => l.state === 'joined' && !without(l));
  const seen = new Set<string>();
  const out: string[][] = [];
  for (const start of keys) {
    if (seen.has(start)) continue;
    const part: string[] = [];
    const next = [start];
    while (next.length > 0) {
      const key = next.pop() as string;
      if (seen.has(key)) continue;
      seen.add(key);
      part.push(key);
      for (const l of left) {
        if (l.a === key) next.push(l.b);
        if (l.b === key) next.push(l.a);
      }
    }
    out.push(part);
  }
  return out.sort((a, b) => b.length - a.length);
}
