// The question that a page of the explorer asks. It stands in the address, so that it can be linked to.
import type { Schema } from '../api';

export type Question = Schema<'Question'>;
export type Answer = Schema<'Answer'>;
export type Cell = Record<string, unknown>;
export type Kind = Question['kind'];

export const kinds: Kind[] = [
  'metric',
  'funnel',
  'retention',
  'paths',
  'rfm',
  'concentration',
  'affinity',
  'leaks',
  'lifecycle',
  'insight',
];

const steps = [{ event: 'Product Viewed' }, { event: 'Product Added' }, { table: 'orders' }];

/** What each kind begins with. */
export const begin: Record<Kind, Question> = {
  metric: { kind: 'metric', measures: ['revenue', 'buyers'], by: ['country'], last: '90d' },
  funnel: { kind: 'funnel', steps, within: '7d', last: '90d' },
  retention: { kind: 'retention', grain: 'month' },
  paths: { kind: 'paths', start: 'Home', depth: 3, last: '90d' },
  rfm: { kind: 'rfm' },
  concentration: { kind: 'concentration' },
  affinity: { kind: 'affinity', item: 'name', basket: 'customer', limit: 30 },
  leaks: { kind: 'leaks', last: '90d' },
  lifecycle: { kind: 'lifecycle', last: '90d' },
  insight: { kind: 'insight', limit: 50 },
};

/** Another kind, about the same people. */
export function turned(q: Question, kind: Kind): Question {
  const { audiences, not_audiences, who, people } = q;
  return tidy({ ...begin[kind], audiences, not_audiences, who, people });
}

/** Without what is empty. */
export function tidy(q: Question): Question {
  const kept = Object.entries(q).filter(
    ([, v]) => v !== undefined && v !== '' && v !== false && !(Array.isArray(v) && v.length === 0),
  );
  return Object.fromEntries(kept) as Question;
}

/** The question of an address, or the one to begin with. */
export function questionOf(given: unknown): Question {
  const q = given as Question | undefined;
  return q && typeof q === 'object' && kinds.includes(q.kind) ? q : begin.metric;
}

/** Whether it says enough to be asked. */
export function askable(q: Question): boolean {
  if (q.kind === 'metric') return (q.measures ?? []).length > 0 && (q.where ?? []).every(filled);
  if (q.kind === 'funnel') return (q.steps ?? []).length > 1 && (q.steps ?? []).every((s) => s.event || s.table);
  if (q.kind === 'insight') return (q.audiences ?? []).length > 0 || !!q.people || !!q.who;
  return (q.where ?? []).every(filled);
}

const filled = (f: Schema<'Filter'>) =>
  !!f.field && (f.op === 'exists' || f.op === 'not_exists' || (f.value !== undefined && f.value !== ''));

/** A step as it is typed: an event, or table:orders. */
export const stepText = (s: Schema<'Step'>) => (s.table ? `table:${s.table}` : (s.event ?? ''));

export function withStepText(s: Schema<'Step'>, text: string): Schema<'Step'> {
  const { event: _, table: __, ...rest } = s;
  return text.startsWith('table:') ? { ...rest, table: text.slice(6) } : { ...rest, event: text };
}

export const times = ['hour', 'day', 'week', 'month', 'quarter', 'year'];
