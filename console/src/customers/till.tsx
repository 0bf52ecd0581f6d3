import { Anchor, Badge, Group, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconScan } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Profile } from '../api';
import { Page, Part } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { LastOrders, May } from './agent';
import { useLoyalty, useOrders, useSizes, useWanted } from './facts';
import { nameOf } from './person';
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
        void navigate({ to: '/till', search: { id: p.id as unknown as string } });
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
  const id = p.id as unknown as string;
  const [loyalty, sizes, wanted, orders] = [useLoyalty(id), useSizes(id), useWanted(id), useOrders(id)];
  const card = loyalty.data?.[0];
  return (
    <Stack data-testid="served">
      <Group justify="space-between">
        <Title order={2}>
          <Anchor
            renderRoot={(props) => (
              <Link to="/customers/$namespace/$value" params={{ namespace: 'id', value: id }} {...props} />
            )}
          >
            <bdi>{nameOf(p) || say('anonymous')}</bdi>
          </Anchor>
        </Title>
        {card && (
          <Badge size="xl" variant="light" tt="none">
            {card.tier ?? say('noTier')} · {say('points', { points: card.points ?? 0 })}
          </Badge>
        )}
      </Group>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Part title={say('sizes')} about={say('sizesHelp')}>
          {(sizes.data ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
          <Group gap="xs">
            {(sizes.data ?? []).map((s) => (
              <Badge key={`${s.category}/${s.size}`} size="lg" variant="default" tt="none">
                {s.category} {s.size} ({number(s.bought)})
              </Badge>
            ))}
          </Group>
        </Part>
        <Part title={say('wanted')} about={say('wantedHelp')}>
          {(wanted.data ?? []).length === 0 && <Text size="sm">{say('none')}</Text>}
          <Stack gap={4}>
            {(wanted.data ?? []).map((v) => (
              <Group key={v.product} justify="space-between">
                <Text>
                  <bdi>{v.product}</bdi>
                </Text>
                <Text size="sm" c="dimmed">
                  {say('viewedTimes', { count: v.viewed })}
                </Text>
              </Group>
            ))}
          </Stack>
        </Part>
        <LastOrders list={orders.data ?? []} />
        <May p={p} />
      </SimpleGrid>
    </Stack>
  );
}
