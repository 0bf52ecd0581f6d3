import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { chooseLanguage, formats, say, type Word } from './words';

const key = 'clientele-language';

function makeLanguage(language: string, choose: (language: string) => void) {
  return { language, choose, say: (word: Word) => say(language, word), ...formats(language) };
}

const Context = createContext(makeLanguage('en', () => {}));

/** The viewer's language: its words, and how it writes numbers and dates. */
export const useLanguage = () => useContext(Context);

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
