import { type SectionPageProps, TabbedPage } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

const pages = { about: 'health', password: 'password', people: 'people', tokens: 'tokens' } as const;

/** A page of the settings. */
export function SettingsPage({ about, ...page }: Omit<SectionPageProps, 'title'>) {
  const { say } = useLanguage(words);
  const tabs = Object.entries(pages).map(([to, word]) => ({ to: `/settings/${to}`, label: say(word) }));
  const title = say('settings');
  return <TabbedPage label={title} tabs={tabs} title={title} about={about ?? say('about')} {...page} />;
}
