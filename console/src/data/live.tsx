import { Badge, Button, Code, Group, Paper, Select, Stack, Text } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconRadar } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { addressed, api, type Schema } from '../api';
import { Empty } from '../parts/said';
import { useStream } from '../parts/stream';
import { useLanguage } from '../settings';
import { DataPage } from './frame';
import { words } from './words';

const route = getRouteApi('/data/live');
type LiveEvent = Schema<'LiveEvent'>;
const kept = 200;
const outcomes = ['accepted', 'quarantined', 'dropped'] as const;
export const outcomeColour = { accepted: 'pine', quarantined: 'red', dropped: 'amber' } as Record<string, string>;

/** Events as they come in: what became of each, and why. */
export function Live() {
  const { say, number } = useLanguage(words);
  const { source, outcome } = route.useSearch();
  const navigate = useNavigate();
  const [events, setEvents] = useState<LiveEvent[]>([]);
  const [missed, setMissed] = useState(0);
  const [paused, setPaused] = useState(false);
  const path = paused ? null : addressed('/api/v1/events/stream', {}, { source, outcome });
  const connected = useStream(path, {
    events: (came: LiveEvent[]) => setEvents((old) => [...came.reverse(), ...old].slice(0, kept)),
    missed: (m: { missed: number }) => setMissed((n) => n + m.missed),
  });
  const known = useQuery({ queryKey: ['sources'], queryFn: () => api.get('/api/v1/sources') });
  const set = (change: { source?: string; outcome?: string }) => {
    setEvents([]);
    setMissed(0);
    void navigate({ to: '/data/live', search: { source, outcome, ...change }, replace: true });
  };
  const Icon = paused ? IconPlayerPlay : IconPlayerPause;
  return (
    <DataPage
      title={say('live')}
      about={say('liveAbout')}
      actions={
        <>
          <Badge variant="light" color={connected ? 'pine' : 'gray'} tt="none" role="status">
            {say(paused ? 'paused' : connected ? 'listening' : 'connecting')}
          </Badge>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon size={14} aria-hidden />}
            onClick={() => setPaused(!paused)}
          >
            {say(paused ? 'goOn' : 'pause')}
          </Button>
        </>
      }
    >
      <Group gap="xs">
        <Select
          size="xs"
          aria-label={say('source')}
          placeholder={say('allSources')}
          data={[...new Set([...(known.data?.items ?? []).map((s) => s.name), ...(source ? [source] : [])])]}
          value={source ?? null}
          onChange={(s) => set({ source: s ?? undefined })}
          clearable
          searchable
        />
        <Select
          size="xs"
          aria-label={say('outcome')}
          placeholder={say('allOutcomes')}
          data={outcomes.map((o) => ({ value: o, label: say(o) }))}
          value={outcome ?? null}
          onChange={(o) => set({ outcome: o ?? undefined })}
          clearable
        />
        {missed > 0 && (
          <Text size="xs" c="dimmed">
            {say('missed', { count: missed })}
          </Text>
        )}
      </Group>
      {events.length === 0 ? (
        <Empty icon={IconRadar} title={say('liveEmpty')}>
          {say('liveEmptyHelp')}
        </Empty>
      ) : (
        <Paper withBorder p="xs" aria-label={say('live')} component="section">
          <Stack gap={0}>
            {events.map((e) => (
              <Row key={`${e.outcome}/${e.source}/${e.id}`} event={e} />
            ))}
          </Stack>
          <Text size="xs" c="dimmed" p={6}>
            {say('keptLatest', { count: number(kept) })}
          </Text>
        </Paper>
      )}
    </DataPage>
  );
}

function Row({ event: e }: { event: LiveEvent }) {
  const { say, second } = useLanguage(words);
  const profile = e.profile as unknown as string;
  return (
    <details className="came">
      <summary>
        <Text component="span" size="xs" c="dimmed" ff="monospace">
          {second(e.received_at)}
        </Text>{' '}
        <Badge component="span" size="xs" variant="light" color={outcomeColour[e.outcome]} tt="none">
          {say(e.outcome as 'accepted')}
        </Badge>{' '}
        <Text component="span" size="sm" fw={500}>
          <bdi>{e.name || e.type || say('record')}</bdi>
        </Text>{' '}
        <Text component="span" size="xs" c="dimmed">
          <bdi>{e.source}</bdi> {e.reason}
        </Text>
      </summary>
      <Stack gap={4} p="xs">
        {e.outcome === 'accepted' && profile && profile !== '0' && (
          <Text size="sm">
            {say('partOf')}{' '}
            <Link className="link" to="/customers/$namespace/$value" params={{ namespace: 'id', value: profile }}>
              {profile}
            </Link>
          </Text>
        )}
        {e.outcome !== 'accepted' && (
          <Text size="sm">
            <Link className="link" to="/data/quarantine" search={{ source: e.source }}>
              {say('toQuarantine')}
            </Link>
          </Text>
        )}
        <Code block dir="ltr" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {e.cut && !e.raw ? say('tooLong') : e.raw || JSON.stringify(e.properties ?? {}, null, 2)}
        </Code>
      </Stack>
    </details>
  );
}
