// What to do for the person now: the action that the program chooses, with why, and what came of it sent back.
import { Badge, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Part } from '../parts/page';
import { Trouble } from '../parts/said';
import { useMay, useWho } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

type Place = 'call_centre' | 'point_of_sale';
type Outcome = Schema<'Outcome'>['outcome'];
const outcomes: Outcome[] = ['offered', 'taken', 'refused'];

/** The decision for the person at the place; undefined while there are no actions to choose from. It is asked for once, since each one is kept. */
export function useDecision(id: string, place: Place) {
  const agent = useWho()?.name;
  const actions = useQuery({ queryKey: ['actions'], queryFn: () => api.get('/api/v1/actions'), staleTime: 60_000 });
  const any = (actions.data?.items ?? []).some((a) => !a.off && (!a.places?.length || a.places.includes(place)));
  return useQuery({
    queryKey: ['decision', id, place],
    enabled: any,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: () => api.post('/api/v1/decide', { body: { namespace: 'id', value: id, place, agent } }),
  });
}

/** The next best action, the runner-up, why, and what came of it. */
export function Next({ id, place }: { id: string; place: Place }) {
  const { say } = useLanguage(words);
  const told = useDecision(id, place);
  const d = told.data;
  if (told.error) return <Trouble error={told.error} />;
  if (!d?.action) return null;
  return (
    <Part title={say('next')} about={say('nextHelp')}>
      <Stack gap="sm" data-testid="next">
        <Action of={d.action} />
        <details className="behind">
          <summary>{say('why_')}</summary>
          <Stack gap={2} component="ul" m={0} ps="md" mt={4}>
            {(d.reasons ?? []).map((r) => (
              <Text size="xs" c="dimmed" component="li" key={r}>
                {r}
              </Text>
            ))}
          </Stack>
        </details>
        {d.runner_up && (
          <Text size="sm" c="dimmed">
            {say('otherwise')}: <bdi>{d.runner_up.say || d.runner_up.name}</bdi>
          </Text>
        )}
        <CameOf decision={d} place={place} />
      </Stack>
    </Part>
  );
}

function Action({ of }: { of: Schema<'DecidedAction'> }) {
  const { say, percent } = useLanguage(words);
  const offer = of.offer as Record<string, unknown> | undefined;
  return (
    <div>
      <Group gap="xs" justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={3} size="h4">
          <bdi>{of.say || of.name}</bdi>
        </Title>
        <Badge variant="light" tt="none" miw="fit-content">
          {say('chance', { share: percent(of.chance) })}
        </Badge>
      </Group>
      {of.say && (
        <Text size="xs" c="dimmed">
          <bdi>{of.name}</bdi>
        </Text>
      )}
      {of.product && (
        <Text size="sm" mt={4}>
          <bdi>{of.product.name || of.product.item}</bdi>
          {of.product.available !== undefined && ` · ${say('inStock', { count: of.product.available })}`}
        </Text>
      )}
      {offer && typeof offer === 'object' && (
        <Group gap={6} mt={6}>
          {Object.entries(offer).map(([k, v]) => (
            <Badge key={k} variant="default" tt="none">
              {k}: {typeof v === 'object' ? JSON.stringify(v) : String(v)}
            </Badge>
          ))}
        </Group>
      )}
    </div>
  );
}

/** The outcome goes back with the decision's id: the next choices learn from it. The latest word holds. */
function CameOf({ decision, place }: { decision: Schema<'Decision'>; place: Place }) {
  const { say } = useLanguage(words);
  const may = useMay();
  const agent = useWho()?.name;
  const queries = useQueryClient();
  const [why, setWhy] = useState('');
  const tell = useMutation({
    mutationFn: (outcome: Outcome) =>
      api.post('/api/v1/decide/{id}/outcome', {
        path: { id: decision.id },
        body: { outcome, agent, reason: why.trim() || undefined },
      }),
  });
  if (!may('serve')) return null;
  const told = tell.isSuccess ? tell.variables : undefined;
  return (
    <Paper withBorder p="xs">
      <Stack gap="xs">
        <TextInput
          size="xs"
          label={say('whyOutcome')}
          placeholder={say('whyOutcomeHelp')}
          maxLength={500}
          value={why}
          onChange={(e) => setWhy(e.currentTarget.value)}
        />
        <Group gap="xs">
          {outcomes.map((o) => (
            <Button
              key={o}
              size="xs"
              variant={told === o ? 'filled' : 'default'}
              aria-pressed={told === o}
              loading={tell.isPending && tell.variables === o}
              onClick={() => tell.mutate(o)}
            >
              {say(`outcome_${o}`)}
            </Button>
          ))}
          {told && (
            <Button
              size="xs"
              variant="subtle"
              onClick={() => void queries.resetQueries({ queryKey: ['decision', decision.profile, place] })}
            >
              {say('another')}
            </Button>
          )}
        </Group>
        {told && (
          <Text size="xs" role="status">
            {say('noted', { outcome: say(`outcome_${told}`) })}
          </Text>
        )}
        {tell.error && <Trouble error={tell.error} />}
      </Stack>
    </Paper>
  );
}
