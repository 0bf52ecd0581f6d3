import { expect, test } from 'vitest';
import {
  aggregateOf,
  asGroup,
  asked,
  type Condition,
  complete,
  fresh,
  fromGroup,
  groupOf,
  kindOf,
  span,
  typed,
  withAggregate,
} from './condition';

test('groups are read and written as they were', () => {
  const all: Condition[] = [
    { and: [{ audience: 'a' }] },
    { or: [{ audience: 'a' }, { audience: 'b' }] },
    { not: { or: [{ audience: 'a' }, { audience: 'b' }] } },
  ];
  for (const c of all) {
    const g = groupOf(c);
    expect(g && fromGroup(g.mode, g.items)).toEqual(c);
  }
  expect(groupOf({ not: { audience: 'a' } })).toEqual({ mode: 'none', items: [{ audience: 'a' }] });
  expect(asGroup({ audience: 'a' })).toEqual({ and: [{ audience: 'a' }] });
});

test('what no form shows whole is edited as JSON', () => {
  expect(kindOf({ trait: 'country', op: 'eq', value: 'TH' })).toBe('trait');
  expect(kindOf({ trait: 'predictions.ltv', op: 'gt', value: 1 })).toBe('prediction');
  expect(kindOf({ trait: 'x', percentile: { op: 'gte', value: 95 } })).toBe('percentile');
  expect(kindOf({ event: 'e', within: '1d', by: 'sku', count: { op: 'gte', value: 3 } })).toBe('event');
  expect(kindOf({ event: 'e', where: [{ each: 'products', op: '', match: [] }] })).toBe('json');
  expect(kindOf({ event: 'e', unheard: 1 } as Condition)).toBe('json');
  expect(kindOf({})).toBe('json');
  for (const k of Object.keys(fresh) as (keyof typeof fresh)[]) if (k !== 'json') expect(kindOf(fresh[k]())).toBe(k);
});

test('rows that do not say enough are not asked', () => {
  const tents: Condition = { event: 'Order Completed', count: { op: 'gte', value: 1 }, where: [], within: '' };
  const draft: Condition = { and: [tents, fresh.trait(), { or: [] }, { not: { or: [fresh.audience()] } }] };
  expect(asked(draft)).toEqual({ where: { and: [{ event: 'Order Completed' }] }, missing: 2 });
  expect(asked({ and: [] })).toEqual({ missing: 0 });
  expect(complete({ trait: 'a', op: 'exists' })).toBe(true);
  expect(complete({ trait: 'a', op: 'between', value: [1, ''] })).toBe(false);
  expect(complete({ trait: 'a', op: 'eq', value: 0 })).toBe(true);
  expect(complete({ event: 'e', sum: { property: '', op: 'gt', value: 1 } })).toBe(false);
});

test('one aggregate at a time', () => {
  const c = withAggregate({ event: 'e', count: { op: 'gte', value: 2 } }, 'sum', { op: 'gt', value: 5 }, 'revenue');
  expect(c.sum).toEqual({ property: 'revenue', op: 'gt', value: 5 });
  expect(c.count).toBeUndefined();
  expect(withAggregate(c, 'count', { op: 'lt', value: 1 }, '')).toEqual({ event: 'e', count: { op: 'lt', value: 1 } });
  expect(aggregateOf({ event: 'e' }).compare).toEqual({ op: 'gte', value: 1 });
});

test('typed values', () => {
  expect(['12', '012', '1e3', ' ', 'true', 'TH', '-1.5'].map(typed)).toEqual([12, '012', '1e3', ' ', true, 'TH', -1.5]);
  expect([span('30d'), span('x'), span(undefined)]).toEqual([{ n: 30, unit: 'd' }, undefined, undefined]);
});
