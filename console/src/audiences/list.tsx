import { Badge, Button, Text } from '@mantine/core';
import { IconFileUpload, IconPlus, IconSql, IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, type Schema } from '../api';
import { Page } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { Spark } from '../parts/spark';
import { type Column, DataTable } from '../parts/table';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { type Move, monthOf } from './month';
import { words } from './words';

type Of = Schema<'AudienceInForce'>;

/** The sizes of every audience at the end of each of the last 30 days: of now, and back by who came and went since. */
function useMonth(list: Of[]): Map<string, number[]> {
  const told = useQuery({
    queryKey: ['audiences', 'month'],
    staleTime: 60_000,
    queryFn: () =>
      api.post('/api/v1/explore', {
        body: { kind: 'metric', measures: ['entries', 'exits'], by: ['audience', 'day'], last: '30d', limit: 10_000 },
      }),
  });
  return useMemo(() => monthOf(list, (told.data?.rows ?? []) as Move[], Date.now()), [list, told.data]);
}

export function Audiences() {
  const { say } = useLanguage(words);
  const told = useQuery({
    queryKey: ['audiences'],
    queryFn: () => api.get('/api/v1/audiences'),
    refetchInterval: (q) => (q.state.data?.items?.some((a) => a.filling) ? 1500 : 10_000),
  });
  const list = told.data?.items ?? [];
  const actions = (
    <Allowed right="audiences">
      <Button
        variant="default"
        leftSection={<IconFileUpload size={16} aria-hidden />}
        renderRoot={(props) => <Link to="/audiences/file" {...props} />}
      >
        {say('fromFile')}
      </Button>
      <Allowed right="export">
        <Button
          variant="default"
          leftSection={<IconSql size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/audiences/sql" {...props} />}
        >
          {say('fromSql')}
        </Button>
      </Allowed>
      <Button
        leftSection={<IconPlus size={16} aria-hidden />}
        renderRoot={(props) => <Link to="/audiences/new" {...props} />}
      >
        {say('newAudience')}
      </Button>
    </Allowed>
  );
  return (
    <Page title={say('audiences')} about={say('about')} actions={actions}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && (
        <Empty
          icon={IconUsersGroup}
          title={say('emptyTitle')}
          action={
            <Allowed right="audiences">
              <Button mt="xs" renderRoot={(props) => <Link to="/audiences/new" {...props} />}>
                {say('newAudience')}
              </Button>
            </Allowed>
          }
        >
          {say('emptyHelp')}
        </Empty>
      )}
      {list.length > 0 && <List list={list} />}
    </Page>
  );
}

function List({ list }: { list: Of[] }) {
  const { say, number, day } = useLanguage(words);
  const sizes = useMonth(list);
  const columns: Column<Of>[] = [
    { key: 'name', title: say('name'), value: (a) => a.name, show: (a) => <Named of={a} /> },
    {
      key: 'kind',
      title: say('kind'),
      from: 'md',
      value: (a) => a.kind,
      show: (a) => say(`kindName_${a.kind}` as 'kindName_sql'),
    },
    {
      key: 'members',
      title: say('members'),
      align: 'end',
      value: (a) => a.members,
      show: (a) => (
        <>
          {number(a.members)}
          {a.filling && (
            <Badge size="xs" variant="light" ms={6} tt="none">
              {say('fillingShort')}
            </Badge>
          )}
        </>
      ),
    },
    {
      key: 'month',
      title: say('month'),
      from: 'sm',
      value: (a) => (sizes.get(a.name)?.at(-1) ?? 0) - (sizes.get(a.name)?.[0] ?? 0),
      show: (a) => <Spark values={sizes.get(a.name) ?? []} label={(sizes.get(a.name) ?? []).join(', ')} />,
    },
    { key: 'by', title: say('by'), from: 'lg', value: (a) => a.by },
    { key: 'at', title: say('changed'), from: 'md', nowrap: true, value: (a) => a.at, show: (a) => day(a.at) },
  ];
  return <DataTable label={say('audiences')} rows={list} columns={columns} id={(a) => a.name} sort="-members" />;
}

function Named({ of }: { of: Of }) {
  return (
    <div>
      <Link className="link" to="/audiences/of/$name" params={{ name: of.name }} data-named>
        <bdi>{of.name}</bdi>
      </Link>
      <Text size="xs" c="dimmed" lineClamp={1}>
        <bdi>{of.description || of.reads || of.query}</bdi>
      </Text>
    </div>
  );
}
