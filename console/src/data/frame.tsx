import { type SectionPageProps, TabbedPage } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

const pages = ['sources', 'live', 'quarantine', 'quality', 'identity', 'reviews'] as const;

/** A page of the section Data. */
export function DataPage(page: SectionPageProps) {
  const { say } = useLanguage(words);
  return <TabbedPage label={say('data')} tabs={pages.map((p) => ({ to: `/data/${p}`, label: say(p) }))} {...page} />;
}
