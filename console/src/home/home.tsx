import { Alert, Badge, Button, Grid, Group, Stack, Text } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api';
import { Bars } from '../parts/bars';
import { Page, Part, Tile, Tiles } from '../parts/page';
import { type Pulse, usePulse } from '../parts/pulse';
import { Empty, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { Moved } from './moved';
import { Needed } from './needed';
import { Sources } from './sources';
import { words } from './words';

/** How the data and the business stand at this moment. */
export function Home() {
  const { say } = useLanguage(words);
  const { pulse, connected, rates } = usePulse();
  const live = (
    <Badge variant="light" color={connected ? 'pine' : 'gray'} tt="none" role="status">
      {say(connected ? 'live' : 'notLive')}
    </Badge>
  );
  return (
    <Page title={say('home')} about={say('about')} actions={live}>
      {!pulse && <Waiting />}
      {pulse && Number(pulse.counts?.profiles ?? 0) === 0 && (
        <Empty
          icon={IconPlugConnected}
          title={say('start')}
          action={
            <Allowed right="govern">
              <Button mt="xs" renderRoot={(props) => <Link to="/data/sources" {...props} />}>
                {say('addSource')}
              </Button>
            </Allowed>
          }
        >
          {say('startHelp')}
        </Empty>
      )}
      {pulse && (
        <>
          {(pulse.problems ?? []).length > 0 && (
            <Alert color="red" title={say('problems')}>
              {pulse.problems?.map((p) => (
                <Text size="sm" key={p}>
                  {p}
                </Text>
              ))}
            </Alert>
          )}
          <Numbers pulse={pulse} />
          <Grid>
            <Grid.Col span={{ base: 12, lg: 7 }}>
              <Stack>
                <Sources pulse={pulse} rates={rates} />
                <Sales />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 5 }}>
              <Stack>
                <Needed pulse={pulse} />
                <Moved />
              </Stack>
            </Grid.Col>
          </Grid>
        </>
      )}
    </Page>
  );
}

type Rows = { columns: { unit?: string }[]; rows: (string | number | null)[][]; currency?: string };

function useRevenue(last: string, until?: string) {
  return useQuery({
    queryKey: ['home', 'revenue', last, until],
    staleTime: 60_000,
    queryFn: async () =>
      (await api.post('/api/v1/explore', {
        body: { kind: 'metric', measures: ['revenue', 'orders'], by: ['day'], last, until } as never,
      })) as unknown as Rows,
  });
}

const sum = (rows: Rows | undefined, column: number) =>
  (rows?.rows ?? []).reduce((n, r) => n + Number(r[column] ?? 0), 0);

/** The page that answers a question, where it can be changed. */
const asked = (q: object) => ({ to: '/explore', search: { q } });

/** The numbers that matter, and what they mean. */
function Numbers({ pulse }: { pulse: Pulse }) {
  const { say, number, percent, short } = useLanguage(words);
  const health = useQuery({
    queryKey: ['identity', 'health'],
    queryFn: () => api.get('/api/v1/identity/health'),
    staleTime: 60_000,
  });
  const sixty = useRevenue('60d');
  const top = useQuery({
    queryKey: ['home', 'top'],
    staleTime: 300_000,
    queryFn: async () =>
      (await api.post('/api/v1/explore', { body: { kind: 'concentration' } as never })) as unknown as Rows,
  });
  const h = health.data;
  const middle = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
  const half = (later: boolean) => ({
    ...(sixty.data as Rows),
    rows: (sixty.data?.rows ?? []).filter((r) => String(r[0]) > middle === later),
  });
  const [now, before] = [sum(half(true), 1), sum(half(false), 1)];
  const five = top.data?.rows.find((r) => r[0] === 5);
  const change = before > 0 ? `${now >= before ? '+' : ''}${percent(now / before - 1)}` : '–';
  return (
    <Tiles most={3}>
      <Tile
        label={say('profiles')}
        to={{ to: '/customers' }}
        value={<span data-testid="profiles">{number(Number(pulse.counts?.profiles ?? 0))}</span>}
        note={say('profilesNote', { events: Number(pulse.counts?.events ?? 0) })}
      />
      <Tile
        label={say('identified')}
        to={{ to: '/data/identity' }}
        value={h ? percent(h.identification_rate) : '–'}
        note={h && say('identifiedNote', { known: h.known, profiles: h.profiles })}
      />
      <Tile
        label={say('perPerson')}
        to={{ to: '/data/identity' }}
        value={h ? number(Math.round(h.identifiers_per_person * 100) / 100) : '–'}
        note={h && say('perPersonNote', { email: percent(h.email_rate), phone: percent(h.phone_rate) })}
      />
      <Tile
        label={say('consent')}
        to={{ to: '/privacy/consent' }}
        value={h ? percent(h.consent_rate) : '–'}
        note={say('consentNote')}
      />
      <Tile
        label={say('revenue')}
        to={asked({ kind: 'metric', measures: ['revenue', 'orders'], by: ['day'], last: '30d' })}
        value={sixty.data ? short(now) : '–'}
        note={
          sixty.data && say('revenueNote', { currency: sixty.data.currency ?? '', orders: sum(half(true), 2), change })
        }
      />
      <Tile
        label={say('topFive')}
        to={asked({ kind: 'concentration' })}
        value={five ? percent(Number(five[3]) / 100) : '–'}
        note={
          five &&
          say('topFiveNote', {
            people: Number(five[1]),
            least: `${number(Math.round(Number(five[4])))} ${top.data?.currency ?? ''}`,
          })
        }
      />
    </Tiles>
  );
}

/** Revenue of each of the last 30 days. */
function Sales() {
  const { say, number, date } = useLanguage(words);
  const told = useRevenue('30d');
  const rows = (told.data?.rows ?? []).map((r) => [String(r[0]), Number(r[1] ?? 0), Number(r[2] ?? 0)] as const);
  const currency = told.data?.currency ?? '';
  if (!told.data) return null;
  const values = rows.map((r) => r[1]);
  return (
    <Part title={say('sales')} about={say('salesHelp', { currency })}>
      {rows.length === 0 ? (
        <Text size="sm">{say('salesNone')}</Text>
      ) : (
        <Bars
          summary={say('salesSummary', {
            least: number(Math.round(Math.min(...values))),
            most: number(Math.round(Math.max(...values))),
            currency,
          })}
          rows={rows.map((r) => ({ label: date(r[0]), value: r[1] }))}
          write={(v) => `${number(Math.round(v))} ${currency}`}
          table={{ head: [say('day'), say('revenue')], rows: rows.map((r) => [r[0], number(Math.round(r[1]))]) }}
        />
      )}
    </Part>
  );
}

/** A row that leads somewhere. */
export function Wanted({ text, act, to }: { text: string; act: string; to: string }) {
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm">{text}</Text>
      <Button size="compact-xs" variant="light" renderRoot={(props) => <Link to={to} {...props} />}>
        {act}
      </Button>
    </Group>
  );
}
