import { Badge, Button, Code, Group, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useLanguage } from '../settings';
import { DataPage } from './frame';
import { Plans } from './plans';
import { words } from './words';

/** Whether what comes in is what was agreed, what has changed, where people were met, and what nobody reads. */
export function Quality() {
  const { say } = useLanguage(words);
  return (
    <DataPage title={say('quality')} about={say('qualityAbout')}>
      <Plans />
      <Violations />
      <Drift />
      <Touchpoints />
      <Minimisation />
    </DataPage>
  );
}

function Violations() {
  const { say, minute } = useLanguage(words);
  const told = useQuery({ queryKey: ['violations'], queryFn: () => api.get('/api/v1/quality/violations') });
  const list = told.data?.items ?? [];
  type Row = Schema<'Violation'>;
  const columns: Column<Row>[] = [
    { key: 'event', title: say('event'), value: (v) => v.event },
    { key: 'source', title: say('source'), value: (v) => v.source, from: 'sm' },
    {
      key: 'reason',
      title: say('reason'),
      value: (v) => v.reason || v.rule,
      show: (v) => (
        <>
          <Text size="sm">{v.reason || v.rule}</Text>
          {(v.examples ?? []).length > 0 && (
            <details className="behind">
              <summary>{say('examples')}</summary>
              {v.examples?.slice(0, 3).map((x) => (
                <Code key={x} block dir="ltr" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                  {x}
                </Code>
              ))}
            </details>
          )}
        </>
      ),
    },
    { key: 'plan', title: say('plan'), value: (v) => v.plan, from: 'md' },
    { key: 'count', title: say('count'), align: 'end', value: (v) => v.count },
    { key: 'last', title: say('last'), from: 'md', nowrap: true, value: (v) => v.last, show: (v) => minute(v.last) },
  ];
  return (
    <Part title={say('violations')} about={say('violationsHelp')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && <Text size="sm">{say('violationsNone')}</Text>}
      {list.length > 0 && (
        <DataTable
          bare
          label={say('violations')}
          rows={list}
          columns={columns}
          id={(v) => `${v.plan}/${v.source}/${v.event}/${v.rule}`}
          sort="-count"
        />
      )}
    </Part>
  );
}

const changes = { new: 'pine', vanished: 'red', retyped: 'amber', steady: 'gray', idle: 'gray' } as const;

function Drift() {
  const { say } = useLanguage(words);
  const told = useQuery({ queryKey: ['drift'], queryFn: () => api.get('/api/v1/quality/drift') });
  const list = told.data?.items ?? [];
  type Row = Schema<'PropertySeen'>;
  const columns: Column<Row>[] = [
    { key: 'property', title: say('property'), value: (p) => p.property },
    { key: 'event', title: say('event'), value: (p) => p.event },
    { key: 'source', title: say('source'), value: (p) => p.source, from: 'sm' },
    {
      key: 'status',
      title: say('change'),
      value: (p) => p.status,
      show: (p) => (
        <>
          <Badge size="xs" variant="light" color={changes[p.status]} tt="none">
            {say(`drift_${p.status}` as 'drift_new')}
          </Badge>{' '}
          <Text size="xs" c="dimmed">
            {p.note}
          </Text>
        </>
      ),
    },
  ];
  return (
    <Part title={say('drift')} about={say('driftHelp')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && <Text size="sm">{say('driftNone')}</Text>}
      {list.length > 0 && (
        <DataTable
          bare
          label={say('drift')}
          rows={list.slice(0, 50)}
          columns={columns}
          id={(p) => `${p.source}/${p.event}/${p.property}`}
        />
      )}
    </Part>
  );
}

