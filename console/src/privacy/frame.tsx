import type { ReactNode } from 'react';
import { Page } from '../parts/page';
import { LinkTabs } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

/** A page of the section Privacy, with the way to the others. */
export function PrivacyPage({ title, about, children }: { title: string; about: ReactNode; children: ReactNode }) {
  const { say } = useLanguage(words);
  const tabs = (['consent', 'requests', 'retention', 'audit'] as const).map((t) => ({
    to: `/privacy/${t}`,
    label: say(t),
  }));
  return (
    <>
      <LinkTabs tabs={tabs} label={say('privacy')} />
      <br />
      <Page title={title} about={about}>
        {children}
      </Page>
    </>
  );
}
