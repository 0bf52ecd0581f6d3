import { Alert, Tabs } from '@mantine/core';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Page } from '../parts/page';
import { type Right, useMay } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

const pages = [
  { to: '/settings/about', word: 'health' },
  { to: '/settings/password', word: 'password' },
  { to: '/settings/people', word: 'people', right: 'govern' },
  { to: '/settings/tokens', word: 'tokens', right: 'govern' },
] as const;

interface SettingsPageProps {
  about?: ReactNode;
  actions?: ReactNode;
  /** Without it the page says why it shows nothing. */
  right?: Right;
  children: ReactNode;
}

/** A page of the settings, with the way to the others. What a role may not open is not offered. */
export function SettingsPage({ about, actions, right, children }: SettingsPageProps) {
  const { say } = useLanguage(words);
  const may = useMay();
  const navigate = useNavigate();
  const at = useRouterState({ select: (s) => s.location.pathname });
  const offered = pages.filter((p) => !('right' in p) || may(p.right));
  const refused = right && !may(right);
  return (
    <Page title={say('settings')} about={about ?? say('about')} actions={refused ? undefined : actions}>
      <Tabs value={at} onChange={(to) => to && void navigate({ to } as never)} keepMounted={false}>
        <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          {offered.map((p) => (
            <Tabs.Tab key={p.to} value={p.to}>
              {say(p.word)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={at}>{refused ? <Alert color="gray">{say('mayNot')}</Alert> : children}</Tabs.Panel>
      </Tabs>
    </Page>
  );
}
