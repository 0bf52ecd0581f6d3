import { expect, test } from 'vitest';
import { type Evidence, layout, lines, parts } from './graph';

const said = (a: string, b: string, state = 'joined') =>
  ({ id: a + b, a: { namespace: 'x', value: a }, b: { namespace: 'x', value: b }, state, source: 'web' }) as Evidence;

test('evidence of the same two is one line, in whatever direction it was told', () => {
  const told = lines([said('a', 'b', 'refused'), said('b', 'a'), said('b', 'c', 'refused')]);
  expect(told.map((l) => [l.a, l.b, l.state, l.evidence.length])).toEqual([
    ['x:a', 'x:b', 'joined', 2],
    ['x:b', 'x:c', 'refused', 1],
  ]);
});

test('without a link that nothing else bears the rest falls apart', () => {
  const all = lines([said('a', 'b'), said('b', 'c'), said('c', 'd'), said('d', 'b')]);
  const keys = ['x:a', 'x:b', 'x:c', 'x:d'];
  expect(parts(keys, all, (l) => l.a === 'x:a')).toEqual([['x:b', 'x:d', 'x:c'], ['x:a']]);
  expect(parts(keys, all, (l) => l.a === 'x:c')).toHaveLength(1);
});

test('every identifier has a place of its own, also that of another person to whom a link was refused', () => {
  const identifiers = ['a', 'b'].map((value) => ({ namespace: 'x', value, source: 'web' }) as never);
  const { points } = layout(identifiers, [said('a', 'b'), said('a', 'z', 'refused')]);
  expect(points.map((p) => p.key).sort()).toEqual(['x:a', 'x:b', 'x:z']);
  expect(new Set(points.map((p) => `${p.x}/${p.y}`)).size).toBe(3);
});
