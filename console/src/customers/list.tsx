import { Button, Paper, Text, TextInput } from '@mantine/core';
import { IconScan, IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { api, type Profile } from '../api';
import { Page } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useTyped } from '../parts/typed';
import { useLanguage } from '../settings';
import { addressOf, nameOf } from './person';
import { words } from './words';

const route = getRouteApi('/customers');

/** One box for any identifier or name. What is asked for stands in the address, so that it can be linked to. */
export function Customers() {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const { q = '' } = route.useSearch();
  const [typed, setTyped] = useTyped(
    q,
    (text) => void navigate({ to: '/customers', search: { q: text }, replace: true }),
    200,
  );
  const found = useInfiniteQuery({
    queryKey: ['search', q],
    queryFn: ({ pageParam }) => api.get('/api/v1/profiles', { query: { q, limit: 25, cursor: pageParam } }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
  const people = found.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  return (
    <Page
      title={say('customers')}
      actions={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconScan size={14} aria-hidden />}
          renderRoot={(props) => <Link to="/till" {...props} />}
        >
          {say('till')}
        </Button>
      }
    >
      <TextInput
        type="search"
        aria-label={say('search')}
        placeholder={say('search')}
        size="md"
        leftSection={<IconSearch size={18} aria-hidden />}
        value={typed}
        onChange={(e) => setTyped(e.currentTarget.value)}
      />
      {found.error && <Trouble error={found.error} />}
      {found.isPending && <Waiting />}
      {found.isSuccess && people.length === 0 && <Text role="status">{say('nobody')}</Text>}
      {people.length > 0 && <People people={people} />}
      {found.hasNextPage && (
        <Button variant="default" onClick={() => found.fetchNextPage()} loading={found.isFetchingNextPage}>
          {say('more')}
        </Button>
      )}
    </Page>
  );
}

function People({ people }: { people: Profile[] }) {
  const { say, number, day } = useLanguage(words);
  return (
    <Paper withBorder style={{ overflow: 'hidden' }}>
      <table className="table" data-loose data-hover>
        <thead>
          <tr>
            <th>{say('name')}</th>
            <th className="mantine-visible-from-sm">{say('identifiers')}</th>
            <th data-end>{say('events')}</th>
            <th className="mantine-visible-from-xs">{say('lastSeen')}</th>
          </tr>
        </thead>
        <tbody>
          {people.map((p) => (
            <tr key={p.id}>
              <td>
                <Link className="link" to="/customers/$namespace/$value" params={addressOf(p)}>
                  <bdi>{nameOf(p) || say('anonymous')}</bdi>
                </Link>
              </td>
              <td className="mantine-visible-from-sm">
                <Text size="sm" c="dimmed" lineClamp={1}>
                  <bdi>
                    {(p.identifiers ?? [])
                      .slice(0, 2)
                      .map((i) => i.value)
                      .join(', ')}
                  </bdi>
                  {(p.identifiers ?? []).length > 2 && ` +${number((p.identifiers ?? []).length - 2)}`}
                </Text>
              </td>
              <td data-end>{number(p.events)}</td>
              <td className="mantine-visible-from-xs">{day(p.last_seen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Paper>
  );
}
