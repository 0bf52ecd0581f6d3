import { Badge, Button, Grid, Group, Stack, Text, TextInput, Title, Tooltip } from '@mantine/core';
import { IconHeadset } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Identifier, type Profile } from '../api';
import { OneOf } from '../parts/oneof';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { Worth } from './agent';
import { Identity } from './identity';
import { nameOf } from './person';
import { useSummary } from './summary';
import { words } from './words';

const route = getRouteApi('/customers/$namespace/$value');

/** Everything that is known of one person. */
export function Customer() {
  const id = route.useParams();
  const { show } = route.useSearch();
  const navigate = route.useNavigate();
  const { say, number, day, zone } = useLanguage(words);
  const profile = useQuery({
    queryKey: ['profile', id.namespace, id.value],
    queryFn: () => api.get('/api/v1/profiles/{namespace}/{value}', { path: id, query: { explain: true } }),
  });
  if (profile.error) return <Trouble error={profile.error} />;
  if (!profile.data) return <Waiting />;
  const p = profile.data;
  return (
    <Stack>
      <div>
        <Group gap="sm" justify="space-between">
          <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            <bdi>{nameOf(p) || say('anonymous')}</bdi>
          </Title>
          <Group gap="xs">
            {p.lifecycle && <Badge variant="default">{p.lifecycle.stage}</Badge>}
            <Button
              size="xs"
              variant="default"
              leftSection={<IconHeadset size={14} aria-hidden />}
              renderRoot={(props) => <Link to="/customers/$namespace/$value/agent" params={id} {...props} />}
            >
              {say('agentView')}
            </Button>
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          {say('firstSeen')} {day(p.first_seen)} · {say('lastSeen')} {day(p.last_seen)} · {say('events')}{' '}
          {number(p.events)} · {say('zone')} {zone()}
        </Text>
      </div>
      <OneOf
        label={say('views')}
        data={[
          { value: '', label: say('overview') },
          { value: 'identity', label: say('identity') },
        ]}
        value={show ?? ''}
        set={(v) => void navigate({ search: { show: v === 'identity' ? 'identity' : undefined }, replace: true })}
      />
      {show === 'identity' ? <Identity id={id} /> : <Overview p={p} id={id} />}
    </Stack>
  );
}

function Overview({ p, id }: { p: Profile; id: Identifier }) {
  const { say } = useLanguage(words);
  const worth = useSummary({ namespace: 'id', value: p.id });
  return (
    <Grid>
      {worth.data && (
        <Grid.Col span={12}>
          <Worth p={p} s={worth.data} />
        </Grid.Col>
      )}
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Stack>
          <Traits title={say('record')} values={p.traits} p={p} />
          {Object.keys(p.computed).length > 0 && <Traits title={say('computed')} values={p.computed} p={p} />}
          <Predicted p={p} />
          <Identifiers p={p} />
          <Memberships p={p} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Timeline id={id} />
      </Grid.Col>
    </Grid>
  );
}

