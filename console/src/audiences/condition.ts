// Conditions of audiences while they are edited: the definition itself, never a form of our own that would lose
// what it does not know. What no form is made for is edited as JSON.

export interface Compare {
  op: string;
  value?: unknown;
}
export interface Filter extends Compare {
  property?: string;
  each?: string;
  match?: Filter[];
}
export interface Amount extends Compare {
  property: string;
}
export interface Step {
  event?: string;
  where?: Filter[];
  not?: Step;
  after?: string;
  before?: string;
}
export interface Condition {
  and?: Condition[];
  or?: Condition[];
  not?: Condition;
  trait?: string;
  op?: string;
  value?: unknown;
  percentile?: Compare;
  event?: string;
  where?: Filter[];
  by?: string;
  count?: Compare;
  sum?: Amount;
  avg?: Amount;
  min?: Amount;
  max?: Amount;
  unique?: Amount;
  first?: Amount;
  last?: Amount;
  within?: string;
  older_than?: string;
  from?: string;
  to?: string;
  sequence?: Step[];
  message?: { channel?: string; status?: string; platform?: string };
  lifecycle?: string;
  for?: string;
  audience?: string;
  catalog?: string;
  available?: Compare;
  consent?: string;
  channel?: string;
  granted?: boolean;
  identifier?: string;
  exists?: boolean;
  verified?: boolean;
}

export type Mode = 'all' | 'any' | 'none';

/** A group of conditions, if it is one. */
export function groupOf(c: Condition): { mode: Mode; items: Condition[] } | undefined {
  if (c.and) return { mode: 'all', items: c.and };
  if (c.or) return { mode: 'any', items: c.or };
  if (c.not) return { mode: 'none', items: c.not.or ?? [c.not] };
  return undefined;
}

export function fromGroup(mode: Mode, items: Condition[]): Condition {
  if (mode === 'all') return { and: items };
  if (mode === 'any') return { or: items };
  return { not: { or: items } };
}

/** A definition as a group, which is what the builder begins with. */
export const asGroup = (c: Condition | undefined): Condition => (!c ? { and: [] } : groupOf(c) ? c : { and: [c] });

export type Kind =
  | 'trait'
  | 'prediction'
  | 'percentile'
  | 'event'
  | 'sequence'
  | 'message'
  | 'lifecycle'
  | 'audience'
  | 'catalog'
  | 'consent'
  | 'identifier'
  | 'json';

const shown: Record<Exclude<Kind, 'json'>, string[]> = {
  trait: ['trait', 'op', 'value'],
  prediction: ['trait', 'op', 'value'],
  percentile: ['trait', 'percentile'],
  event: 'event where count sum avg min max unique first last within older_than from to by'.split(' '),
  sequence: ['sequence', 'within'],
  message: ['message', 'count', 'within', 'older_than', 'from', 'to'],
  lifecycle: ['lifecycle', 'for'],
  audience: ['audience'],
  catalog: ['catalog', 'available'],
  consent: ['consent', 'channel', 'granted'],
  identifier: ['identifier', 'exists', 'verified'],
};

/** Which form edits the condition; json where none shows all that it says. */
export function kindOf(c: Condition): Kind {
  const by: Kind | undefined =
    c.trait !== undefined
      ? c.percentile
        ? 'percentile'
        : c.trait.startsWith('predictions.')
          ? 'prediction'
          : 'trait'
      : (['event', 'sequence', 'message', 'lifecycle', 'audience', 'catalog', 'consent', 'identifier'] as const).find(
          (k) => c[k] !== undefined,
        );
  if (!by || Object.keys(c).some((k) => !shown[by].includes(k))) return 'json';
  const nested = [
    ...(c.where ?? []),
    ...(c.sequence ?? []).flatMap((s) => [...(s.where ?? []), ...(s.not?.where ?? [])]),
  ];
  return nested.some((f) => f.each !== undefined) ? 'json' : by;
}

/** What a new row begins as. */
export const fresh: Record<Kind, () => Condition> = {
  trait: () => ({ trait: '', op: 'eq', value: '' }),
  prediction: () => ({ trait: 'predictions.', op: 'gte', value: 0.5 }),
  percentile: () => ({ trait: '', percentile: { op: 'gte', value: 95 } }),
  event: () => ({ event: '', count: { op: 'gte', value: 1 }, within: '30d' }),
  sequence: () => ({ sequence: [{ event: '' }, { event: '', before: '7d' }], within: '90d' }),
  message: () => ({ message: { channel: 'email', status: 'sent' }, count: { op: 'gte', value: 3 }, within: '7d' }),
  lifecycle: () => ({ lifecycle: '' }),
  audience: () => ({ audience: '' }),
  catalog: () => ({ catalog: 'wanted_skus', available: { op: 'gt', value: 0 } }),
  consent: () => ({ consent: 'marketing', channel: 'email', granted: true }),
  identifier: () => ({ identifier: 'email', exists: true }),
  json: () => ({ trait: '', op: 'exists' }),
};

