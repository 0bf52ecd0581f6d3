import { expect, test } from 'vitest';
import { personPath } from './api';
import { nameOf } from './person';
import { chooseLanguage, directionOf, formats, say } from './words';

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
  expect(personPath({ namespace: 'user_id', value: 'a/b?c#é' })).toBe('/api/v1/profiles/user_id/a%2Fb%3Fc%23%C3%A9');
});

test.each([
  ['fa', ['en'], 'fa'],
  [null, ['de-DE', 'vi-VN'], 'vi'],
  ['xx', ['de'], 'en'],
  [null, ['constructor'], 'en'],
])('language: chosen %s, wished %s', (chosen, wished, language) => {
  expect(chooseLanguage(chosen, wished)).toBe(language);
});

test('what a language leaves out is English', () => {
  expect(say('fa', 'customers')).toBe('مشتریان');
  expect(say('fa', 'record')).toBe('What is known');
  expect([directionOf('fa'), directionOf('ru')]).toEqual(['rtl', 'ltr']);
});

test('numbers are written as the language writes them', () => {
  expect(formats('en').number(1234567.5)).toBe('1,234,567.5');
  expect(formats('fa').number(12)).toBe('۱۲');
  expect(formats('en').value(['a', 2])).toBe('a, 2');
  expect(formats('en').value({ a: 1 })).toBe('{"a":1}');
});
