import { expect, test } from 'vitest';
import { addressed } from './api';
import { nameOf } from './customers/person';
import { csv, found, sorted, ticks } from './parts/rows';
import { chooseLanguage, defineWords, directionOf, formats, sayFrom, words } from './words';

const id = (namespace: string, value: string, blocked = false) => ({
  namespace,
  value,
  blocked,
  source: 's',
  verified: false,
  first_seen: '',
  last_seen: '',
});

test.each([
  [{ traits: { name: ' Ann Lee ' }, identifiers: [] }, 'Ann Lee'],
  [{ traits: { first_name: 'Ann', last_name: 'Lee' }, identifiers: [] }, 'Ann Lee'],
  [{ traits: { last_name: 'Lee' }, identifiers: [id('email', 'a@b.c')] }, 'Lee'],
  [{ traits: { name: 7 }, identifiers: [id('user_id', '9'), id('email', 'a@b.c')] }, 'a@b.c'],
  [{ traits: {}, identifiers: [id('email', 'info@b.c', true), id('user_id', '9')] }, '9'],
  [{ traits: {}, identifiers: [id('anonymous_id', 'x')] }, ''],
])('a person is called what is best known: %o', (p, name) => {
  expect(nameOf(p)).toBe(name);
});

test('a value may hold anything', () => {
  expect(addressed('/p/{namespace}/{value}', { namespace: 'user_id', value: 'a/b?c#é' }, { q: 'x&y', no: '' })).toBe(
    '/p/user_id/a%2Fb%3Fc%23%C3%A9?q=x%26y',
  );
});

test.each([
  ['fa', ['en'], 'fa'],
  [null, ['de-DE', 'vi-VN'], 'vi'],
  ['xx', ['de'], 'en'],
  [null, ['constructor'], 'en'],
])('language: chosen %s, wished %s', (chosen, wished, language) => {
  expect(chooseLanguage(chosen, wished)).toBe(language);
});

test('what a language leaves out is English, and values are put in', () => {
  const own = defineWords(
    { people: '{count} people', only: 'Only English', edit: 'Change {name}' },
    { fa: { people: '{count} نفر', edit: 'تغییر {name}' } },
  );
  const tables = [own, words] as never;
  expect(sayFrom('fa', tables, 'customers')).toBe('مشتریان');
  expect(sayFrom('ru', tables, 'only')).toBe('Only English');
  expect(sayFrom('fa', tables, 'only')).toBe('\u2066Only English\u2069'); // from the left, in a page from the right
  expect(sayFrom('fa', tables, 'edit', { name: 'vip' })).toBe('تغییر \u2068vip\u2069');
  expect(sayFrom('en', tables, 'people', { count: 12304 })).toBe('12,304 people');
  expect(sayFrom('fa', tables, 'people', { count: 12 })).toBe('۱۲ نفر');
  expect([directionOf('fa'), directionOf('ru')]).toEqual(['rtl', 'ltr']);
});

const columns = [
  { key: 'name', title: 'Name', value: (r: { name: string; size?: number }) => r.name },
  { key: 'size', title: 'Size', value: (r: { name: string; size?: number }) => r.size },
];
const rows = [{ name: 'b', size: 10 }, { name: 'A' }, { name: 'c', size: 9 }];

test('rows by a column, what is missing last', () => {
  const names = (by: string) => sorted(rows, columns, by).map((r) => r.name);
  expect(names('size')).toEqual(['c', 'b', 'A']);
  expect(names('-size')).toEqual(['b', 'c', 'A']);
  expect(names('name')).toEqual(['A', 'b', 'c']);
  expect(names('gone')).toEqual(['b', 'A', 'c']);
  expect(found(rows, columns, ' 10 ').map((r) => r.name)).toEqual(['b']);
});

test('a file of rows is quoted, and nothing in it is a formula', () => {
  const told = [{ name: 'a,"b"', size: -3 }, { name: '=1+2' }];
  expect(csv(told, columns)).toBe(`name,size\r\n"a,""b""",-3\r\n'=1+2,\r\n`);
});

test('numbers are written as the language writes them', () => {
  expect(formats('en').number(1234567.5)).toBe('1,234,567.5');
  expect(formats('fa').number(12)).toBe('۱۲');
  expect(formats('en').value(['a', 2])).toBe('a, 2');
  expect(formats('en').value({ a: 1 })).toBe('{"a":1}');
});

test.each([
  [47, [0, 20, 40, 60]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [1_200_000, [0, 500_000, 1_000_000, 1_500_000]],
  [3, [0, 1, 2, 3]],
  [0, [0, 1]],
  [-5, [0, 1]],
])('a scale up to %d', (most, marks) => {
  expect(ticks(most)).toEqual(marks);
});