export const aggregates = ['sum', 'avg', 'min', 'max', 'unique', 'first', 'last'] as const;
export type Aggregate = (typeof aggregates)[number];

/** What an event condition counts or adds up. */
export function aggregateOf(c: Condition): { of: 'count' | Aggregate; compare: Compare; property: string } {
  for (const of of aggregates) {
    const a = c[of];
    if (a) return { of, compare: { op: a.op, value: a.value }, property: a.property };
  }
  return { of: 'count', compare: c.count ?? { op: 'gte', value: 1 }, property: '' };
}

export function withAggregate(c: Condition, of: 'count' | Aggregate, compare: Compare, property: string): Condition {
  const rest = { ...c, count: undefined };
  for (const a of aggregates) delete rest[a];
  return of === 'count' ? { ...rest, count: compare } : { ...rest, [of]: { property, ...compare } };
}

const valueless = ['exists', 'not_exists'];

function compared(c: { op?: string; value?: unknown }): boolean {
  if (c.op && valueless.includes(c.op)) return true;
  if (Array.isArray(c.value)) return c.value.length > (c.op === 'between' ? 1 : 0) && !c.value.includes('');
  return c.value !== undefined && c.value !== '' && c.value !== null;
}

const filtered = (list: Filter[] | undefined): boolean =>
  (list ?? []).every((f) => f.each !== undefined || (!!f.property && compared(f)));

/** Whether a row says enough to be asked of the data. */
export function complete(c: Condition): boolean {
  const group = groupOf(c);
  if (group) return group.items.length > 0 && group.items.every(complete);
  switch (kindOf(c)) {
    case 'trait':
    case 'prediction':
      return !!c.trait && c.trait !== 'predictions.' && compared(c);
    case 'percentile':
      return !!c.trait && compared(c.percentile ?? {});
    case 'event': {
      const { of, compare, property } = aggregateOf(c);
      return !!c.event && filtered(c.where) && compared(compare) && (of === 'count' || !!property);
    }
    case 'sequence':
      return (c.sequence ?? []).every((s) => !!(s.event ?? s.not?.event) && filtered(s.where));
    case 'lifecycle':
      return !!c.lifecycle;
    case 'audience':
      return !!c.audience;
    case 'consent':
      return !!c.consent;
    case 'identifier':
      return !!c.identifier;
    default:
      return true;
  }
}

/** The definition of the rows that say enough, and how many do not; undefined when none does. */
export function asked(c: Condition): { where?: Condition; missing: number } {
  const group = groupOf(c);
  if (!group) return complete(c) ? { where: tidy(c), missing: 0 } : { missing: 1 };
  const parts = group.items.map(asked);
  const items = parts.flatMap((p) => (p.where ? [p.where] : []));
  const missing = parts.reduce((n, p) => n + p.missing, 0);
  return items.length > 0 ? { where: fromGroup(group.mode, items), missing } : { missing };
}

/** Without what was left empty, so that the definition reads as if it had been written by hand. */
function tidy(c: Condition): Condition {
  const entries = Object.entries(c).filter(
    ([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0),
  );
  const out = Object.fromEntries(entries) as Condition;
  if (out.op && valueless.includes(out.op)) delete out.value;
  if (out.count?.op === 'gte' && out.count.value === 1) delete out.count;
  return out;
}

/** What was typed as the value that it means: a number where it is written like one, true and false. */
export function typed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  const n = Number(text);
  return text.trim() !== '' && Number.isFinite(n) && String(n) === text ? n : text;
}

/** "30d" as 30 and "d". */
export function span(text: string | undefined): { n: number; unit: string } | undefined {
  const m = /^(\d+)([mhdw])$/.exec(text ?? '');
  return m ? { n: Number(m[1]), unit: m[2] } : undefined;
}

export interface Rule {
  name: string;
  when: Condition;
}

/** Rules that are often wanted, by the word that names them. */
export const presets: Record<string, () => Condition> = {
  presetConsent: () => ({ not: { consent: 'marketing', channel: 'email', granted: true } }),
  presetOften: () => ({
    message: { channel: 'email', status: 'sent' },
    count: { op: 'gte', value: 3 },
    within: '7d',
  }),
  presetStock: () => ({ not: { catalog: 'wanted_skus', available: { op: 'gt', value: 0 } } }),
  presetValue: () => ({ event: 'Order Completed', sum: { property: 'revenue', op: 'lt', value: 20 } }),
};

/** The rules that say enough, as the definition has them. */
export function tidyRules(rules: Rule[]): Rule[] | undefined {
  const list = rules.flatMap((r) => {
    const { where } = asked(r.when);
    return where && r.name.trim() ? [{ name: r.name.trim(), when: where }] : [];
  });
  return list.length > 0 ? list : undefined;
}