function Touchpoints() {
  const { say, percent, day } = useLanguage(words);
  const told = useQuery({
    queryKey: ['touchpoints'],
    queryFn: () => api.get('/api/v1/quality/touchpoints'),
    staleTime: 60_000,
  });
  const list = told.data?.items ?? [];
  type Row = Schema<'Touchpoint'>;
  const columns: Column<Row>[] = [
    { key: 'channel', title: say('channel'), value: (t) => t.channel },
    { key: 'source', title: say('source'), value: (t) => t.source, from: 'sm' },
    { key: 'profiles', title: say('met'), align: 'end', value: (t) => t.profiles },
    {
      key: 'share',
      title: say('share'),
      value: (t) => t.share,
      show: (t) => (
        <Group gap={6} wrap="nowrap">
          <svg width={80} height={8} aria-hidden className="mantine-visible-from-sm">
            <rect width={80} height={8} rx={2} fill="var(--mantine-color-default-border)" />
            <rect width={Math.max(1, 80 * t.share)} height={8} rx={2} fill="var(--mantine-primary-color-filled)" />
          </svg>
          {percent(t.share)}
        </Group>
      ),
    },
    {
      key: 'last',
      title: say('last'),
      from: 'md',
      nowrap: true,
      value: (t) => t.last,
      show: (t) => (t.last ? day(t.last) : '–'),
    },
  ];
  return (
    <Part
      title={say('touchpoints')}
      about={
        told.data && say('touchpointsHelp', { met: told.data.met, profiles: told.data.profiles, once: told.data.once })
      }
    >
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {list.length > 0 && (
        <DataTable
          bare
          label={say('touchpoints')}
          rows={list}
          columns={columns}
          id={(t) => `${t.source}/${t.channel}`}
          sort="-profiles"
        />
      )}
      {(told.data?.gaps ?? []).length > 0 && (
        <details className="behind">
          <summary>{say('gapsCount', { count: told.data?.gaps?.length ?? 0 })}</summary>
          {told.data?.gaps?.map((g) => (
            <Text size="xs" key={g}>
              {g}
            </Text>
          ))}
        </details>
      )}
    </Part>
  );
}

/** What is collected and never read: the least data is the safest. */
function Minimisation() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [all, setAll] = useState(false);
  const told = useQuery({
    queryKey: ['minimisation'],
    queryFn: () => api.get('/api/v1/quality/minimisation', { query: { days: 90 } }),
  });
  const list = told.data?.items ?? [];
  type Row = Schema<'UnreadData'>;
  const columns: Column<Row>[] = [
    { key: 'event', title: say('event'), value: (u) => u.event },
    { key: 'property', title: say('property'), value: (u) => u.property, show: (u) => u.property || say('wholeEvent') },
    { key: 'source', title: say('source'), value: (u) => u.source, from: 'sm' },
    { key: 'count', title: say('count'), align: 'end', value: (u) => u.count, from: 'sm' },
    {
      key: 'stop',
      title: '',
      align: 'end',
      value: () => '',
      show: (u) => (
        <AskFirst
          right="data"
          size="compact-xs"
          label={say('stop')}
          title={say('stopTitle', { what: u.property || u.event })}
          consequence={say('stopHelp', { source: u.source, event: u.event })}
          act={() =>
            api.post('/api/v1/quality/minimisation/stop', {
              body: { source: u.source, event: u.event, property: u.property },
            })
          }
          done={() => void queries.invalidateQueries({ queryKey: ['minimisation'] })}
        />
      ),
    },
  ];
  return (
    <Part
      title={say('minimisation')}
      about={told.data && (told.data.sure ? say('minimisationHelp') : say('minimisationUnsure'))}
      actions={
        list.length > 10 && (
          <Button size="xs" variant="default" onClick={() => setAll(!all)}>
            {all ? say('fewer') : say('allOf', { count: list.length })}
          </Button>
        )
      }
    >
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && <Text size="sm">{say('minimisationNone')}</Text>}
      {list.length > 0 && (
        <DataTable
          bare
          label={say('minimisation')}
          rows={all ? list : list.slice(0, 10)}
          columns={columns}
          id={(u) => `${u.source}/${u.event}/${u.property}`}
        />
      )}
    </Part>
  );
}
