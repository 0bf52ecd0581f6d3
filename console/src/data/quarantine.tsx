import { Badge, Button, Checkbox, Code, Group, Paper, Stack, Switch, Text, TextInput } from '@mantine/core';
import { IconMoodSmile, IconRefresh, IconSearch, IconWand } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Empty, Trouble, Waiting } from '../parts/said';
import { useTyped } from '../parts/typed';
import { useLanguage } from '../settings';
import { Fix } from './fix';
import { DataPage } from './frame';
import { words } from './words';

const route = getRouteApi('/data/quarantine');
export type Aside = Schema<'Quarantined'>;

/** What came in and could not be used: why, and another try. */
export function QuarantinePage() {
  const { say } = useLanguage(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [typed, setTyped] = useTyped(
    search.text,
    (text) => void navigate({ to: '/data/quarantine', search: (s) => ({ ...s, text }), replace: true }),
  );
  const [chosen, setChosen] = useState<string[]>([]);
  const [fixing, setFixing] = useState<Aside>();
  const told = useInfiniteQuery({
    queryKey: ['quarantine', search],
    queryFn: ({ pageParam }) =>
      api.get('/api/v1/quarantine', {
        query: { limit: 50, cursor: pageParam, source: search.source, text: search.text, dropped: search.dropped },
      }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    refetchInterval: 10_000,
  });
  const items = told.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const replay = useMutation({
    mutationFn: (ids: string[]) => api.post('/api/v1/quarantine/replay', { body: { ids } }),
    onSuccess: () => {
      setChosen([]);
      void queries.invalidateQueries({ queryKey: ['quarantine'] });
    },
  });
  const where = { source: search.source, text: search.text, dropped: search.dropped };
  return (
    <DataPage title={say('quarantine')} about={say('quarantineAbout')}>
      <Group gap="xs">
        <TextInput
          type="search"
          size="xs"
          aria-label={say('findReason')}
          placeholder={say('findReason')}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          style={{ flex: '1 1 200px' }}
          maw={360}
        />
        {search.source && (
          <Button
            size="xs"
            variant="default"
            onClick={() => void navigate({ to: '/data/quarantine', search: (s) => ({ ...s, source: undefined }) })}
          >
            {say('onlyOf', { source: search.source })} ×
          </Button>
        )}
        <Switch
          size="xs"
          label={say('showDropped')}
          checked={search.dropped ?? false}
          onChange={(e) =>
            void navigate({
              to: '/data/quarantine',
              search: { ...search, dropped: e.currentTarget.checked || undefined },
              replace: true,
            })
          }
        />
        {items.length > 0 && (
          <Group gap="xs" ms="auto">
            <Button
              size="xs"
              leftSection={<IconRefresh size={14} aria-hidden />}
              disabled={chosen.length === 0}
              loading={replay.isPending}
              onClick={() => replay.mutate(chosen)}
            >
              {say('replayChosen', { count: chosen.length })}
            </Button>
            <AskFirst
              size="xs"
              label={say('replayFound')}
              title={say('replayFoundTitle')}
              consequence={say('replayFoundHelp')}
              act={() => api.post('/api/v1/quarantine/replay', { body: { where } })}
              done={() => void queries.invalidateQueries({ queryKey: ['quarantine'] })}
            />
          </Group>
        )}
      </Group>
      {(told.error ?? replay.error) && <Trouble error={(told.error ?? replay.error) as Error} />}
      {replay.data && (
        <Text size="sm" role="status" data-testid="replayed">
          {say('replayed', { count: replay.data.replayed })}
        </Text>
      )}
      {told.isPending && <Waiting />}
      {told.isSuccess && items.length === 0 && (
        <Empty icon={IconMoodSmile} title={say('quarantineEmpty')}>
          {say('quarantineEmptyHelp')}
        </Empty>
      )}
      <Stack gap="xs">
        {items.map((q) => (
          <Entry
            key={q.id}
            entry={q}
            chosen={chosen.includes(q.id)}
            choose={(on) => setChosen(on ? [...chosen, q.id] : chosen.filter((id) => id !== q.id))}
            fix={() => setFixing(q)}
          />
        ))}
      </Stack>
      {told.hasNextPage && (
        <Button variant="default" onClick={() => told.fetchNextPage()} loading={told.isFetchingNextPage}>
          {say('more')}
        </Button>
      )}
      <Fix entry={fixing} close={() => setFixing(undefined)} />
    </DataPage>
  );
}

interface EntryProps {
  entry: Aside;
  chosen: boolean;
  choose: (on: boolean) => void;
  fix: () => void;
}

/** The event's name, as far as the text can be read. */
export function messageOf(raw: string | undefined): Record<string, unknown> | undefined {
  try {
    const m = JSON.parse(raw ?? '');
    return m && typeof m === 'object' && !Array.isArray(m) ? m : undefined;
  } catch {
    return undefined;
  }
}

function Entry({ entry: q, chosen, choose, fix }: EntryProps) {
  const { say, minute } = useLanguage(words);
  const message = messageOf(q.raw);
  const name = String(message?.event ?? message?.type ?? q.kind);
  return (
    <Paper withBorder p="sm" data-testid="entry">
      <Group gap="sm" align="flex-start" wrap="nowrap">
        <Checkbox
          size="xs"
          mt={3}
          checked={chosen}
          onChange={(e) => choose(e.currentTarget.checked)}
          aria-label={say('choose', { name })}
        />
        <div style={{ flex: 1, minWidth: 0 }}>
          <Group gap={6}>
            <Text size="sm" fw={600}>
              <bdi>{name}</bdi>
            </Text>
            <Badge size="xs" variant="light" color="red" tt="none">
              {q.code}
            </Badge>
            <Text size="xs" c="dimmed">
              <bdi>{q.source}</bdi> · {minute(q.received_at)}
              {q.replayed_at && ` · ${say('triedAgain', { at: minute(q.replayed_at), by: q.replayed_by ?? '' })}`}
            </Text>
          </Group>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {q.reason}
          </Text>
          <details className="behind">
            <summary>{say('showRecord')}</summary>
            <Code block dir="ltr" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {message ? JSON.stringify(message, null, 2) : q.raw}
            </Code>
          </details>
        </div>
        {message && q.kind === 'event' && (
          <Button size="compact-xs" variant="light" leftSection={<IconWand size={14} aria-hidden />} onClick={fix}>
            {say('fix')}
          </Button>
        )}
      </Group>
    </Paper>
  );
}
