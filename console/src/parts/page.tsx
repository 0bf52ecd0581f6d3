import { Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useOpens } from '../rights';

interface PageProps {
  title: ReactNode;
  /** One line under the title: what the page is about. */
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: its title, what it is about, what can be done, and what it shows. */
export function Page({ title, about, actions, children }: PageProps) {
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ flex: '1 1 320px', minWidth: 0 }}>
          <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {about && (
            <Text size="sm" c="dimmed" component="div" maw={720} style={{ overflowWrap: 'anywhere' }}>
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

interface PartProps {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a page, in a frame of its own. */
export function Part({ title, about, actions, children }: PartProps) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title} miw={0}>
      <Group justify="space-between" mb="sm" gap="xs" align="flex-start">
        <div style={{ flex: '1 1 200px', minWidth: 0 }}>
          <Title order={2} size="h5">
            {title}
          </Title>
          {about && (
            <Text size="xs" c="dimmed" component="div">
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Paper>
  );
}

interface TileProps {
  label: string;
  value: ReactNode;
  /** What the number is compared with, or what it means. */
  note?: ReactNode;
  /** The page with what is behind it; who may not open it sees no link. */
  to?: { to: string; search?: object };
}

/** One number that matters. */
export function Tile({ label, value, note, to }: TileProps) {
  const opens = useOpens();
  return (
    <Paper withBorder p="md" miw={0}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fz={{ base: 20, sm: 26 }} fw={600} lh={1.25} style={{ overflowWrap: 'anywhere' }}>
        {to && opens(to.to) ? (
          <Link className="opens" to={to.to} search={to.search as never}>
            {value}
          </Link>
        ) : (
          value
        )}
      </Text>
      {note && (
        <Text size="xs" c="dimmed" component="div">
          {note}
        </Text>
      )}
    </Paper>
  );
}

/** Tiles beside each other: two on a telephone, more where there is room. */
export function Tiles({ children, most = 4 }: { children: ReactNode; most?: number }) {
  return (
    <SimpleGrid cols={{ base: 2, md: most }} spacing="sm">
      {children}
    </SimpleGrid>
  );
}

/** What may be wider than its place, and is scrolled sideways then. */
export function Scroll({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by the keyboard
    <div className="scroll" tabIndex={0}>
      {children}
    </div>
  );
}