/** Names and values; where a value came from is told by pointing at it or by Tab. */
function Traits({ title, values, p }: { title: string; values: Record<string, unknown>; p: Profile }) {
  const { say, value, minute } = useLanguage(words);
  const names = Object.keys(values).sort();
  return (
    <Part title={title}>
      {names.length === 0 && <Text size="sm">{say('none')}</Text>}
      <table className="table" data-bare data-fixed>
        <tbody>
          {names.map((name) => {
            const from = p.provenance?.[name];
            const shown = (
              <Text size="sm" component="span" tabIndex={from ? 0 : undefined} style={{ overflowWrap: 'anywhere' }}>
                <bdi>{value(values[name])}</bdi>
              </Text>
            );
            return (
              <tr key={name}>
                <th data-plain data-quiet scope="row" style={{ width: '44%', overflowWrap: 'anywhere' }}>
                  {name}
                </th>
                <td>
                  {from ? (
                    <Tooltip
                      label={`${from.source} · ${from.rule} · ${minute(from.at)}`}
                      events={{ hover: true, focus: true, touch: true }}
                    >
                      {shown}
                    </Tooltip>
                  ) : (
                    shown
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Part>
  );
}

/** What models say of the person; each leads to how far to believe it. */
function Predicted({ p }: { p: Profile }) {
  const { say, value, day } = useLanguage(words);
  const models = Object.entries(p.predictions ?? {}) as [string, Record<string, unknown>][];
  if (models.length === 0) return null;
  const shown = (v: unknown) => value(typeof v === 'number' ? Number(v.toPrecision(3)) : v);
  return (
    <Part title={say('predictions')}>
      <Stack gap="xs">
        {models.map(([name, { as_of, version: _, ...outputs }]) => (
          <div key={name}>
            <Group justify="space-between" gap="xs">
              <Link className="link" data-sized to="/predictions/$name" params={{ name }}>
                {name}
              </Link>
              <Text size="xs" c="dimmed">
                {typeof as_of === 'string' && day(as_of)}
              </Text>
            </Group>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {Object.entries(outputs)
                .filter(([, v]) => typeof v !== 'object')
                .map(([k, v]) => `${k.replaceAll('_', ' ')} ${shown(v)}`)
                .join(' · ')}
            </Text>
          </div>
        ))}
      </Stack>
    </Part>
  );
}

function Identifiers({ p }: { p: Profile }) {
  const { say, day } = useLanguage(words);
  return (
    <Part title={say('identifiers')}>
      <Stack gap={6}>
        {(p.identifiers ?? []).map((i) => (
          <div key={`${i.namespace}:${i.value}`}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              <bdi>{i.value}</bdi>
            </Text>
            <Text size="xs" c="dimmed">
              {[i.namespace, i.source, day(i.last_seen), i.verified && say('verified'), i.blocked && say('blocked')]
                .filter(Boolean)
                .join(' · ')}
            </Text>
          </div>
        ))}
      </Stack>
    </Part>
  );
}

function Memberships({ p }: { p: Profile }) {
  const { say, day } = useLanguage(words);
  return (
    <>
      <Part title={say('audiences')}>
        {(p.audiences ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
        <Group gap={6}>
          {(p.audiences ?? []).map((a) => (
            <Badge key={a} variant="default" tt="none">
              {a}
            </Badge>
          ))}
        </Group>
      </Part>
      <Part title={say('consent')}>
        {(p.consent ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
        {(p.consent ?? []).map((c) => (
          <Text size="sm" key={`${c.purpose}/${c.channel}`}>
            {[c.purpose, c.channel].filter(Boolean).join(' / ')}: <b>{say(c.granted ? 'granted' : 'refused')}</b> ·{' '}
            {day(c.at)}
          </Text>
        ))}
      </Part>
    </>
  );
}

/** What happened, the newest first. The filter looks through what was loaded. */
function Timeline({ id }: { id: Identifier }) {
  const { say, minute } = useLanguage(words);
  const [filter, setFilter] = useState('');
  const events = useInfiniteQuery({
    queryKey: ['events', id.namespace, id.value],
    queryFn: ({ pageParam }) =>
      api.get('/api/v1/profiles/{namespace}/{value}/events', { path: id, query: { limit: 50, cursor: pageParam } }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });
  const wanted = filter.trim().toLowerCase();
  const shown = (events.data?.pages.flatMap((p) => p.items ?? []) ?? []).filter((e) =>
    (e.name || e.type).toLowerCase().includes(wanted),
  );
  return (
    <Part title={say('timeline')}>
      <Stack gap="xs">
        <TextInput
          type="search"
          aria-label={say('filter')}
          placeholder={say('filter')}
          value={filter}
          onChange={(e) => setFilter(e.currentTarget.value)}
        />
        {events.error && <Trouble error={events.error} />}
        {events.isPending && <Waiting />}
        {events.isSuccess && shown.length === 0 && <Text size="sm">{say('none')}</Text>}
        {shown.map((e) => (
          <details key={e.event_id}>
            <summary>
              <Text component="span" size="sm" fw={500}>
                <bdi>{e.name || e.type}</bdi>
              </Text>{' '}
              <Text component="span" size="xs" c="dimmed">
                {minute(e.ts)} · {e.source}
              </Text>
            </summary>
            <Text
              component="pre"
              size="xs"
              ff="monospace"
              m={0}
              p="xs"
              dir="ltr"
              style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
            >
              {JSON.stringify(e.properties, null, 2)}
            </Text>
          </details>
        ))}
        {events.hasNextPage && (
          <Button variant="default" onClick={() => events.fetchNextPage()} loading={events.isFetchingNextPage}>
            {say('more')}
          </Button>
        )}
      </Stack>
    </Part>
  );
}
