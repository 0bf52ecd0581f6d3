// Who is in an audience and since when, and who came and went.
import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { api } from '../api';
import { Bars } from '../parts/bars';
import { Part } from '../parts/page';
import { Person } from '../parts/people';
import { Trouble } from '../parts/said';
import { DataTable } from '../parts/table';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { lastDays } from './month';
import { words } from './words';

/** Who entered and left by day, and the latest of them with why. */
export function History({ name }: { name: string }) {
  const { say, day, minute, number } = useLanguage(words);
  const may = useMay();
  const days = useQuery({
    queryKey: ['audiences', name, 'days'],
    queryFn: () =>
      api.post('/api/v1/explore', {
        body: {
          kind: 'metric',
          measures: ['entries', 'exits'],
          by: ['day'],
          where: [{ field: 'audience', value: name }],
          last: '30d',
        },
      }),
    refetchInterval: 15_000,
  });
  const moves = useQuery({
    queryKey: ['audiences', name, 'moves'],
    enabled: may('people'),
    queryFn: () => api.get('/api/v1/audiences/{name}/moves', { path: { name }, query: { limit: 12 } }),
    refetchInterval: 5000,
  });
  const told = new Map(
    ((days.data?.rows ?? []) as [string, number | null, number | null][]).map((r) => [r[0].slice(0, 10), r]),
  );
  const rows = lastDays(Date.now()).map((d) => [d, told.get(d)?.[1] ?? 0, told.get(d)?.[2] ?? 0] as const);
  return (
    <Part title={say('history')}>
      <Stack gap="sm">
        {days.error && <Trouble error={days.error} />}
        {days.data && (
          <Bars
            summary={say('historySummary', { name })}
            rows={rows.map((r) => ({ label: day(r[0]), value: r[1], less: r[2] }))}
            names={[say('entered'), say('left')]}
            write={(came, went) => `${say('entered')} ${number(came)}, ${say('left')} ${number(went ?? 0)}`}
            table={{ head: [say('at'), say('entered'), say('left')], rows: rows.map((r) => [day(r[0]), r[1], r[2]]) }}
          />
        )}
        {moves.error && <Trouble error={moves.error} />}
        <Stack gap={4} component="section" aria-label={say('latest')}>
          {(moves.data?.items ?? []).map((m) => (
            <Text size="sm" key={`${m.profile}/${m.at}/${m.move}`}>
              <Person id={m.profile} /> {say(m.move)}{' '}
              <Text component="span" size="xs" c="dimmed">
                {minute(m.at)} · {say(`reason_${m.reason}` as 'reason_event')}
              </Text>
            </Text>
          ))}
        </Stack>
      </Stack>
    </Part>
  );
}

export function Members({ name, size }: { name: string; size: number }) {
  const { say, minute } = useLanguage(words);
  const list = useInfiniteQuery({
    queryKey: ['audiences', name, 'members', size],
    queryFn: ({ pageParam }) =>
      api.get('/api/v1/audiences/{name}/members', { path: { name }, query: { limit: 10, cursor: pageParam } }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: (held) => held,
  });
  const rows = list.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  if (list.error) return <Trouble error={list.error} />;
  if (rows.length === 0) return null;
  return (
    <Part title={say('membersList')}>
      <DataTable
        bare
        label={say('membersList')}
        rows={rows}
        id={(m) => m.profile}
        columns={[
          { key: 'person', title: say('person'), value: (m) => m.profile, show: (m) => <Person id={m.profile} /> },
          {
            key: 'since',
            title: say('inSince'),
            value: (m) => m.entered_at,
            nowrap: true,
            show: (m) => minute(m.entered_at),
          },
          {
            key: 'because',
            title: say('because'),
            from: 'sm',
            value: (m) => m.reason,
            show: (m) => say(`reason_${m.reason}` as 'reason_event'),
          },
        ]}
        more={list.hasNextPage && { load: () => void list.fetchNextPage(), loading: list.isFetchingNextPage }}
      />
    </Part>
  );
}
