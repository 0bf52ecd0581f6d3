import { expect, test } from 'vitest';
import { words as frame, languages, type Words } from './words';

// Every section's words, and the frame's.
const all: Record<string, Words> = { frame: frame as unknown as Words };
for (const [path, file] of Object.entries(import.meta.glob<{ words: Words }>('./*/words.ts', { eager: true })))
  all[path.split('/')[1]] = file.words;

/** The sections that are whole in every language; a word that is added to one of them is added in all. */
const whole = [
  'frame',
  'tour',
  'home',
  'audiences',
  'approval',
  'customers',
  'predictions',
  'privacy',
  'people',
  'data',
  'explore',
];

const others = Object.keys(languages).filter((l) => l !== 'en');
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
/** Letters of a word apart from what is the same in every language. */
const letters = (text: string) => /[a-z]/i.test(text.replace(/\{\w+\}|\b(JSON|CSV|SQL)\b/g, ''));

const pairs = (sections: string[]) => sections.flatMap((s) => others.map((l) => [s, l] as const));

test.each(pairs(whole))('%s has every word in %s', (section, language) => {
  const { en, others } = all[section];
  const missing = Object.keys(en).filter((w) => !others[language]?.[w]?.trim());
  expect(missing, `write them in ${section === 'frame' ? '' : `${section}/`}words`).toEqual([]);
  const english = Object.keys(en).filter((w) => letters(en[w]) && others[language]?.[w] === en[w]);
  expect(english, 'these are left in English').toEqual([]);
});

test.each(pairs(Object.keys(all)))('what %s puts in is put in in %s, too', (section, language) => {
  const { en, others } = all[section];
  for (const [word, text] of Object.entries(others[language] ?? {})) {
    expect(en, `${word} is no word of the section`).toHaveProperty(word);
    expect(holes(text ?? ''), word).toEqual(holes(en[word]));
  }
});
