import { expect, test } from 'vitest';
import type { Profile } from '../api';
import { advice } from './advice';
import type { Summary } from './summary';

const now = Date.parse('2026-06-01');
const asked = { consent: [{ purpose: 'marketing', granted: true }] } as Profile;
const nobody = { orders: 0, returns: 0 } as Summary;
const words = (facts: object, profile = asked) => advice(profile, { ...nobody, ...facts }, now).map((a) => a.word);

test('an open conversation comes before anything that sells', () => {
  const conversations = [
    { conversation_id: '1', topic: 'delivery', started_at: '2026-05-30T10:00:00Z', resolved: false },
  ];
  const viewed = [{ name: 'Tent', times: 3, last: '2026-05-30T10:00:00Z' }];
  expect(words({ conversations, viewed, orders: 1, last_order: '2026-05-01' })).toEqual(['sayOpen', 'sayWanted']);
});

test('who has been away is told so, who comes often is thanked, and who never bought is welcomed', () => {
  expect(words({ orders: 1, last_order: '2025-01-01' })).toEqual(['sayAway']);
  expect(words({ orders: 6, returns: 1, last_order: '2026-05-01' })).toEqual(['sayThanks']);
  expect(words({})).toEqual(['sayFirst']);
});

test('who sends much back, has points, or was not asked for consent', () => {
  const facts = { orders: 2, returns: 1, last_order: '2026-05-01', loyalty: [{ loyalty_id: 'L', points: 150 }] };
  expect(words(facts, {} as Profile)).toEqual(['sayReturn', 'sayPoints', 'sayConsent']);
});
