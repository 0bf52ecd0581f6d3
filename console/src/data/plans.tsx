import { Badge, Button, Code, Group, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst, Dialog } from '../parts/ask';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

type Plan = Schema<'PlanInForce'>;

/** Tracking plans and transform rules: what was agreed, and what mends events on their way in. */
export function Plans() {
  const { say, number } = useLanguage(words);
  const queries = useQueryClient();
  const may = useMay();
  const [shown, setShown] = useState<Plan>();
  const plans = useQuery({ queryKey: ['plans'], queryFn: () => api.get('/api/v1/plans') });
  const rules = useQuery({ queryKey: ['transforms'], queryFn: () => api.get('/api/v1/transforms') });
  const [list, fixes] = [plans.data?.items ?? [], rules.data?.items ?? []];
  const error = plans.error ?? rules.error;
  return (
    <Part
      title={say('plans')}
      about={say('plansHelp')}
      actions={may('data') && <Propose made={() => void plans.refetch()} />}
    >
      {error && <Trouble error={error} />}
      {plans.isPending && <Waiting />}
      {plans.data && list.length === 0 && <Text size="sm">{say('plansNone')}</Text>}
      <div className="scroll">
        <table className="table" style={{ minWidth: 560 }}>
          <tbody>
            {list.map((p) => (
              <tr key={`plan ${p.name}`}>
                <td>
                  <Badge size="xs" variant="light" tt="none">
                    {say('plan')}
                  </Badge>{' '}
                  {p.name}
                </td>
                <td>
                  {say('planHas', {
                    events: Object.keys(p.events ?? {}).length,
                    sources: (p.sources ?? []).join(', ') || '*',
                  })}
                </td>
                <td>{say('onViolation', { what: p.on_violation || 'allow' })}</td>
                <td data-end>
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    <Button size="compact-xs" variant="light" onClick={() => setShown(p)}>
                      {say('showPlan')}
                    </Button>
                    {!p.config && may('data') && (
                      <AskFirst
                        size="compact-xs"
                        label={say('end')}
                        title={say('endPlan', { name: p.name })}
                        consequence={say('endPlanHelp')}
                        act={() => api.delete('/api/v1/plans/{name}', { path: { name: p.name } })}
                        done={() => void queries.invalidateQueries({ queryKey: ['plans'] })}
                      />
                    )}
                  </Group>
                </td>
              </tr>
            ))}
            {fixes.map((r) => (
              <tr key={`rule ${r.name}`}>
                <td>
                  <Badge size="xs" variant="light" color="gray" tt="none">
                    {say('rule')}
                  </Badge>{' '}
                  {r.name}
                </td>
                <td>
                  <Text size="xs" c="dimmed">
                    {(r.steps ?? []).map((s) => [s.op, s.path, s.to || s.value].filter(Boolean).join(' ')).join('; ')}
                  </Text>
                </td>
                <td>{say('applied', { count: number(r.applied) })}</td>
                <td data-end>
                  {!r.config && may('data') && (
                    <AskFirst
                      size="compact-xs"
                      label={say('end')}
                      title={say('endRule', { name: r.name })}
                      consequence={say('endRuleHelp')}
                      act={() => api.delete('/api/v1/transforms/{name}', { path: { name: r.name } })}
                      done={() => void queries.invalidateQueries({ queryKey: ['transforms'] })}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Dialog opened={shown !== undefined} close={() => setShown(undefined)} size="lg" title={shown?.name}>
        <Code block dir="ltr" tabIndex={0} style={{ maxHeight: 480, overflow: 'auto' }}>
          {JSON.stringify(
            { sources: shown?.sources, on_violation: shown?.on_violation, events: shown?.events },
            null,
            2,
          )}
        </Code>
      </Dialog>
    </Part>
  );
}

/** A plan made of what a source has sent, tried on the latest events before it is in force. */
function Propose({ made }: { made: () => void }) {
  const { say } = useLanguage(words);
  const [opened, setOpened] = useState(false);
  const [source, setSource] = useState<string | null>(null);
  const sources = useQuery({ queryKey: ['sources'], queryFn: () => api.get('/api/v1/sources'), enabled: opened });
  const propose = useMutation({
    mutationFn: async (of: string) => {
      const plan = await api.post('/api/v1/plans/propose', { body: { source: of } });
      return { plan, trial: await api.post('/api/v1/plans/test', { body: { plan, recent: 1000 } }) };
    },
  });
  const keep = useMutation({
    mutationFn: () => {
      const plan = propose.data?.plan as Schema<'Plan'>;
      return api.put('/api/v1/plans/{name}', { path: { name: plan.name }, body: plan });
    },
    onSuccess: () => {
      setOpened(false);
      made();
    },
  });
  const error = propose.error ?? keep.error;
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpened(true)}>
        {say('proposePlan')}
      </Button>
      <Dialog opened={opened} close={() => setOpened(false)} size="lg" title={say('proposePlan')}>
        <Stack>
          <Select
            label={say('source')}
            description={say('proposeHelp')}
            data={(sources.data?.items ?? []).map((s) => s.name)}
            value={source}
            onChange={(s) => {
              setSource(s);
              if (s) propose.mutate(s);
            }}
          />
          {propose.isPending && source && <Waiting />}
          {error && <Trouble error={error} />}
          {propose.data && (
            <>
              <Text size="sm" role="status">
                {say('proposed', {
                  events: Object.keys(propose.data.plan.events ?? {}).length,
                  tried: propose.data.trial.events,
                  violated: propose.data.trial.violated,
                })}
              </Text>
              <Code block dir="ltr" tabIndex={0} style={{ maxHeight: 300, overflow: 'auto' }}>
                {JSON.stringify(propose.data.plan.events, null, 2)}
              </Code>
              <Group justify="flex-end">
                <Button loading={keep.isPending} onClick={() => keep.mutate()}>
                  {say('bringIntoForce')}
                </Button>
              </Group>
            </>
          )}
        </Stack>
      </Dialog>
    </>
  );
}
