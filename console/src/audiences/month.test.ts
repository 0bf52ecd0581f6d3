import { expect, test } from 'vitest';
import { monthOf } from './month';

test('sizes go back from those of now by who came and went', () => {
  const now = Date.parse('2026-06-30T12:00:00Z');
  const line = monthOf(
    [{ name: 'vip', members: 10 }],
    [
      ['vip', '2026-06-30', 4, 1],
      ['vip', '2026-06-28', null, 2],
      ['other', '2026-06-29', 9, null],
    ],
    now,
  ).get('vip');
  expect(line?.length).toBe(30);
  expect(line?.slice(-4)).toEqual([9, 7, 7, 10]);
  expect(line?.[0]).toBe(9);
});
