import { Badge, Button, Group, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { api, type Schema } from '../api';
import { Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useTyped } from '../parts/typed';
import { useLanguage } from '../settings';
import { PrivacyPage } from './frame';
import { words } from './words';

const route = getRouteApi('/privacy/audit');
type Row = Schema<'Record'>;

/** Who did what, and who looked at whom. */
export function AuditLog() {
  const { say, minute } = useLanguage(words);
  const { person } = route.useSearch();
  const navigate = useNavigate();
  const [typed, setTyped] = useTyped(
    person,
    (text) => void navigate({ to: '/privacy/audit', search: (s) => ({ ...s, person: text }), replace: true }),
    400,
  );
  const told = useInfiniteQuery({
    queryKey: ['audit', person],
    queryFn: ({ pageParam }) => api.get('/api/v1/audit', { query: { limit: 100, cursor: pageParam, person } }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });
  const verify = useMutation({ mutationFn: () => api.get('/api/v1/audit/verify') });
  const rows = told.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const columns: Column<Row>[] = [
    { key: 'at', title: say('at'), value: (r) => r.at, show: (r) => minute(r.at) },
    { key: 'by', title: say('by'), value: (r) => r.by },
    { key: 'act', title: say('act'), value: (r) => r.act },
    {
      key: 'target',
      title: say('target'),
      from: 'sm',
      value: (r) => r.target,
      show: (r) => (
        <Text size="xs" ff="monospace" truncate maw={220}>
          {r.target || '–'}
        </Text>
      ),
    },
    {
      key: 'outcome',
      title: say('outcome'),
      value: (r) => r.outcome,
      show: (r) => (
        <Badge size="xs" variant="light" color={r.outcome === 'ok' ? 'pine' : 'amber'} tt="none">
          {r.outcome}
        </Badge>
      ),
    },
  ];
  return (
    <PrivacyPage title={say('audit')} about={say('auditAbout')}>
      <Group gap="xs">
        <TextInput
          size="xs"
          type="search"
          aria-label={say('auditPerson')}
          placeholder={say('auditPerson')}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          style={{ flex: '1 1 220px' }}
          maw={360}
        />
        <Button size="xs" variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>
          {say('verify')}
        </Button>
        {verify.data && (
          <Text size="sm" role="status">
            {say('verified', { count: Number((verify.data as { records?: number }).records ?? 0) })}
          </Text>
        )}
      </Group>
      {(told.error ?? verify.error) && <Trouble error={(told.error ?? verify.error) as Error} />}
      {told.isPending && <Waiting />}
      {told.data && (
        <DataTable
          label={say('audit')}
          rows={rows}
          columns={columns}
          id={(r) => String(r.n)}
          more={told.hasNextPage && { load: () => void told.fetchNextPage(), loading: told.isFetchingNextPage }}
        />
      )}
    </PrivacyPage>
  );
}
