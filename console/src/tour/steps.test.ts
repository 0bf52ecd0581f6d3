import { expect, test } from 'vitest';
import { offered, visited } from './steps';

const everything = () => true;

test('steps are those whose pages there are and that the role may do', () => {
  expect(offered(['/customers', '/explore'], everything).map((s) => s.key)).toEqual(['find', 'one', 'question']);
  expect(offered(['/customers', '/audiences', '/explore'], (r) => r === 'figures').map((s) => s.key)).toEqual([
    'question',
  ]);
});

test('a visit does one step, and another visit the next', () => {
  const all = offered(['/customers', '/audiences'], everything);
  const once = visited([], all, '/customers/id/p_1');
  expect(once).toEqual(['find']);
  expect(visited(once, all, '/customers/id/p_2')).toEqual(['find', 'one']);
  expect(visited(once, all, '/customers')).toEqual(['find']);
  expect(visited([], all, '/audiences/new')).toEqual(['audience']);
});
