import { expect, test } from 'vitest';
import { perSecond } from '../parts/pulse';
import { blamed, pathsOf } from './fix';
import { messageOf } from './quarantine';
import { rulesText } from './rules';
import { snippets } from './snippets';

test('a rule begins with the value that the reason speaks of', () => {
  const message = {
    type: 'track',
    event: 'Order',
    userId: 'a',
    properties: { price: '1', 'a.b': 2 },
    context: { ip: '' },
  };
  const paths = pathsOf(message);
  expect(paths).toEqual(['event', 'userId', 'properties.price', 'properties.a\\.b', 'context.ip']);
  expect(blamed(paths, 'plan x, event Order: /properties/price/type: is string')).toBe('properties.price');
  expect(blamed(paths, 'event Order: price is no number')).toBe('properties.price');
  expect(blamed(paths, 'the event has no name')).toBeUndefined();
});

test('what is no JSON object is shown as it is', () => {
  expect(messageOf('{"event":"x"}')).toEqual({ event: 'x' });
  for (const raw of ['[1]', 'null', '{"cut', '', undefined]) expect(messageOf(raw)).toBeUndefined();
});

test('a snippet has the key and the host, and no key where there is none', () => {
  const of = (kind: string, write_key?: string) =>
    snippets({ name: 'till', kind, write_key } as never, 'https://x.example');
  for (const kind of ['browser', 'mobile', 'server'])
    for (const s of of(kind, 'KEY')) {
      expect(s.text).toContain('KEY');
      expect(s.text).toContain('https://x.example');
    }
  expect(of('server')[0].text).toContain('WRITE_KEY');
  expect(of('file')[0].text).toContain('--source till');
});

test('rates are of the seconds in which events came', () => {
  const beat = (s: number, n: number) => ({ at: s * 1000, by: { web: n } });
  const rates = perSecond([beat(100, 5), beat(101, 8), beat(103, 9)], 'web', 103_500, 5);
  expect(rates).toEqual([0, 0, 3, 0, 1]);
  expect(perSecond([beat(100, 5)], 'web', 103_500, 5)).toEqual([0, 0, 0, 0, 0]);
});

test('changed rules of identity are written whole, as the configuration has them', () => {
  const before = {
    email: { priority: 2, limit: 5, blocked: ['info@x.de', 'a"b'] },
    phone: { priority: 3, limit: 5 },
    'loyalty-id': { priority: 1, limit: 1, unique: true },
  };
  const then = {
    ...before,
    email: { ...before.email, limit: 3 },
    'loyalty-id': { ...before['loyalty-id'], priority: 4, generic: 20 },
  };
  expect(rulesText(before, then).split('\n')).toEqual([
    'identity:',
    '  namespaces:',
    String.raw`    email: {priority: 2, limit: 3, blocked: ["info@x.de", "a\"b"]}`,
    '    "loyalty-id": {priority: 4, unique: true, generic: 20}',
  ]);
});
