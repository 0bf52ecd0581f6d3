import { Box, Group, UnstyledButton } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useOpens } from '../rights';
import { Page } from './page';

interface LinkTabsProps {
  /** What the section is called. */
  label: string;
  tabs: { to: string; label: string }[];
}

/** The pages of a section that the role may open, beside each other; each is a link. */
export function LinkTabs({ label, tabs }: LinkTabsProps) {
  const at = useRouterState({ select: (s) => s.location.pathname });
  const opens = useOpens();
  const chosen = [...tabs]
    .sort((a, b) => b.to.length - a.to.length)
    .find((t) => at === t.to || at.startsWith(`${t.to}/`));
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where the window is narrow, the chosen one may be beyond its edge.
    if (at) nav.current?.querySelector('[data-chosen]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [at]);
  return (
    <Box component="nav" ref={nav} aria-label={label} className="tabs unprinted">
      <Group gap={2} wrap="nowrap">
        {tabs
          .filter((t) => opens(t.to))
          .map((t) => (
            <UnstyledButton
              key={t.to}
              className="tab"
              renderRoot={(props) => (
                <Link to={t.to} activeOptions={{ exact: true }} {...props} data-chosen={t === chosen || undefined} />
              )}
            >
              {t.label}
            </UnstyledButton>
          ))}
      </Group>
    </Box>
  );
}

export interface SectionPageProps {
  title: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page of a section, with the way to the others. */
export function TabbedPage({ label, tabs, children, ...page }: SectionPageProps & LinkTabsProps) {
  return (
    <Page {...page}>
      <LinkTabs label={label} tabs={tabs} />
      {children}
    </Page>
  );
}
