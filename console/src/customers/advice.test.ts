import { expect, test } from 'vitest';
import type { Profile } from '../api';
import { advice } from './advice';
import { idOf, numberOf } from './person';

const now = Date.parse('2026-06-01');
const nobody = {
  profile: { consent: [{ purpose: 'marketing', granted: true }] } as Profile,
  orders: [],
  conversations: [],
  loyalty: [],
  wanted: [],
};
const order = (ts: string) => ({
  order_id: '1',
  ts,
  status: null,
  revenue: 1,
  currency: null,
  channel: null,
  what: null,
});
const words = (facts: object) => advice({ ...nobody, ...facts }, now).map((a) => a.word);

test('an open conversation comes before anything that sells', () => {
  const conversations = [
    { conversation_id: '1', channel: 'chat', topic: 'delivery', agent: null, ts: '2026-05-30', resolved: false },
  ];
  const wanted = [{ product: 'Tent', viewed: 3, last: '2026-05-30' }];
  expect(words({ conversations, wanted, orders: [order('2026-05-01')] })).toEqual(['sayOpen', 'sayWanted']);
});

test('who has been away is told so, who comes often is thanked, and who never bought is welcomed', () => {
  expect(words({ orders: [order('2025-01-01')] })).toEqual(['sayAway']);
  expect(words({ orders: [order('2026-05-01')], worth: { orders: 6, revenue: 1, last: null, returned: 1 } })).toEqual([
    'sayThanks',
  ]);
  expect(words({})).toEqual(['sayFirst']);
});

test('who sends much back, has points, or was not asked for consent', () => {
  const facts = {
    orders: [order('2026-05-01')],
    worth: { orders: 2, revenue: 1, last: null, returned: 1 },
    loyalty: [{ loyalty_id: 'L', tier: 'gold', points: 150 }],
    profile: {} as Profile,
  };
  expect(words(facts)).toEqual(['sayReturn', 'sayPoints', 'sayConsent']);
});

test('a profile’s id is a number to SQL, and back', () => {
  for (const n of [1, 31, 32, 987654321, 2 ** 52]) expect(numberOf(idOf(n))).toBe(n);
});
