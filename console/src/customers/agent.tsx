import { Badge, Button, Grid, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconMessage2, IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { api, type Profile, type Schema } from '../api';
import { Page, Part, Tile, Tiles } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { type Advice, advice } from './advice';
import { Next, useDecision } from './next';
import { nameOf } from './person';
import { type Summary, useSummary } from './summary';
import { words } from './words';

const route = getRouteApi('/customers/$namespace/$value/agent');

/** One screen for who is on the telephone: who it is, what they are worth, what is open, and what to say. */
export function Agent() {
  const id = route.useParams();
  const { say } = useLanguage(words);
  const told = useQuery({
    queryKey: ['profile', id.namespace, id.value],
    queryFn: () => api.get('/api/v1/profiles/{namespace}/{value}', { path: id, query: { explain: true } }),
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const p = told.data;
  const back = (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconUser size={14} aria-hidden />}
      renderRoot={(props) => <Link to="/customers/$namespace/$value" params={id} {...props} />}
    >
      {say('everything')}
    </Button>
  );
  return (
    <Page title={<bdi>{nameOf(p) || say('anonymous')}</bdi>} about={<Reach p={p} />} actions={back}>
      <Serve p={p} />
    </Page>
  );
}

/** How the person is reached. */
export function Reach({ p }: { p: Profile }) {
  const of = (ns: string) => (p.identifiers ?? []).filter((i) => i.namespace === ns && !i.blocked).map((i) => i.value);
  const text = (k: string) => (typeof p.traits?.[k] === 'string' ? String(p.traits[k]) : '');
  const place = [text('city'), text('country')].filter(Boolean).join(', ');
  return <bdi>{[...of('email').slice(0, 2), ...of('phone').slice(0, 2), place].filter(Boolean).join(' · ')}</bdi>;
}

function Serve({ p }: { p: Profile }) {
  const told = useSummary({ namespace: 'id', value: p.id });
  const decision = useDecision(p.id, 'call_centre');
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const s = told.data;
  const tips = advice(p, s, Date.now()).filter((t) => !decision.data?.action || !sells.includes(t.word));
  return (
    <>
      <Worth p={p} s={s} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Next id={p.id} place="call_centre" />
            {(tips.length > 0 || !decision.data?.action) && <ToSay tips={tips} />}
            <Open list={s.conversations ?? []} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <LastOrders list={s.last_orders ?? []} />
            <May p={p} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

/** What the person is worth, in four numbers. */
export function Worth({ p, s }: { p: Profile; s: Summary }) {
  const { say, number, day } = useLanguage(words);
  const card = s.loyalty?.[0];
  return (
    <Tiles>
      <Tile
        label={say('orders')}
        value={number(s.orders)}
        note={s.returns > 0 ? say('returned', { count: s.returns }) : undefined}
      />
      <Tile
        label={say('spent', { currency: s.currency })}
        value={number(Math.round(s.net_revenue))}
        note={s.orders > 0 && say('perOrder', { amount: Math.round(s.revenue / s.orders) })}
      />
      <Tile
        label={say('tier')}
        value={card?.tier ?? say('noTier')}
        note={card && say('points', { points: card.points })}
      />
      <Tile
        label={say('lastSeen')}
        value={day(p.last_seen)}
        note={p.lifecycle && <Badge variant="light">{p.lifecycle.stage}</Badge>}
      />
    </Tiles>
  );
}

/** What is said to sell something: not said beside an action that was chosen. */
const sells = ['sayWanted', 'sayThanks', 'sayAway', 'sayFirst'];

function ToSay({ tips }: { tips: Advice[] }) {
  const { say } = useLanguage(words);
  return (
    <Part title={say('toSay')} about={say('toSayHelp')}>
      {tips.length === 0 && <Text size="sm">{say('nothingToSay')}</Text>}
      <Stack gap="xs" data-testid="advice">
        {tips.map((t) => (
          <Group key={t.word} gap="xs" wrap="nowrap" align="flex-start">
            <ThemeIcon variant="light" size={26} radius="xl">
              <IconMessage2 size={15} aria-hidden />
            </ThemeIcon>
            <div>
              <Text size="sm">{say(t.word, t.values)}</Text>
              <Text size="xs" c="dimmed">
                {say(`${t.word}Why`, t.values)}
              </Text>
            </div>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}

function Open({ list }: { list: Schema<'SummaryConversation'>[] }) {
  const { say, day } = useLanguage(words);
  return (
    <Part title={say('conversations')}>
      {list.length === 0 && <Text size="sm">{say('none')}</Text>}
      <Stack gap={6}>
        {list.map((c) => (
          <Group key={c.conversation_id} justify="space-between" gap="xs" wrap="nowrap" preventGrowOverflow={false}>
            <Text size="sm" truncate>
              {[c.topic, c.channel, c.agent].filter(Boolean).join(' · ')}
            </Text>
            <Group gap={6} wrap="nowrap" style={{ flexShrink: 0 }}>
              <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                {c.started_at && day(c.started_at)}
              </Text>
              <Badge
                size="xs"
                variant="light"
                style={{ flexShrink: 0 }}
                color={c.resolved === false ? 'amber' : 'gray'}
                tt="none"
              >
                {say(c.resolved === false ? 'open' : 'closed')}
              </Badge>
            </Group>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}

/** What may be done with the person's data. */
export function May({ p }: { p: Profile }) {
  const { say, day } = useLanguage(words);
  return (
    <Part title={say('consent')}>
      {(p.consent ?? []).length === 0 && <Text size="sm">{say('notAsked')}</Text>}
      <Stack gap={4}>
        {(p.consent ?? []).map((c) => (
          <Group key={`${c.purpose}/${c.channel}`} justify="space-between" gap="xs">
            <Text size="sm">{[c.purpose, c.channel].filter(Boolean).join(' / ')}</Text>
            <Group gap={6}>
              <Text size="xs" c="dimmed">
                {day(c.at)}
              </Text>
              <Badge size="xs" variant="light" color={c.granted ? 'pine' : 'red'} tt="none">
                {say(c.granted ? 'granted' : 'refused')}
              </Badge>
            </Group>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}

export function LastOrders({ list }: { list: Schema<'SummaryOrder'>[] }) {
  const { say, money, day } = useLanguage(words);
  return (
    <Part title={say('lastOrders')}>
      {list.length === 0 && <Text size="sm">{say('noOrders')}</Text>}
      {list.length > 0 && (
        <table className="table">
          <tbody>
            {list.map((o) => (
              <tr key={o.order_id}>
                <td style={{ width: '30%' }}>
                  {o.ts && day(o.ts)}
                  <Text size="xs" c="dimmed">
                    {o.store || o.sales_channel}
                  </Text>
                </td>
                <td>
                  <Text size="sm" lineClamp={2}>
                    <bdi>{(o.items ?? []).join(', ') || o.order_id}</bdi>
                  </Text>
                </td>
                <td data-end>
                  {o.revenue !== null && money(o.revenue, o.currency)}
                  <Text size="xs" c="dimmed">
                    {o.status}
                  </Text>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}
