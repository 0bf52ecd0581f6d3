import { Button, Text } from '@mantine/core';
import { IconLayoutDashboard } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api';
import { Page } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { DataTable } from '../parts/table';
import { useLanguage } from '../settings';
import { Tabs } from './tabs';
import { words } from './words';

export function Dashboards() {
  const { say, day } = useLanguage(words);
  const told = useQuery({
    queryKey: ['saved', 'dashboard'],
    queryFn: () => api.get('/api/v1/saved', { query: { kind: 'dashboard' } }),
  });
  const list = told.data?.items ?? [];
  return (
    <Page title={say('dashboards')} about={say('dashboardsHelp')}>
      <Tabs />
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && (
        <Empty
          icon={IconLayoutDashboard}
          title={say('dashboardsEmpty')}
          action={<Button renderRoot={(props) => <Link to="/explore" {...props} />}>{say('ask')}</Button>}
        >
          {say('dashboardsHelp')}
        </Empty>
      )}
      {list.length > 0 && (
        <DataTable
          label={say('dashboards')}
          rows={list}
          id={(d) => d.name}
          sort="name"
          columns={[
            {
              key: 'name',
              title: say('name'),
              value: (d) => d.name,
              show: (d) => (
                <>
                  <Link className="link" to="/explore/dashboards/$name" params={{ name: d.name }} data-named>
                    <bdi>{d.name}</bdi>
                  </Link>
                  <Text size="xs" c="dimmed">
                    {d.description}
                  </Text>
                </>
              ),
            },
            { key: 'questions', title: say('questionsCount'), align: 'end', value: (d) => d.questions?.length ?? 0 },
            { key: 'by', title: say('by_'), from: 'sm', value: (d) => d.by },
            {
              key: 'at',
              title: say('changed'),
              from: 'sm',
              nowrap: true,
              value: (d) => d.at,
              show: (d) => (d.at ? day(d.at) : '–'),
            },
          ]}
        />
      )}
    </Page>
  );
}
