import { type SectionPageProps, TabbedPage } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

const pages = ['consent', 'requests', 'retention', 'audit'] as const;

/** A page of the section Privacy. */
export function PrivacyPage(page: SectionPageProps) {
  const { say } = useLanguage(words);
  return (
    <TabbedPage label={say('privacy')} tabs={pages.map((p) => ({ to: `/privacy/${p}`, label: say(p) }))} {...page} />
  );
}
