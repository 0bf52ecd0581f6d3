import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { chooseLanguage, formats, sayFrom, type Word, type Words, words } from './words';

const key = 'clientele-language';

function makeLanguage(language: string, choose: (language: string) => void) {
  return { language, choose, ...formats(language) };
}

const Context = createContext(makeLanguage('en', () => {}));

type None = Record<never, string>;

/**
 * The viewer's language: its words, and how it writes numbers and dates. A section brings its own words:
 * useLanguage(audienceWords).say knows them and the frame's.
 */
export function useLanguage<W extends Record<string, string> = None>(own?: Words<W>) {
  const held = useContext(Context);
  return useMemo(() => {
    const tables = (own ? [own, words] : [words]) as Words[];
    const say = (word: Word | (keyof W & string), values?: Record<string, string | number>) =>
      sayFrom(held.language, tables, word, values);
    return { ...held, say };
  }, [held, own]);
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(() => chooseLanguage(localStorage.getItem(key), navigator.languages));
  const value = useMemo(
    () =>
      makeLanguage(language, (chosen) => {
        localStorage.setItem(key, chosen);
        setLanguage(chosen);
      }),
    [language],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
