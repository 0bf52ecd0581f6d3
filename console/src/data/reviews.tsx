import { Badge, Button, Checkbox, Group, Paper, Stack, Text, TextInput } from '@mantine/core';
import { IconArrowBackUp, IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { OneOf } from '../parts/oneof';
import { Person } from '../parts/people';
import { Empty, Trouble, Waiting } from '../parts/said';
import { useTyped } from '../parts/typed';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { DataPage } from './frame';
import { words } from './words';

const route = getRouteApi('/data/reviews');
type Review = Schema<'MatchReview'>;
const verdicts = ['same', 'different', 'unsure'] as const;
type Verdict = (typeof verdicts)[number] | 'open';

/** Pairs that may be one person: a person decides, side by side. */
export function Reviews() {
  const { say } = useLanguage(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const state = (search.state ?? 'open') as Verdict;
  const [typed, setTyped] = useTyped(
    search.q,
    (q) => void navigate({ to: '/data/reviews', search: (s) => ({ ...s, q }), replace: true }),
  );
  const [chosen, setChosen] = useState<string[]>([]);
  const [last, setLast] = useState<{ ids: string[]; was: Verdict; now: Verdict }>();
  const told = useInfiniteQuery({
    queryKey: ['reviews', state, search.q],
    queryFn: ({ pageParam }) =>
      api.get('/api/v1/identity/matching/reviews', { query: { limit: 10, cursor: pageParam, state, q: search.q } }),
    initialPageParam: '',
    getNextPageParam: (page) => page.next || undefined,
  });
  const decide = useMutation({
    mutationFn: ({ ids, verdict }: { ids: string[]; verdict: Verdict; was: Verdict }) =>
      api.post('/api/v1/identity/matching/reviews', { body: { ids, verdict } }),
    onSuccess: (_, { ids, verdict, was }) => {
      setLast({ ids, was, now: verdict });
      setChosen([]);
      void queries.invalidateQueries({ queryKey: ['reviews'] });
      void queries.invalidateQueries({ queryKey: ['identity', 'health'] });
    },
  });
  const say1 = (v: Verdict) => say(`verdict_${v}`);
  const items = told.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  return (
    <DataPage title={say('reviews')} about={say('reviewsAbout')}>
      <Waits />
      <Group gap="xs">
        <OneOf
          label={say('reviews')}
          data={(['open', ...verdicts] as Verdict[]).map((v) => ({ value: v, label: say1(v) }))}
          value={state}
          set={(v) => {
            setChosen([]);
            void navigate({ to: '/data/reviews', search: { ...search, state: v === 'open' ? undefined : v } });
          }}
        />
        <TextInput
          size="xs"
          type="search"
          aria-label={say('findPair')}
          placeholder={say('findPair')}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          style={{ flex: '1 1 160px' }}
          maw={280}
        />
        {chosen.length > 0 && (
          <Group gap={4} ms="auto">
            <Text size="xs">{say('chosen', { count: chosen.length })}</Text>
            {verdicts.map((v) => (
              <Button
                key={v}
                size="xs"
                variant="default"
                loading={decide.isPending}
                onClick={() => decide.mutate({ ids: chosen, verdict: v, was: state })}
              >
                {say1(v)}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      {(told.error ?? decide.error) && <Trouble error={(told.error ?? decide.error) as Error} />}
      {last && (
        <Group gap="xs" role="status" data-testid="decided">
          <Text size="sm">{say('decided', { count: last.ids.length, verdict: say1(last.now) })}</Text>
          {last.now !== last.was && (
            <Button
              size="compact-xs"
              variant="light"
              leftSection={<IconArrowBackUp size={14} aria-hidden />}
              onClick={() => decide.mutate({ ids: last.ids, verdict: last.was, was: last.was })}
            >
              {say('undo')}
            </Button>
          )}
        </Group>
      )}
      {told.isPending && <Waiting />}
      {told.isSuccess && items.length === 0 && (
        <Empty icon={IconUsers} title={say(state === 'open' ? 'reviewsEmpty' : 'reviewsNone')}>
          {state === 'open' && say('reviewsEmptyHelp')}
        </Empty>
      )}
      <Stack>
        {items.map((r) => (
          <Pair
            key={r.id}
            review={r}
            chosen={chosen.includes(r.id)}
            choose={(on) => setChosen(on ? [...chosen, r.id] : chosen.filter((id) => id !== r.id))}
            decide={(verdict) => decide.mutate({ ids: [r.id], verdict, was: state })}
          />
        ))}
      </Stack>
      {told.hasNextPage && (
        <Button variant="default" onClick={() => told.fetchNextPage()} loading={told.isFetchingNextPage}>
          {say('more')}
        </Button>
      )}
    </DataPage>
  );
}

/** A run that changes so much that somebody has to say so. */
function Waits() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const runs = useQuery({ queryKey: ['matching', 'runs'], queryFn: () => api.get('/api/v1/identity/matching/runs') });
  const waiting = runs.data?.items?.find((r) => r.state === 'waiting');
  if (!waiting) return null;
  const path = { id: Number(waiting.id) };
  const done = () => queries.invalidateQueries({ queryKey: ['matching'] });
  return (
    <Paper withBorder p="sm">
      <Group justify="space-between">
        <Text size="sm">{say('runWaits')}</Text>
        <Group gap="xs">
          <AskFirst
            right="approve"
            label={say('approve')}
            title={say('approveTitle')}
            consequence={say('approveHelp')}
            act={() => api.post('/api/v1/identity/matching/runs/{id}/approve', { path })}
            done={done}
          />
          <AskFirst
            right="data"
            label={say('discard')}
            title={say('discardTitle')}
            consequence={say('discardHelp')}
            act={() => api.post('/api/v1/identity/matching/runs/{id}/discard', { path })}
            done={done}
          />
        </Group>
      </Group>
    </Paper>
  );
}

interface PairProps {
  review: Review;
  chosen: boolean;
  choose: (on: boolean) => void;
  decide: (v: Verdict) => void;
}

/** Two profiles field by field, and what each field says for or against their being one person. */
function Pair({ review: r, chosen, choose, decide }: PairProps) {
  const { say, percent, number } = useLanguage(words);
  const [a, b] = r.profiles as unknown as [string, string];
  const fields = [...(r.fields ?? [])].sort((x, y) => Math.abs(y.weight) - Math.abs(x.weight));
  const signed = (weight: number) => {
    const rounded = Math.round(weight * 10) / 10;
    return `${rounded > 0 ? '+' : ''}${number(rounded || 0)}`;
  };
  return (
    <Paper
      withBorder
      p="sm"
      data-testid="pair"
      component="article"
      aria-label={say('pairOf', { share: percent(r.probability) })}
    >
      <Group justify="space-between" mb="xs" gap="xs">
        <Group gap="xs" wrap="nowrap">
          <Allowed right="serve">
            <Checkbox
              size="xs"
              checked={chosen}
              onChange={(e) => choose(e.currentTarget.checked)}
              aria-label={say('choosePair')}
            />
          </Allowed>
          <Text size="sm" fw={600}>
            {say('pairOf', { share: percent(r.probability) })}
          </Text>
          {a === b && (
            <Badge size="xs" variant="light" tt="none">
              {say('oneNow')}
            </Badge>
          )}
          {r.by && (
            <Text size="xs" c="dimmed">
              {r.by}
            </Text>
          )}
        </Group>
        <Allowed right="serve">
          <Group gap={4}>
            {r.state === 'open' ? (
              verdicts.map((v) => (
                <Button
                  key={v}
                  size="xs"
                  variant={v === 'same' ? 'light' : 'default'}
                  onClick={() => decide(v)}
                  data-verdict={v}
                >
                  {say(`verdict_${v}`)}
                </Button>
              ))
            ) : (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconArrowBackUp size={14} aria-hidden />}
                onClick={() => decide('open')}
              >
                {say('takeBack')}
              </Button>
            )}
          </Group>
        </Allowed>
      </Group>
      <div className="scroll">
        <table className="table" data-tight data-bare data-fixed style={{ minWidth: 320 }}>
          <thead>
            <tr>
              <th style={{ width: '22%' }} />
              <th>
                <Person id={a} />
              </th>
              <th>
                <Person id={b} />
              </th>
              <th style={{ width: 72 }} data-end title={say('weightHelp')}>
                {say('weight')}
              </th>
            </tr>
          </thead>
          <tbody>
            {fields
              .filter((f) => f.a || f.b)
              .map((f) => (
                <tr key={f.field} className={f.weight > 0.5 ? 'agrees' : f.weight < -0.5 ? 'differs' : undefined}>
                  <td data-quiet style={{ overflowWrap: 'anywhere' }}>
                    {f.field}
                  </td>
                  <td style={{ overflowWrap: 'anywhere' }}>
                    <bdi>{f.a || '–'}</bdi>
                  </td>
                  <td style={{ overflowWrap: 'anywhere' }}>
                    <bdi>{f.b || '–'}</bdi>
                  </td>
                  <td data-end>{f.level ? signed(f.weight) : ''}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </Paper>
  );
}
