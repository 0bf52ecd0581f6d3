import { Badge, Grid, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconScan } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Profile, type Schema } from '../api';
import { Page, Part } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { LastOrders, May } from './agent';
import { Next } from './next';
import { addressOf, nameOf } from './person';
import { useSummary } from './summary';
import { words } from './words';

/** For who stands at the till: scan a card or type a number, and see whom one serves. */
export function Till() {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const { id } = useSearch({ strict: false }) as { id?: string };
  const [typed, setTyped] = useState('');
  const find = useMutation({
    mutationFn: (q: string) => api.get('/api/v1/profiles', { query: { q, limit: 1 } }),
    onSuccess: (found) => {
      const p = found.items?.[0];
      if (p) {
        setTyped('');
        void navigate({ to: '/till', search: { id: p.id } });
      }
    },
  });
  const told = useQuery({
    queryKey: ['profile', 'id', id],
    queryFn: () =>
      api.get('/api/v1/profiles/{namespace}/{value}', { path: { namespace: 'id', value: id ?? '' }, query: {} }),
    enabled: id !== undefined,
  });
  return (
    <Page title={say('till')} about={say('tillAbout')}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (typed.trim()) find.mutate(typed.trim());
        }}
      >
        <TextInput
          size="lg"
          type="search"
          aria-label={say('scan')}
          placeholder={say('scan')}
          leftSection={<IconScan size={22} aria-hidden />}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          data-autofocus
        />
      </form>
      {(find.error ?? told.error) && <Trouble error={(find.error ?? told.error) as Error} />}
      {find.data && (find.data.items ?? []).length === 0 && <Text role="status">{say('nobody')}</Text>}
      {id && told.isPending && <Waiting />}
      {!id && (
        <Empty icon={IconScan} title={say('tillEmpty')}>
          {say('tillEmptyHelp')}
        </Empty>
      )}
      {told.data && <Served p={told.data} />}
    </Page>
  );
}

function Served({ p }: { p: Profile }) {
  const { say, number } = useLanguage(words);
  const told = useSummary({ namespace: 'id', value: p.id });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const s = told.data;
  const card = s.loyalty?.[0];
  return (
    <Stack data-testid="served">
      <Group justify="space-between">
        <Title order={2} style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          <Link className="link" to="/customers/$namespace/$value" params={addressOf(p)}>
            <bdi>{nameOf(p) || say('anonymous')}</bdi>
          </Link>
        </Title>
        {card && (
          <Badge size="xl" variant="light" tt="none">
            {card.tier ?? say('noTier')} · {say('points', { points: card.points })}
          </Badge>
        )}
      </Group>
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Next id={p.id} place="point_of_sale" />
            <Part title={say('wanted')} about={say('wantedHelp')}>
              {(s.viewed ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
              <Stack gap="xs">
                {s.viewed?.map((v) => (
                  <div key={v.name}>
                    <Group justify="space-between" wrap="nowrap">
                      <Text>
                        <bdi>{[v.name, v.size].filter(Boolean).join(', ')}</bdi>
                      </Text>
                      <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                        {say('viewedTimes', { count: v.times })}
                      </Text>
                    </Group>
                    <Stock of={v} />
                  </div>
                ))}
              </Stack>
            </Part>
            <Fits p={p} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Part title={say('sizes')} about={say('sizesHelp')}>
              {(s.sizes ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
              <Group gap="xs">
                {s.sizes?.map((x) => (
                  <Badge key={`${x.category}/${x.size}`} size="lg" variant="default" tt="none">
                    {x.category} {x.size} ({number(x.bought)})
                  </Badge>
                ))}
              </Group>
            </Part>
            <LastOrders list={s.last_orders ?? []} />
            <May p={p} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

/** Which sizes there are of what the person looks for; the size that was looked at is marked. */
function Stock({ of }: { of: Schema<'SummaryViewed'> }) {
  const { say } = useLanguage(words);
  const all = of.in_stock ?? [];
  if (all.length === 0)
    return (
      <Text size="xs" c="dimmed">
        {say('noStock')}
      </Text>
    );
  return (
    <Group gap={6}>
      {all.map((x) => (
        <Badge key={x.sku} variant={x.sku === of.product_id ? 'light' : 'default'} tt="none">
          {x.size || x.sku} · {say('pieces', { count: x.available })}
        </Badge>
      ))}
    </Group>
  );
}

/** What goes with what the person has bought, while there is a model of it. */
function Fits({ p }: { p: Profile }) {
  const { say } = useLanguage(words);
  const model = useQuery({
    queryKey: ['recommendations'],
    queryFn: () => api.get('/api/v1/recommendations'),
    staleTime: 60_000,
  });
  const told = useQuery({
    queryKey: ['recommendations', p.id],
    enabled: !!model.data?.trained && !model.data.error,
    queryFn: () =>
      api.get('/api/v1/recommendations/profiles/{namespace}/{value}', { path: addressOf(p), query: { limit: 4 } }),
  });
  const list = told.data?.new ?? [];
  if (list.length === 0) return null;
  return (
    <Part title={say('fits')} about={say('fitsHelp')}>
      <Stack gap={6}>
        {list.map((r) => (
          <div key={r.item}>
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm">
                <bdi>{r.name || r.item}</bdi>
              </Text>
              {r.available !== undefined && (
                <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                  {say('inStock', { count: r.available })}
                </Text>
              )}
            </Group>
            <Text size="xs" c="dimmed">
              {r.item} · {r.reason}
            </Text>
          </div>
        ))}
      </Stack>
    </Part>
  );
}
