import { Badge, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, type Schema } from '../api';
import { Part } from '../parts/page';
import type { Pulse } from '../parts/pulse';
import { type Column, DataTable } from '../parts/table';
import { useOpens } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

interface Row {
  source: string;
  rates: number[];
  events: number;
  aside: number;
  last?: string;
  error?: Schema<'SourceError'>;
  status: Schema<'Freshness'>['status'];
}

const colours = { fresh: 'pine', late: 'amber', quiet: 'gray', never: 'gray' } as const;

/** A bar for each second of the last minute. */
function Minute({ values, label }: { values: number[]; label: string }) {
  const most = Math.max(...values, 1);
  return (
    <svg width={122} height={20} role="img" aria-label={label} style={{ display: 'block' }}>
      {values.map((v, i) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: a second is its place
          key={i}
          x={i * 2}
          width={1.5}
          y={20 - Math.max(v > 0 ? 2 : 0.5, (v / most) * 20)}
          height={20}
          fill={v > 0 ? 'var(--mantine-primary-color-filled)' : 'var(--mantine-color-default-border)'}
        />
      ))}
    </svg>
  );
}

/** Each source: what it sends now, and whether it is late. */
export function Sources({ pulse, rates }: { pulse: Pulse; rates: (source: string) => number[] }) {
  const { say, number, day, second } = useLanguage(words);
  const live = useOpens()('/data/live');
  const fresh = useQuery({
    queryKey: ['freshness'],
    queryFn: () => api.get('/api/v1/quality/freshness'),
    staleTime: 20_000,
  });
  const told = useQuery({ queryKey: ['sources'], queryFn: () => api.get('/api/v1/sources'), refetchInterval: 15_000 });
  const errors = new Map((told.data?.items ?? []).map((s) => [s.name, s.last_error]));
  const by = new Map((pulse.sources ?? []).map((s) => [s.source, s]));
  const names = new Set([...(fresh.data?.items ?? []).map((f) => f.source), ...by.keys()]);
  const all: Row[] = [...names].map((source) => {
    const [f, p] = [fresh.data?.items?.find((x) => x.source === source), by.get(source)];
    const last = p?.last || f?.last;
    return {
      source,
      rates: rates(source),
      events: p?.events ?? 0,
      aside: p?.aside ?? 0,
      last: last || undefined,
      error: errors.get(source),
      status: f?.status ?? 'fresh',
    };
  });
  // What comes in files alone has no rate.
  const rows = all.filter((r) => r.status !== 'never' || r.events > 0);
  const quiet = all.filter((r) => !rows.includes(r)).map((r) => r.source);
  const when = (at: string) => (Date.now() - Date.parse(at) < 43_200_000 ? second(at) : day(at));
  const tenSeconds = (r: Row) => r.rates.slice(-10).reduce((a, b) => a + b, 0) / 10;
  const failed: Column<Row> = {
    key: 'error',
    title: say('lastError'),
    from: 'md',
    value: (r) => r.error?.at,
    show: (r) =>
      r.error ? (
        <Link
          className="link"
          to="/data/quarantine"
          search={{ source: r.source }}
          title={r.error.reason ?? r.error.code}
          data-small
        >
          {when(r.error.at)}
          <Text size="xs" c="dimmed" lineClamp={1} maw={200}>
            {r.error.reason ?? r.error.code}
          </Text>
        </Link>
      ) : (
        '–'
      ),
  };
  const columns: Column<Row>[] = [
    {
      key: 'source',
      title: say('source'),
      value: (r) => r.source,
      show: (r) =>
        live ? (
          <Link className="link" to="/data/live" search={{ source: r.source }}>
            <bdi>{r.source}</bdi>
          </Link>
        ) : (
          <bdi>{r.source}</bdi>
        ),
    },
    {
      key: 'rate',
      title: say('rate'),
      align: 'end',
      value: tenSeconds,
      show: (r) => number(Math.round(tenSeconds(r) * 10) / 10),
    },
    {
      key: 'minute',
      title: say('minute'),
      from: 'sm',
      value: (r) => r.rates.reduce((a, b) => a + b, 0),
      show: (r) => <Minute values={r.rates} label={number(r.rates.reduce((a, b) => a + b, 0))} />,
    },
    {
      key: 'last',
      title: say('lastEvent'),
      from: 'md',
      nowrap: true,
      value: (r) => r.last,
      show: (r) => (r.last ? when(r.last) : '–'),
    },
    ...(rows.some((r) => r.error) ? [failed] : []),
    {
      key: 'state',
      title: say('state'),
      nowrap: true,
      value: (r) => r.status,
      show: (r) => (
        <Badge
          size="sm"
          variant="light"
          color={colours[r.status]}
          tt="none"
          styles={{ label: { overflow: 'visible' } }}
        >
          {say(`status_${r.status}` as 'status_fresh')}
        </Badge>
      ),
    },
  ];
  const lag = Number(pulse.lag ?? 0);
  return (
    <Part title={say('alive')} about={say('aliveHelp')}>
      <DataTable bare label={say('alive')} rows={rows} columns={columns} id={(r) => r.source} sort="-rate" />
      {quiet.length > 0 && (
        <Text size="xs" c="dimmed" mt="xs">
          {say('noEvents', { sources: quiet.sort().join(', ') })}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt="xs" role="status">
        {lag > 0 ? say('lagSome', { lag }) : say('lagNone')}
      </Text>
    </Part>
  );
}
