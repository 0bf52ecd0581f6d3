import type { ReactNode } from 'react';
import { Page } from '../parts/page';
import { LinkTabs } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

interface DataPageProps {
  title: string;
  about: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page of the section Data, with the way to the others. */
export function DataPage({ title, about, actions, children }: DataPageProps) {
  const { say } = useLanguage(words);
  const tabs = (['sources', 'live', 'quarantine', 'quality', 'identity', 'reviews'] as const).map((t) => ({
    to: `/data/${t}`,
    label: say(t),
  }));
  return (
    <>
      <LinkTabs tabs={tabs} label={say('data')} />
      <br />
      <Page title={title} about={about} actions={actions}>
        {children}
      </Page>
    </>
  );
}
